"""A real stream worker: pipelining, slow clients, limits, transfers from a pinned version."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.xfr
import dns.zone
import pytest
from loading import query
from workers import PATIENCE, Store, worker

ZONE = """\
$TTL 60
@ 900 SOA ns admin {serial} 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.{serial}
"""
BIG = ZONE + "\n".join(f"t{n} TXT {' '.join(['x' * 250] * 64)}" for n in range(400))
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"
ANYBODY = [{"name": "ns2", "address": "127.0.0.1:53", "keys": []}]
BY_KEY = [{"name": "ns2", "address": "192.0.2.1:53", "keys": ["xfr.example."]}]
KEYS = [{"name": "xfr.example.", "algorithm": "hmac-sha256", "secret": SECRET}]

# Patience cut short.
HASTY = {"idle": 0.3, "query": 0.3, "reply": 0.3}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    made.publish(ZONE.format(serial=1), "example.")
    yield made
    made.close()


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)


def framed(packet: bytes) -> bytes:
    return struct.pack(">H", len(packet)) + packet


def exactly(client: socket.socket, size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        more = client.recv(size - len(octets))
        assert more, "closed in the middle of a message"
        octets += more
    return octets


def receive(client: socket.socket) -> dns.message.Message:
    return dns.message.from_wire(exactly(client, struct.unpack(">H", exactly(client, 2))[0]))


def test_pipelined_queries_are_answered_in_order(store: Store) -> None:
    packets = [query("www.example.", "A", identifier=n) for n in range(50)]
    with worker("stream", store) as (_, port), connect(port) as client:
        client.sendall(b"".join(map(framed, packets)))
        for number in range(50):
            reply = receive(client)
            assert reply.id == number
            assert str(reply.answer[0][0]) == "192.0.2.1"


def test_a_query_octet_by_octet(store: Store) -> None:
    with worker("stream", store) as (_, port), connect(port) as client:
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for octet in framed(query("www.example.", "A")) + framed(query("no.example.", "A")):
            client.sendall(bytes((octet,)))
        assert receive(client).rcode() == dns.rcode.NOERROR
        assert receive(client).rcode() == dns.rcode.NXDOMAIN


def test_queries_then_end_are_all_answered(store: Store) -> None:
    with worker("stream", store) as (_, port), connect(port) as client:
        client.sendall(framed(query("www.example.", "A")) * 3)
        client.shutdown(socket.SHUT_WR)
        assert [receive(client).rcode() for _ in range(3)] == [dns.rcode.NOERROR] * 3
        assert client.recv(1) == b""


@pytest.mark.parametrize(
    "sent", [b"", b"\x00", framed(query("www.example.", "A"))[:-1], b"\xff\xff" + bytes(100)]
)
def test_idle_and_slow_clients_are_dropped(store: Store, sent: bytes) -> None:
    with worker("stream", store, limits=HASTY) as (running, port):
        with connect(port) as client:
            client.sendall(sent)
            try:
                assert client.recv(1) == b""
            except ConnectionResetError:
                pass
        assert running.quiet()


def xfr(port: int, zone: dns.zone.Zone, **more: object) -> None:
    request, _ = dns.xfr.make_query(zone, **more)  # type: ignore[arg-type]
    dns.query.inbound_xfr("127.0.0.1", zone, request, port=port, lifetime=PATIENCE)


def test_transfers_are_for_those_listed(store: Store) -> None:
    ring = dns.tsigkeyring.from_text({"xfr.example.": ("hmac-sha256", SECRET)})
    with worker("stream", store, keys=KEYS, secondaries=BY_KEY) as (running, port):
        zone = dns.zone.Zone("example.")
        with pytest.raises(dns.xfr.TransferError, match="REFUSED"):
            xfr(port, zone)
        xfr(port, zone, keyring=ring)
        assert len(zone.nodes) == 3
        store.publish(ZONE.format(serial=2), "example.")
        xfr(port, zone, keyring=ring)
        assert str(zone.get_rdataset("www", "A")[0]) == "192.0.2.2"
        assert running.quiet()


def test_a_transfer_keeps_its_version_while_newer_ones_come(store: Store) -> None:
    """Pitfall: half of a version and half of the next is neither."""
    old = store.publish(BIG.format(serial=1), "big.example.")
    # The client takes nothing while others publish, for as long as a busy machine needs for that.
    patient = {"reply": 600.0}
    with worker("stream", store, secondaries=ANYBODY, limits=patient) as (running, port):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", port))
            client.sendall(framed(query("big.example.", "AXFR")))
            messages = [receive(client)]
            for serial in (2, 3):
                store.publish(BIG.format(serial=serial), "big.example.")
            with connect(port) as other:
                other.sendall(framed(query("big.example.", "SOA")))
                assert receive(other).answer[0][0].serial == 3
            while sum(rr.rdtype == dns.rdatatype.SOA for m in messages for rr in m.answer) < 2:
                messages.append(receive(client))
        answers = [rrset for message in messages for rrset in message.answer]
        assert [rrset[0].serial for rrset in (answers[0], answers[-1])] == [1, 1]
        www = next(rrset for rrset in answers if rrset.name.to_text().startswith("www"))
        assert str(www[0]) == "192.0.2.1"
        assert sum(len(rrset) for rrset in answers) == 400 + 5
        with connect(port) as other:  # once the transfer is over its version is let go
            other.sendall(framed(query("big.example.", "SOA")))
            receive(other)
        assert running.quiet()
        assert str(old) not in [
            row.split()[2] for row in store.readers().splitlines() if row.split()[2:]
        ]


def test_a_client_that_takes_nothing_is_dropped(store: Store) -> None:
    store.publish(BIG.format(serial=1), "big.example.")
    with worker("stream", store, limits=HASTY, secondaries=ANYBODY) as (running, port):
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
            client.settimeout(PATIENCE)
            client.connect(("127.0.0.1", port))
            client.sendall(framed(query("big.example.", "AXFR")))
            # Take nothing until the worker has given up: another client's wait is long enough.
            with connect(port) as other:
                assert other.recv(1) == b""
            with connect(port) as other:
                assert other.recv(1) == b""
            with pytest.raises(ConnectionResetError):
                exactly(client, 20_000_000)
        assert running.quiet()


def test_ends_when_told_and_when_the_controller_is_gone(store: Store) -> None:
    with worker("stream", store) as (running, port), connect(port) as client:
        client.sendall(framed(query("www.example.", "A")))
        receive(client)
        assert running.end() == ""
    with worker("stream", store) as (running, _):
        assert running.abandon() == 0
