"""Workers on wildcard sockets, as systemd passes them: replies leave from the address asked."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import dns.message
import pytest
from loading import query
from peers import has_ipv6
from workers import PATIENCE, Store, Worker

from zonecast.server.rate_table import RateTable

ZONE = "$TTL 60\n@ SOA ns admin 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n"
# A limit that is never reached: with it each client's address is read.
LIMITS = {
    "rate": 1000,
    "slip": 2,
    "ipv4_prefix": 24,
    "ipv6_prefix": 56,
    "allow": [],
    "dry_run": False,
}
CASES = [(socket.AF_INET, "0.0.0.0", ("127.0.0.1", "127.0.0.7"))]
if has_ipv6():
    CASES.append((socket.AF_INET6, "::", ("::1",)))


@pytest.fixture
def rates() -> Iterator[RateTable]:
    made = RateTable()
    yield made
    made.close()


def started(kind: str, store: Store, sock: socket.socket, rates: RateTable) -> Worker:
    arguments = ["-P", "-m", f"zonecast.server.answering.{kind}"]
    settings = {
        "state-dir": str(store.state_dir),
        "keys": [],
        "secondaries": [],
        "primaries": [],
        "query": {
            "allow": ["127.0.0.0/8", "::1"],
            "deny": ["127.0.0.9"],
            "closed": True,
            "zones": [],
        },
        "rate-limit": {**LIMITS, **rates.settings()},
    }
    return Worker(arguments, settings, [sock], [rates.fd])


def answer(octets: bytes) -> str:
    return str(dns.message.from_wire(octets).answer[0][0])


@pytest.mark.parametrize(("family", "wildcard", "hosts"), CASES)
def test_udp(
    store: Store, rates: RateTable, family: int, wildcard: str, hosts: tuple[str, ...]
) -> None:
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.bind((wildcard, 0))
        running = started("datagram", store, sock, rates)
        try:
            for host in hosts * 3:
                with socket.socket(family, socket.SOCK_DGRAM) as client:
                    client.settimeout(PATIENCE)
                    # Connected: a reply from any other address never arrives.
                    client.connect((host, sock.getsockname()[1]))
                    client.send(query("www.example.", "A"))
                    assert answer(client.recv(4096)) == "192.0.2.1"
            assert running.quiet()
        finally:
            running.close()


@pytest.mark.parametrize(("family", "wildcard", "hosts"), CASES)
def test_tcp(
    store: Store, rates: RateTable, family: int, wildcard: str, hosts: tuple[str, ...]
) -> None:
    with socket.socket(family, socket.SOCK_STREAM) as sock:
        sock.bind((wildcard, 0))
        sock.listen(8)
        running = started("stream", store, sock, rates)
        try:
            for host in hosts:
                address = (host, sock.getsockname()[1])
                with socket.create_connection(address, timeout=PATIENCE) as client:
                    packet = query("www.example.", "A")
                    client.sendall(struct.pack(">H", len(packet)) + packet)
                    stream = client.makefile("rb")
                    (size,) = struct.unpack(">H", stream.read(2))
                    assert answer(stream.read(size)) == "192.0.2.1"
        finally:
            running.close()
