"""Receiving and sending datagrams, many at a time: what a datagram worker needs of a socket.

`Batch` is the portable way, one system call a packet; `zonecast.server.answering.mmsg` is Linux's, one
system call a batch. Both behave the same.

A client is whatever the implementation needs to answer it; `client_ip` makes text of it.
Packets from source port 0 are dropped: nothing can be answered there, and nothing honest comes.
"""

from __future__ import annotations

import socket
from typing import Any, Protocol

# Packets received at once, and octets of one packet taken: a longer one is cut and so malformed.
BATCH = 64
PACKET = 4096

Packets = list[tuple[bytes, Any]]


class Datagrams(Protocol):
    """A non-blocking datagram socket."""

    def receive(self) -> Packets:
        """Up to BATCH packets that wait, each with its client; none where there is nothing."""

    def send(self, replies: Packets) -> None:
        """Send replies; one that cannot be sent is lost, as on any network."""

    def client_ip(self, client: Any) -> str:
        """A client's IP address in text."""


class Batch:
    """One system call a packet."""

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        sock.setblocking(False)

    def receive(self) -> Packets:
        """See `Datagrams`."""
        packets: Packets = []
        for _ in range(BATCH):
            try:
                packet, client = self._socket.recvfrom(PACKET)
            except BlockingIOError:
                break
            except OSError:  # an ICMP error of an earlier reply (ECONNREFUSED and the like)
                continue
            if client[1]:
                packets.append((packet, client))
        return packets

    def send(self, replies: Packets) -> None:
        """See `Datagrams`."""
        for reply, client in replies:
            try:
                self._socket.sendto(reply, client)
            except OSError:  # EAGAIN, EMSGSIZE, unreachable: the client asks again
                continue

    def client_ip(self, client: Any) -> str:
        """See `Datagrams`."""
        return str(client[0])
