"""The listening sockets, opened by the controller and inherited by the workers.

Each datagram worker has a socket of its own for every address, in one SO_REUSEPORT group; the
stream workers share the listening sockets. The controller keeps them all open, so that nothing
is refused while a worker is replaced.
"""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import ifaddr

from zonecast.config.values import TLS_PORT, Endpoint
from zonecast.errors import ZonecastError
from zonecast.server.systemd import PassedSocket

RECEIVE_BUFFER = 4 * 1024 * 1024
BACKLOG = 1024
# What a passed socket is called on which TLS is spoken, whatever its port.
TLS_NAME = "dot"
# How long the sockets of an agent that was killed may linger before binding fails.
BIND_PATIENCE = 5.0


@dataclass
class Listening:
    """`datagram[i]` are worker i's sockets; `stream`, and `tls` on which TLS is spoken, are shared
    by all stream workers."""

    datagram: list[list[socket.socket]] = field(default_factory=list)
    stream: list[socket.socket] = field(default_factory=list)
    tls: list[socket.socket] = field(default_factory=list)

    def addresses(self) -> list[str]:
        """Every address listened on, as text, for status."""
        clear, tls = (
            [Endpoint(*sock.getsockname()[:2]) for sock in sockets]
            for sockets in (self.stream, self.tls)
        )
        return [*map(str, clear), *(f"{endpoint} (TLS)" for endpoint in tls)]


def open_sockets(endpoints: Iterable[Endpoint], workers: int) -> Listening:
    """Open every socket. Wildcards become the interfaces' addresses: a socket bound to one of
    them answers from the address that was asked, and binding beside a stub resolver works.

    Raises ZonecastError naming the address that cannot be bound.
    """
    listening = Listening([[] for _ in range(workers)])
    for endpoint in expand(endpoints):
        for sockets in listening.datagram:
            sockets.append(_bind(endpoint, socket.SOCK_DGRAM))
        listening.stream.append(_listen(endpoint))
    return listening


def open_tls(endpoints: Iterable[Endpoint]) -> list[socket.socket]:
    """The sockets on which TLS is spoken, and never anything in clear. Raises ZonecastError."""
    return [_listen(endpoint) for endpoint in expand(endpoints)]


def _listen(endpoint: Endpoint) -> socket.socket:
    sock = _bind(endpoint, socket.SOCK_STREAM)
    sock.listen(BACKLOG)
    return sock


def adopt(passed: Iterable[PassedSocket], workers: int) -> Listening:
    """Listen on sockets that the service manager passed. Where it passed fewer datagram sockets
    for an address than there are workers, some workers share one. TLS is spoken on a stream socket
    that is named for it (FileDescriptorName=dot) or has its port."""
    listening = Listening([[] for _ in range(workers)])
    groups: dict[object, list[socket.socket]] = {}
    for sock, name in passed:
        sock.setblocking(False)
        if sock.type == socket.SOCK_STREAM:
            encrypted = name == TLS_NAME or sock.getsockname()[1] == TLS_PORT
            (listening.tls if encrypted else listening.stream).append(sock)
        else:
            groups.setdefault(sock.getsockname(), []).append(sock)
    for group in groups.values():
        for number, sockets in enumerate(listening.datagram):
            sockets.append(group[number % len(group)])
    return listening


def expand(endpoints: Iterable[Endpoint]) -> list[Endpoint]:
    """The endpoints with wildcard addresses replaced by the interfaces' own."""
    found: dict[Endpoint, None] = {}
    for endpoint in endpoints:
        address = ipaddress.ip_address(endpoint.host)
        if not address.is_unspecified:
            found[endpoint] = None
            continue
        for host in _interface_addresses(address.version):
            found[Endpoint(host, endpoint.port)] = None
    return list(found)


def _interface_addresses(version: int) -> list[str]:
    addresses = []
    for adapter in ifaddr.get_adapters():
        for entry in adapter.ips:
            if version == 4 and isinstance(entry.ip, str):
                addresses.append(entry.ip)
            elif version == 6 and not isinstance(entry.ip, str):
                host, _, scope = entry.ip
                if not ipaddress.ip_address(host).is_link_local and not scope:
                    addresses.append(host)
    return addresses


def _bind(endpoint: Endpoint, kind: socket.SocketKind) -> socket.socket:
    family = socket.AF_INET6 if ":" in endpoint.host else socket.AF_INET
    sock = socket.socket(family, kind)
    sock.setblocking(False)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if kind == socket.SOCK_DGRAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
    try:
        patiently(lambda: sock.bind((endpoint.host, endpoint.port)))
    except OSError as error:
        sock.close()
        raise ZonecastError(
            f"cannot listen: {error.strerror}",
            where=str(endpoint),
            remedy="see what holds the port with ss -lpn, or change 'listen'",
        ) from None
    return sock


def patiently(bind: Callable[[], None]) -> None:
    """Try again while the workers of a killed agent are still letting go of the address."""
    deadline = time.monotonic() + BIND_PATIENCE
    while True:
        try:
            return bind()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
