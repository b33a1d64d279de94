"""Receiving and sending datagrams, many at a time: what a datagram worker needs of a socket.

`Batch` is the portable way, one system call a packet; `zonecast.server.answering.mmsg` is Linux's,
one system call a batch. Both behave the same: packets come in slots, and a slot's reply goes to
where its packet came from, until the next batch is received.

Packets from source port 0 are empty: nothing can be answered there, and nothing honest comes.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from typing import Any, Protocol

# Packets received at once, and octets of one packet taken: a longer one is cut and so malformed.
BATCH = 64
PACKET = 4096


class Datagrams(Protocol):
    """A non-blocking datagram socket."""

    def receive(self) -> list[bytes]:
        """Up to BATCH packets that wait, by slot; none where there is nothing."""

    def send(self, replies: Sequence[bytes | None]) -> None:
        """Send the replies to the last batch, by slot; None is silence. One that cannot be sent is
        lost, as on any network."""

    def client_ip(self, slot: int) -> str:
        """The IP address, in text, that a slot's packet came from."""

    def client(self, slot: int) -> bytes:
        """The same, packed."""


class Batch:
    """One system call a packet."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._clients: list[Any] = []
        sock.setblocking(False)

    def receive(self) -> list[bytes]:
        """See `Datagrams`."""
        packets: list[bytes] = []
        self._clients = []
        for _ in range(BATCH):
            try:
                packet, client = self._socket.recvfrom(PACKET)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error of an earlier reply (ECONNREFUSED and the like)
                continue
            packets.append(packet if client[1] else b"")
            self._clients.append(client)
        return packets

    def send(self, replies: Sequence[bytes | None]) -> None:
        """See `Datagrams`."""
        for reply, client in zip(replies, self._clients, strict=True):
            try:
                if reply is not None:
                    self._socket.sendto(reply, client)
            except OSError:  # EAGAIN, EMSGSIZE, unreachable: the client asks again
                continue

    def client_ip(self, slot: int) -> str:
        """See `Datagrams`."""
        return str(self._clients[slot][0])

    def client(self, slot: int) -> bytes:
        """See `Datagrams`."""
        return socket.inet_pton(self._socket.family, self.client_ip(slot).partition("%")[0])
