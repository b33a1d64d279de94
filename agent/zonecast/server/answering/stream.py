"""A stream worker: queries and transfers over TCP (RFC 7766) and TLS (RFC 7858), each connection a
small task.

Everything a client could hold on to is bounded: connections in all and of one client, time
without a query, time for a handshake or a query to arrive, time for a reply to be taken, time for
a transfer.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import sys
from functools import partial
from pathlib import Path
from typing import Any

from zonecast.server.answering.accepting import Acceptor, descriptors
from zonecast.server.answering.certificate import ALPN, Certificate, shown
from zonecast.server.answering.connections import Connection, Connections
from zonecast.server.answering.guard import Guard, read_rulebook
from zonecast.server.answering.pinned import Versions
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Bounds, read_bounds, read_rules
from zonecast.server.answering.session import Service, Session, open_streams
from zonecast.server.answering.slots import read_limits
from zonecast.server.channel import AsyncChannel
from zonecast.store.reader import ZonesReader

# Seconds for what runs when told to stop.
GRACE = 2.0


class StreamWorker:
    """One process's connections, and what answers on them."""

    def __init__(self, channel: AsyncChannel, settings: dict[str, Any]) -> None:
        self._channel = channel
        self._clear = [socket.socket(fileno=fd) for fd in settings["sockets"]]
        self._encrypted = [socket.socket(fileno=fd) for fd in settings.get("tls-sockets", ())]
        self._descriptors = descriptors()
        bounds = read_bounds(settings)
        self._reader = ZonesReader(Path(settings["state-dir"]))
        self._reader.tell_expired(settings.get("expired"))
        self._service = Service(
            Versions(self._reader),
            Connections(bounds.connections, bounds.connections_per_client),
            lambda: channel.send_or_drop({"guard": {"transfers": 1}}),
            bounds,
        )
        self._certificate: Certificate | None = None
        self._responders: dict[tuple[bool, bool], Responder] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._configure(settings)

    def _configure(self, settings: dict[str, Any]) -> None:
        """Answer by these settings from now on."""
        self._bound(read_bounds(settings))
        tls = settings.get("tls")
        if tls is not None:
            self._certificate = Certificate(tls, self._complain, self._certificate)
        # Whether TLS is spoken, and whether with ALPN, without which there is no transfer over it
        # (RFC 9103 §7.1).
        transports = [(False, True), (True, True), (True, False)]
        for transport in transports[: 1 if tls is None else None]:
            encrypted, transfers = transport
            rules = read_rules(settings, encrypted=encrypted, transfers=transfers)
            responder = self._responders.get(transport)
            if responder is None:
                self._responders[transport] = Responder(
                    rules,
                    self._channel.send_or_drop,
                    lambda client: str(client.address),
                    shown=lambda client: client.shown,
                    datagram=False,
                    encrypted=encrypted,
                )
            else:
                responder.rules = rules
        self._service.slots.limits = read_limits(settings)
        self._service.slots.let_in()
        # Over a stream no address is forged, and nothing is an amplifier.
        rulebook = read_rulebook(settings)._replace(limits=None)
        report = self._channel.send_or_drop
        self._service.guard = Guard(rulebook, report) if any(rulebook) else None

    def _bound(self, bounds: Bounds) -> None:
        """Keep within these bounds from now on; what is under way ends by itself."""
        service = self._service
        most = min(bounds.connections, self._descriptors)
        service.connections.limit(most, bounds.connections_per_client)
        service.bounds = bounds

    def _complain(self, text: str) -> None:
        self._channel.send_or_drop({"fault": text})

    async def run(self) -> None:
        """Serve until the controller says stop or is gone."""
        acceptors = [
            Acceptor(sock, partial(self._accepted, encrypted), self._service.connections.make_room)
            for encrypted, sockets in ((False, self._clear), (True, self._encrypted))
            for sock in sockets
        ]
        self._channel.send({"ready": True})
        while (message := await self._channel.receive()) is not None and not message.get("stop"):
            if "settings" in message:
                self._configure(message["settings"])
            elif "expired" in message:
                self._reader.tell_expired(message["expired"])
            elif "barrier" in message:
                # Answers are made without a pause and handed to the transport at once: none is
                # under way now. Transfers keep the version they began with.
                self._channel.send(message)
        for acceptor in acceptors:
            acceptor.close()
        await self._drain()

    async def _drain(self) -> None:
        self._service.stopping = True
        self._service.connections.close_idle()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=GRACE)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _accepted(self, encrypted: bool, sock: socket.socket, address: str) -> None:
        connection = Connection(address)
        if not self._service.connections.admit(connection):
            sock.close()
            return
        task = asyncio.get_running_loop().create_task(self._hold(connection, sock, encrypted))
        connection.close = task.cancel
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _hold(self, connection: Connection, sock: socket.socket, encrypted: bool) -> None:
        try:
            context = None
            if encrypted:
                assert self._certificate is not None
                context = self._certificate.context(asyncio.get_running_loop().time())
                if context is None:
                    sock.close()
                    return
            streams = await open_streams(sock, context, self._service.bounds.query)
            tls = streams[1].get_extra_info("ssl_object")
            named = tls is None or tls.selected_alpn_protocol() == ALPN
            responder = self._responders[encrypted, named]
            certificate = None if tls is None else shown(tls)
            await Session(self._service, connection, streams, responder, certificate).run()
        except asyncio.CancelledError:
            pass  # told to stop, or idle for longest where room is wanted
        except OSError:
            pass  # no handshake came about
        finally:
            self._service.connections.remove(connection)


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
