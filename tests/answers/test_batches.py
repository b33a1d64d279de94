"""Both ways to receive and send datagrams behave the same, over IPv4 and IPv6."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from peers import has_ipv6

from zonecast.server.answering.batch import BATCH, PACKET, Batch, Datagrams
from zonecast.server.answering.mmsg import LinuxBatch

FAMILIES = [
    socket.AF_INET,
    pytest.param(
        socket.AF_INET6, marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 loopback here")
    ),
]
LOOPBACK = {socket.AF_INET: "127.0.0.1", socket.AF_INET6: "::1"}


def bound(family: int) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.bind((LOOPBACK[socket.AddressFamily(family)], 0))
    return sock


@pytest.fixture(params=[Batch, LinuxBatch])
def implementation(request: pytest.FixtureRequest) -> type[Datagrams]:
    kind: type[Datagrams] = request.param
    return kind


@pytest.fixture
def client() -> Iterator[socket.socket]:
    with bound(socket.AF_INET) as sock:
        sock.settimeout(5)
        yield sock


def wait(sock: socket.socket) -> None:
    assert select.select([sock], [], [], 5)[0]


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@pytest.mark.parametrize("family", FAMILIES)
@given(packets=st.lists(st.binary(max_size=600), min_size=1, max_size=BATCH))
def test_every_reply_reaches_its_client(
    family: int, implementation: type[Datagrams], packets: list[bytes]
) -> None:
    with bound(family) as server, bound(family) as one, bound(family) as two:
        batch = implementation(server)
        for number, packet in enumerate(packets):
            (one, two)[number % 2].sendto(packet, server.getsockname())
        received = []
        while len(received) < len(packets):
            wait(server)
            came = batch.receive()
            received += came
            for slot in range(len(came)):
                assert batch.client_ip(slot) == one.getsockname()[0]
            batch.send([packet + b"!" for packet in came])
        assert received == packets
        for number, packet in enumerate(packets):
            sock = (one, two)[number % 2]
            sock.settimeout(5)
            assert sock.recv(65535) == packet + b"!"


def test_no_more_than_a_batch_at_once(
    implementation: type[Datagrams], client: socket.socket
) -> None:
    with bound(socket.AF_INET) as server:
        batch = implementation(server)
        assert batch.receive() == []
        for number in range(BATCH + 3):
            client.sendto(b"%d" % number, server.getsockname())
        wait(server)
        assert len(batch.receive()) == BATCH
        assert batch.receive() == [b"64", b"65", b"66"]


def test_a_long_packet_is_cut(implementation: type[Datagrams], client: socket.socket) -> None:
    with bound(socket.AF_INET) as server:
        batch = implementation(server)
        client.sendto(b"x" * (PACKET + 100), server.getsockname())
        client.sendto(b"next", server.getsockname())
        wait(server)
        assert [len(packet) for packet in batch.receive()] == [PACKET, 4]


def test_a_reply_that_cannot_be_sent_holds_up_no_other(
    implementation: type[Datagrams], client: socket.socket
) -> None:
    with bound(socket.AF_INET) as server:
        batch = implementation(server)
        gone = bound(socket.AF_INET)
        for sock in (gone, client, client, client, client):
            sock.sendto(b"query", server.getsockname())
        wait(server)
        assert len(batch.receive()) == 5
        gone.close()
        for _ in range(2):  # the second time, the ICMP error of the first has come
            batch.send([b"lost", b"x" * 70000, b"a", None, b"b"])
            assert [client.recv(100), client.recv(100)] == [b"a", b"b"]
        assert batch.receive() == []


def test_source_port_0_gets_nothing(implementation: type[Datagrams]) -> None:
    """Pitfall: no reply reaches port 0."""
    with bound(socket.AF_INET) as server:
        batch = implementation(server)
        try:
            raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)
        except PermissionError:
            pytest.skip("only root may send from port 0")
        with raw:
            payload = b"from nowhere"
            header = struct.pack(">HHHH", 0, server.getsockname()[1], 8 + len(payload), 0)
            raw.sendto(header + payload, ("127.0.0.1", 0))
        wait(server)
        assert batch.receive() == [b""]


@pytest.mark.parametrize(
    ("family", "wildcard", "asked"),
    [(socket.AF_INET, "0.0.0.0", ("127.0.0.5", "127.0.0.1", "127.9.9.9"))]
    + ([(socket.AF_INET6, "::", ("::1",))] if has_ipv6() else []),
)
def test_reply_leaves_from_the_address_that_was_asked(
    family: int, wildcard: str, asked: tuple[str, ...]
) -> None:
    """Pitfall: on a wildcard socket the kernel chooses another address."""
    with socket.socket(family, socket.SOCK_DGRAM) as server:
        if family == socket.AF_INET6:
            server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        server.bind((wildcard, 0))
        batch = LinuxBatch(server)
        port = server.getsockname()[1]
        clients = []
        for host in asked:
            client = socket.socket(family, socket.SOCK_DGRAM)
            client.settimeout(5)
            # A connected socket takes datagrams from that address alone.
            client.connect((host, port))
            client.send(host.encode())
            clients.append(client)
        wait(server)
        packets = batch.receive()
        assert len(packets) == len(asked)
        clients_seen = {batch.client_ip(slot) for slot in range(len(packets))}
        assert clients_seen <= {"127.0.0.1", "::1", *asked}
        batch.send(packets)
        for client, host in zip(clients, asked, strict=True):
            assert client.recv(100) == host.encode()
            client.close()
