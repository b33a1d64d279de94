"""One connection of a stream worker: its queries, the answers, and transfers under way.

Queries are answered in the order they came, but for transfers: their messages go out between the
answers to what was asked after them (RFC 7766 §6.2.1.1, RFC 5936 §2.2.2).
"""

from __future__ import annotations

import asyncio
import socket
import ssl
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from zonecast.protocol.access import Shown
from zonecast.server.answering.connections import Connection, Connections
from zonecast.server.answering.guard import Guard
from zonecast.server.answering.pinned import Versions
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Bounds
from zonecast.server.answering.slots import Slots
from zonecast.server.answering.transferring import Outgoing
from zonecast.store.reader import Snapshot

# Under way on one connection.
MAX_TRANSFERS = 8

LIMIT = 65537
WRITE_BUFFER = 256 * 1024


class Client(NamedTuple):
    """Who is at the other end: its IP address in text, and the certificate that it showed."""

    address: str
    shown: Shown | None


@dataclass
class Service:
    """What the sessions of a worker share."""

    versions: Versions
    connections: Connections
    # Called for each transfer that was refused because there were too many.
    on_refused: Callable[[], None]
    bounds: Bounds
    slots: Slots = field(default_factory=Slots)
    guard: Guard | None = None
    stopping: bool = False


class Session:
    """A connection that is open, until `run` returns."""

    def __init__(
        self,
        service: Service,
        connection: Connection,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        responder: Responder,
        shown: Shown | None = None,
    ) -> None:
        """`shown` is the certificate that the client showed, if any."""
        self._service = service
        self._connection = connection
        self._reader, self._writer = streams
        self._responder = responder
        self._client = Client(connection.address, shown)
        self._transfers: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve until the client closes, is too slow, or the task is cancelled; then nothing is left
        open, whatever the client has not taken yet."""
        try:
            await self._serve()
            await self._close()
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            self._reset()  # the client is slow or gone
        except Exception as error:  # noqa: BLE001 - no connection may end a worker
            self._responder.fault(error)
            self._reset()
        finally:
            for task in self._transfers:
                task.cancel()
            self._begin_close()
            self._writer.transport.abort()

    async def _serve(self) -> None:
        self._writer.transport.set_write_buffer_limits(high=WRITE_BUFFER)
        while (packet := await self._query()) is not None:
            snapshot = self._service.versions.acquire()
            try:
                self._responder.use(snapshot)
                reply = self._responder.reply(packet, self._client)
                if self._service.guard is not None and isinstance(reply, bytes):
                    address = self._connection.address
                    reply = self._service.guard.single(packet, reply, address, snapshot)
            except BaseException:
                self._service.versions.release(snapshot)
                raise
            if isinstance(reply, Outgoing):
                if not reply.is_small:
                    await self._begin_transfer(reply, snapshot)
                    continue
                (reply,) = reply
            self._service.versions.release(snapshot)
            if reply is None:
                break
            self._write(reply)
            # A transfer under way fills the buffer up to its mark; answers go beyond.
            if self._writer.transport.get_write_buffer_size() > 2 * WRITE_BUFFER:
                await self._drain()
            # Pipelined queries must not keep other clients waiting.
            await asyncio.sleep(0)
        await asyncio.gather(*self._transfers)
        await self._flush()

    async def _query(self) -> bytes | None:
        """The next query; None where the client closed between two or sent nothing for long."""
        connections = self._service.connections
        first = b""
        while not first:
            if not self._transfers:
                await self._flush()  # a reply that is not taken yet is under way
                if self._service.stopping:
                    return None
                connections.idle(self._connection)
            try:
                async with asyncio.timeout(self._service.bounds.idle):
                    first = await self._reader.read(1)
                if not first:
                    return None
            except TimeoutError:
                if not self._transfers:
                    return None
            finally:
                connections.busy(self._connection)
        async with asyncio.timeout(self._service.bounds.query):
            length = first + await self._reader.readexactly(1)
            return await self._reader.readexactly(int.from_bytes(length, "big"))

    async def _begin_transfer(self, outgoing: Outgoing, snapshot: Snapshot) -> None:
        task = asyncio.get_running_loop().create_task(self._transfer(outgoing))
        self._transfers.add(task)
        task.add_done_callback(lambda _: self._end_transfer(task, snapshot))
        if len(self._transfers) >= MAX_TRANSFERS:
            await asyncio.wait(self._transfers, return_when=asyncio.FIRST_COMPLETED)

    def _end_transfer(self, task: asyncio.Task[None], snapshot: Snapshot) -> None:
        self._transfers.discard(task)
        self._service.versions.release(snapshot)

    async def _transfer(self, outgoing: Outgoing) -> None:
        slots = self._service.slots
        peer = (self._connection.client, outgoing.key)
        try:
            if await slots.enter(peer):
                try:
                    async with asyncio.timeout(slots.limits.deadline):
                        await self._send(outgoing)
                finally:
                    slots.leave(peer)
            else:
                self._service.on_refused()
                self._write(outgoing.refusal())
            if self._service.stopping:
                await self._flush()
                self._connection.close()
        except (TimeoutError, OSError):
            self._reset()
        except Exception as error:  # noqa: BLE001 - no connection may end a worker
            self._responder.fault(error)
            self._reset()

    async def _send(self, outgoing: Outgoing) -> None:
        for message in outgoing:
            self._write(message)
            await self._drain()
            # A client that takes everything at once must not keep others waiting.
            await asyncio.sleep(0)

    def _write(self, message: bytes) -> None:
        self._writer.write(len(message).to_bytes(2, "big") + message)

    async def _flush(self) -> None:
        """Wait until the kernel has everything."""
        transport = self._writer.transport
        # Of an empty buffer, TLS would not say that it is empty.
        if transport.get_write_buffer_size():
            transport.set_write_buffer_limits(high=0)
            await self._drain()
            if not transport.is_closing():
                transport.set_write_buffer_limits(high=WRITE_BUFFER)

    async def _drain(self) -> None:
        """Wait while the client takes nothing of what is above the mark."""
        async with asyncio.timeout(self._service.bounds.reply):
            await self._writer.drain()

    async def _close(self) -> None:
        """Close, which over TLS takes two: who makes the other wait, makes room first of all."""
        self._begin_close()
        self._service.connections.idle(self._connection)
        async with asyncio.timeout(self._service.bounds.reply):
            await self._writer.wait_closed()

    def _begin_close(self) -> None:
        # asyncio cannot abort a TLS connection any more that is closed for the second time.
        if not self._writer.transport.is_closing():
            self._writer.close()

    def _reset(self) -> None:
        """Close with a reset: what the client did not take is not kept for it in the kernel."""
        sock = self._writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


async def open_streams(
    sock: socket.socket, context: ssl.SSLContext | None, patience: float
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """The streams of an accepted socket, after the handshake where there is a `context`. Raises
    OSError where none comes about within `patience` seconds."""
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=LIMIT, loop=loop)
    protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
    timeout = None if context is None else patience
    transport, _ = await loop.connect_accepted_socket(
        lambda: protocol,
        sock,
        ssl=context,
        ssl_handshake_timeout=timeout,
        ssl_shutdown_timeout=timeout,
    )
    return reader, asyncio.StreamWriter(transport, protocol, reader, loop)
