"""A real datagram worker: what it imports, what dig hears, versions, hostile packets, its end."""

from __future__ import annotations

import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.flags
import dns.message
import dns.query
import dns.rcode
import pytest
from loading import query
from peers import require
from workers import PATIENCE, Store, worker

from zonecast.store.control import ControlStore
from zonecast.zone import names

ZONE = """\
$TTL 60
@ 900 SOA ns admin {serial} 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.{serial}
alias CNAME www
*.wild TXT "anything"
sub NS ns.sub
ns.sub A 192.0.2.54
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    made.publish(ZONE.format(serial=1), "example.")
    yield made
    made.close()


def ask(port: int, name: str, qtype: str = "A") -> dns.message.Message:
    request = dns.message.make_query(name, qtype)
    return dns.query.udp(request, "127.0.0.1", port=port, timeout=PATIENCE)


def dig(port: int, *arguments: str) -> str:
    command = [require("dig"), "@127.0.0.1", "-p", str(port), "+time=5", "+tries=1", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_what_dig_hears(store: Store) -> None:
    with worker("datagram", store) as (_, port):
        assert dig(port, "+short", "alias.example", "A") == "www.example.\n192.0.2.1\n"
        assert dig(port, "+short", "x.y.wild.example", "TXT") == '"anything"\n'
        assert "status: NXDOMAIN" in dig(port, "no.example", "A")
        assert "status: REFUSED" in dig(port, "example.net", "A")
        referral = dig(port, "+norec", "x.sub.example", "A")
        assert "ns.sub.example.\t\t60\tIN\tA\t192.0.2.54" in referral
        assert "flags: qr;" in referral
        assert "WARNING" not in dig(port, "+norec", "www.example", "A", "+noedns")


def test_imports_nothing_but_what_answering_needs(store: Store) -> None:
    script = "import sys, zonecast.server.answering.datagram as d; d.main(); print(*sys.modules, file=sys.stderr)"
    with worker("datagram", store, arguments=["-P", "-c", script]) as (running, port):
        for name in ("www.example.", "alias.example.", "no.example."):
            ask(port, name)
        modules = running.end().split()
    # What the interpreter starts with (site, and what .pth files bring) is not the worker's.
    bare = subprocess.run(
        [sys.executable, "-P", "-c", "import sys; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    own = set(modules) - set(bare.stdout.split())
    foreign = {module.partition(".")[0] for module in own} - set(sys.stdlib_module_names)
    # Modules that compiled ones make.
    compiled = {name for name in foreign if "cython" in name or name.endswith("__mypyc")}
    assert foreign - compiled == {"zonecast", "lmdb", "siphash24"}
    ours = {module.split(".")[1] for module in own if module.startswith("zonecast.")}
    assert ours == {"errors", "zone", "protocol", "store", "server"}
    assert not {"asyncio", "logging", "subprocess", "tomllib", "http"} & own
    assert "zonecast.store.writer" not in own


def test_a_commit_is_answered_with_the_next_query(store: Store) -> None:
    with worker("datagram", store) as (_, port):
        for serial in range(1, 30):
            if serial > 1:
                store.publish(ZONE.format(serial=serial), "example.")
            for _ in range(2):
                assert str(ask(port, "www.example.").answer[0][0]) == f"192.0.2.{serial}"
        store.publish(ZONE.format(serial=1), "example.net.")
        assert str(ask(port, "www.example.net.").answer[0][0]) == "192.0.2.1"


def test_no_transaction_stays_open_between_batches(store: Store) -> None:
    with worker("datagram", store) as (running, port):
        ask(port, "www.example.")
        assert running.quiet()
        rows = [line.split() for line in store.readers().splitlines()]
        held = [row for row in rows if row and row[0] == str(running.process.pid)]
        assert held
        assert all(row[2] == "-" for row in held)


def test_an_expired_zone_gets_servfail(store: Store) -> None:
    origin = names.from_text("example.")
    control = ControlStore(store.state_dir)
    with worker("datagram", store) as (_, port):
        assert ask(port, "www.example.").rcode() == dns.rcode.NOERROR
        control.set_expired(origin, True)
        assert ask(port, "www.example.").rcode() == dns.rcode.SERVFAIL
        control.set_expired(origin, False)
        assert ask(port, "www.example.").rcode() == dns.rcode.NOERROR
    control.close()


def test_hostile_packets_do_not_stop_it(store: Store) -> None:
    generator = random.Random(53)
    good = [query("www.example.", "A", edns=1232), query("example.", "IXFR"), query("a.", "AXFR")]
    with (
        worker("datagram", store) as (running, port),
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        for number in range(2000):
            packet = bytearray(generator.choice(good))
            for _ in range(generator.randrange(1, 6)):
                packet[generator.randrange(len(packet))] = generator.randrange(256)
            client.sendto(packet[: generator.randrange(len(packet) + 1)], ("127.0.0.1", port))
            if number % 50 == 49:
                assert ask(port, "www.example.").rcode() == dns.rcode.NOERROR
        assert running.quiet()


def test_many_clients_at_once(store: Store) -> None:
    with worker("datagram", store) as (_, port):
        clients = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(100)]
        for number, client in enumerate(clients):
            client.settimeout(PATIENCE)
            packet = query(f"x{number}.wild.example.", "TXT", identifier=number)
            client.sendto(packet, ("127.0.0.1", port))
        for number, client in enumerate(clients):
            reply = dns.message.from_wire(client.recv(2000))
            assert reply.id == number
            assert reply.answer[0].name.to_text() == f"x{number}.wild.example."
            client.close()


def test_a_notify_reaches_the_controller(store: Store) -> None:
    primaries = [{"name": "ns1", "address": "127.0.0.1:53", "keys": []}]
    request = dns.message.make_query("example.", "SOA")
    request.set_opcode(4)
    request.flags = dns.flags.AA | 4 << 11
    with worker("datagram", store) as (running, port):
        reply = dns.query.udp(request, "127.0.0.1", port=port, timeout=PATIENCE)
        assert reply.rcode() == dns.rcode.REFUSED
        assert running.hear() == {"guard": {"notifies": 1}}
        running.channel.send({"settings": {**running.settings, "primaries": primaries}})
        assert running.quiet()
        reply = dns.query.udp(request, "127.0.0.1", port=port, timeout=PATIENCE)
        assert reply.rcode() == dns.rcode.NOERROR
        assert running.hear() == {
            "notify": {"zone": "example.", "serial": None, "address": "127.0.0.1", "key": None}
        }


def test_ends_when_the_controller_is_gone(store: Store) -> None:
    with worker("datagram", store) as (running, _):
        assert running.abandon() == 0
