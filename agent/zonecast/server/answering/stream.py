"""A stream worker: queries and transfers over TCP (RFC 7766), each connection a small task.

Everything a client could hold on to is bounded: connections in all and from one address, time
without a query, time for a query to arrive, time for a reply to be taken, time for a transfer.
Queries of one connection are answered in the order they came.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import struct
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from zonecast.server.answering.guard import Guard, read_rulebook
from zonecast.server.answering.pinned import Versions
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import read_rules
from zonecast.server.channel import AsyncChannel
from zonecast.store.reader import ZonesReader

MAX_CONNECTIONS = 4096
MAX_PER_CLIENT = 128
MAX_TRANSFERS = 256

# Seconds: between queries (RFC 7766 §6.2.3), for the rest of one, for a reply to be taken, for
# a whole transfer (which keeps an old version's pages), for what runs when told to stop.
IDLE = 10.0
ARRIVAL = 5.0
STALL = 30.0
TRANSFER_DEADLINE = 1800.0
GRACE = 2.0

WRITE_BUFFER = 256 * 1024
BACKLOG = 1024


class StreamWorker:
    """One process's connections, and what answers on them."""

    def __init__(self, channel: AsyncChannel, settings: dict[str, Any]) -> None:
        self._channel = channel
        self._sockets = [socket.socket(fileno=fd) for fd in settings["sockets"]]
        self._versions = Versions(ZonesReader(Path(settings["state-dir"])))
        rules = read_rules(settings)
        self._responder = Responder(rules, channel.send_or_drop, str, datagram=False, idle=IDLE)
        self._guard = self._guarded(settings)
        self._clients: Counter[str] = Counter()
        self._connections: set[asyncio.Task[None]] = set()
        self._waiting: set[asyncio.Task[None]] = set()
        self._transfers = asyncio.Semaphore(MAX_TRANSFERS)

    def _guarded(self, settings: dict[str, Any]) -> Guard | None:
        rulebook = read_rulebook(settings)
        return Guard(rulebook, self._channel.send_or_drop) if rulebook.queries else None

    async def run(self) -> None:
        """Serve until the controller says stop or is gone."""
        servers = [
            await asyncio.start_server(self._accepted, sock=sock, limit=65537, backlog=BACKLOG)
            for sock in self._sockets
        ]
        self._channel.send({"ready": True})
        while (message := await self._channel.receive()) is not None and not message.get("stop"):
            if "settings" in message:
                self._responder.rules = read_rules(message["settings"])
                self._guard = self._guarded(message["settings"])
            elif "barrier" in message:
                # Answers are made without a pause and handed to the transport at once: none is
                # under way now. Transfers keep the version they began with.
                self._channel.send(message)
        for server in servers:
            server.close()
        await self._drain()

    async def _drain(self) -> None:
        for task in self._waiting:
            task.cancel()
        if self._connections:
            await asyncio.wait(self._connections, timeout=GRACE)
        for task in self._connections:
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)

    async def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        peer = writer.get_extra_info("peername")
        client = str(peer[0]) if peer else ""
        self._connections.add(task)
        self._clients[client] += 1
        try:
            crowded = len(self._connections) > MAX_CONNECTIONS
            if client and not crowded and self._clients[client] <= MAX_PER_CLIENT:
                await self._serve(reader, writer, client)
        except asyncio.CancelledError:
            pass  # told to stop; asyncio before 3.13 reports a connection's cancelled task as a fault
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            _reset(writer)  # the client is slow or gone
        except Exception as error:  # noqa: BLE001 - no connection may end a worker
            self._responder.fault(error)
            _reset(writer)
        finally:
            self._connections.discard(task)
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]
            writer.close()

    async def _serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, client: str
    ) -> None:
        writer.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        while (packet := await self._query(reader)) is not None:
            snapshot = self._versions.acquire()
            try:
                self._responder.use(snapshot)
                reply = self._responder.reply(packet, client)
                if reply is None:
                    break
                if not isinstance(reply, bytes):
                    await self._transfer(writer, reply)
            finally:
                self._versions.release(snapshot)
            if isinstance(reply, bytes):
                if self._guard is not None:
                    reply = self._guard.single(packet, reply, client)
                await _send(writer, reply)
        writer.transport.set_write_buffer_limits(high=0)
        await _send(writer, b"")

    async def _query(self, reader: asyncio.StreamReader) -> bytes | None:
        """The next query; a connection that waits for one ends at once when told to stop."""
        task = asyncio.current_task()
        assert task is not None
        self._waiting.add(task)
        try:
            return await _read_message(reader)
        finally:
            self._waiting.discard(task)

    async def _transfer(self, writer: asyncio.StreamWriter, messages: Iterator[bytes]) -> None:
        async with self._transfers, asyncio.timeout(TRANSFER_DEADLINE):
            for message in messages:
                await _send(writer, message)
                # A client that takes everything at once must not keep others waiting.
                await asyncio.sleep(0)


async def _read_message(reader: asyncio.StreamReader) -> bytes | None:
    """The next message; None where the client closed between two or sent nothing for long."""
    try:
        first = await asyncio.wait_for(reader.read(1), IDLE)
    except TimeoutError:
        return None
    if not first:
        return None
    async with asyncio.timeout(ARRIVAL):
        length = first + await reader.readexactly(1)
        return await reader.readexactly(int.from_bytes(length, "big"))


async def _send(writer: asyncio.StreamWriter, message: bytes) -> None:
    """Send a message, waiting while the client takes nothing; an empty one only waits."""
    if message:
        writer.write(len(message).to_bytes(2, "big") + message)
    async with asyncio.timeout(STALL):
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close with a reset: what the client did not take is not kept for it in the kernel."""
    if writer.transport.is_closing():
        return
    sock = writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def serve(fd: int) -> None:
    """Serve as the controller at the other end of channel `fd` says."""
    channel = await AsyncChannel.open(fd)
    settings = await channel.receive()
    if settings is not None:
        await StreamWorker(channel, settings).run()


def main() -> None:
    """The process's entry: its argument is the descriptor of its channel."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the controller tells when to stop
    asyncio.run(serve(int(sys.argv[1])))


if __name__ == "__main__":
    main()
