"""A primary that does as a script says: over TCP octet by octet if need be, and over UDP its SOA."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from peers import free_port

# What a query is answered with over TCP: messages, or a word of `vocabulary.toml` for time; None
# for nothing at all. And over UDP: one message.
Answer = Iterable[bytes | str]
OnStream = Callable[[bytes], Answer]
OnDatagram = Callable[[bytes], bytes | None]

PAUSE = 0.02  # seconds


class ScriptedPrimary:
    """On one port of loopback, TCP and UDP, until closed; `queries` are those that came over TCP.
    `boundaries` says of each of them how many octets had been sent after each message. With `cut_at`,
    every connection is closed after so many octets."""

    def __init__(
        self, host: str, port: int, on_stream: OnStream, on_datagram: OnDatagram | None = None
    ) -> None:
        self.on_stream = on_stream
        self.queries: list[bytes] = []
        self.cut_at: int | None = None
        self.boundaries: list[list[int]] = []
        self._on_datagram = on_datagram
        self._listener = socket.create_server((host, port or free_port()))
        self.port: int = self._listener.getsockname()[1]
        self._datagrams = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._datagrams.bind((host, self.port))
        self._connections: set[socket.socket] = set()
        self._closing = threading.Event()
        self._threads = [threading.Thread(target=self._accept), threading.Thread(target=self._hear)]
        for thread in self._threads:
            thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.add(connection)
            thread = threading.Thread(target=self._hold, args=(connection,))
            self._threads.append(thread)
            thread.start()

    def _hold(self, connection: socket.socket) -> None:
        try:
            with connection, connection.makefile("rb") as stream:
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                size = stream.read(2)
                query = stream.read(int.from_bytes(size, "big"))
                if not query:
                    return
                self.queries.append(query)
                self._answer(connection, query)
        except OSError:
            pass  # the client has gone
        finally:
            self._connections.discard(connection)

    def _answer(self, connection: socket.socket, query: bytes) -> None:
        sent = 0
        boundaries: list[int] = []
        self.boundaries.append(boundaries)
        mode = ""
        for item in self.on_stream(query):
            if sent == self.cut_at:
                return
            if isinstance(item, str):
                if item == "silence":
                    connection.recv(1)
                    return
                mode = item
                continue
            octets = len(item).to_bytes(2, "big") + item
            if self.cut_at is not None:
                octets = octets[: self.cut_at - sent]
            pieces = (
                [octets[at : at + 1] for at in range(len(octets))] if mode == "drip" else [octets]
            )
            for piece in pieces:
                if mode and self._closing.wait(PAUSE):
                    return
                connection.sendall(piece)
            sent += len(octets)
            boundaries.append(sent)

    def _hear(self) -> None:
        while True:
            octets, address = self._datagrams.recvfrom(65535)
            if self._closing.is_set():
                return
            reply = None if self._on_datagram is None else self._on_datagram(octets)
            if reply is not None:
                self._datagrams.sendto(reply, address)

    def forget(self) -> None:
        """Forget what was asked and answered."""
        self.queries.clear()
        self.boundaries.clear()

    def close(self) -> None:
        self._closing.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._datagrams.getsockname())
        for connection in list(self._connections):
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # closed meanwhile
        for thread in self._threads:
            thread.join()
        self._datagrams.close()


@contextmanager
def primary(
    on_stream: OnStream,
    on_datagram: OnDatagram | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
) -> Iterator[ScriptedPrimary]:
    """A scripted primary, ended in any case."""
    made = ScriptedPrimary(host, port, on_stream, on_datagram)
    try:
        yield made
    finally:
        made.close()


def settled(report: dict[str, Any]) -> bool:
    """Whether an agent, by its status report, has nothing to ask any primary for a while. After a
    first transfer it may have: for EXPIRE."""
    pulled = [zone["refresh"] for zone in report["zones"] if zone["refresh"] is not None]
    soon = report["agent"]["now"] + 600
    return all(zone["phase"] == "idle" and zone["check-at"] > soon for zone in pulled)
