"""Real workers: what is limited, what slips through truncated, who is refused."""

from __future__ import annotations

import mmap
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import pytest
from loading import query
from workers import PATIENCE, Store, Worker, worker

from zonecast.protocol.rate_limit import BUCKET_FORMAT, BUCKET_OCTETS, BUCKETS
from zonecast.server.rate_table import RateTable

ZONE = "$TTL 60\n@ SOA ns admin 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\nwww A 192.0.2.1\n"
LIMITS = {
    "rate": 3,
    "slip": 2,
    "ipv4_prefix": 24,
    "ipv6_prefix": 56,
    "allow": [],
    "dry_run": False,
}
CLOSED = {"allow": ["192.0.2.0/24"], "deny": [], "closed": True, "zones": []}
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"
KEYS = [{"name": "xfr.example.", "algorithm": "hmac-sha256", "secret": SECRET}]
RING = dns.tsigkeyring.from_text({"xfr.example.": ("hmac-sha256", SECRET)})
ANYBODY = [{"name": "ns2", "address": "127.0.0.1:53", "keys": []}]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path)
    made.publish(ZONE, "example.")
    yield made
    made.close()


@pytest.fixture
def rates() -> Iterator[RateTable]:
    made = RateTable()
    yield made
    made.close()


def limited(rates: RateTable, **changes: Any) -> dict[str, Any]:
    return {"rate-limit": {**LIMITS, **changes, **rates.settings()}, "inherited": [rates.fd]}


def ask(running: Worker, port: int, packets: list[bytes]) -> list[dns.message.Message]:
    """The answers to packets sent at once; the worker is known to have seen them all."""
    return list(map(dns.message.from_wire, exchange(port, packets)))


def exchange(port: int, packets: list[bytes]) -> list[bytes]:
    """As `ask`, but not looked at."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(PATIENCE)
        client.connect(("127.0.0.1", port))
        for packet in packets:
            client.send(packet)
        # NOTIFY from who is no primary is answered REFUSED and counted like all else; a signed
        # query is never limited, and its answer comes after all before it.
        last = dns.message.make_query("ns.example.", "A", id=0xFFFF)
        last.use_tsig(RING, "xfr.example.")
        client.send(last.to_wire())
        found = []
        while (octets := client.recv(4096))[:2] != b"\xff\xff":
            found.append(octets)
    return found


def counted(running: Worker, **expected: int) -> None:
    """The worker reports these counts, in one message or several."""
    total: dict[str, int] = {}
    while {name: total.get(name, 0) for name in expected} != expected:
        message = running.hear()
        assert message is not None
        for name, number in message["guard"].items():
            total[name] = total.get(name, 0) + number
            assert total[name] <= expected.get(name, 0), total


# The second is answered from the packet cache, the third is negative, the fourth malformed.
QUESTIONS = [
    query("www.example.", "A"),
    query("www.example.", "A"),
    query("no.example.", "A"),
    query("www.example.", "A") + b"?",
]


def test_over_the_limit_every_second_is_truncated(store: Store, rates: RateTable) -> None:
    with worker("datagram", store, keys=KEYS, **limited(rates)) as (running, port):
        packets = [query("www.example.", "A", identifier=n) for n in range(11)]
        answers = ask(running, port, packets)
        truncated = [bool(reply.flags & dns.flags.TC) for reply in answers]
        assert truncated == [False] * 3 + [True] * 4
        assert [reply.id for reply in answers] == [0, 1, 2, 4, 6, 8, 10]
        for reply in answers[3:]:
            assert not reply.answer
            assert str(reply.question[0].name) == "www.example."
            assert reply.flags & dns.flags.AA
        counted(running, limited=8, slipped=4)


def test_all_answers_count_alike(store: Store, rates: RateTable) -> None:
    with worker("datagram", store, keys=KEYS, **limited(rates, slip=0)) as (running, port):
        assert len(ask(running, port, QUESTIONS * 2)) == 3
        counted(running, limited=5)


def test_a_truncated_answer_has_an_opt_record_if_the_query_had(
    store: Store, rates: RateTable
) -> None:
    packet = dns.message.make_query("www.example.", "A", use_edns=0, want_dnssec=True).to_wire()
    with worker("datagram", store, keys=KEYS, **limited(rates, rate=1, slip=1)) as (running, port):
        answers = ask(running, port, [packet] * 3)
        assert [reply.edns for reply in answers] == [0] * 3
        assert answers[2].flags & dns.flags.TC
        assert answers[2].ednsflags & dns.flags.DO
        counted(running, limited=2, slipped=2)


def test_a_truncated_answer_keeps_its_rcode_and_its_cookie(store: Store, rates: RateTable) -> None:
    site = {"cookie-secrets": ["e5e973e5a6b2a43f48e7dc849e37bfcf"], "require-cookies": True}
    cookie = query("www.example.", "A", edns=1232, options=[(10, b"8 octets")])
    version = query("www.example.", "A", edns=1232, version=1)
    settings = limited(rates, rate=1, slip=1)
    with worker("datagram", store, keys=KEYS, site=site, **settings) as (running, port):
        answers = ask(running, port, [cookie, cookie, version])
        assert [bool(reply.flags & dns.flags.TC) for reply in answers] == [False, True, True]
        assert [reply.rcode() for reply in answers] == [23, 23, dns.rcode.BADVERS]
        for reply in answers[:2]:
            (option,) = reply.options
            assert option.to_wire()[:8] == b"8 octets"
            assert len(option.to_wire()) == 24
        counted(running, limited=2, slipped=2)


@pytest.mark.parametrize("changes", [{"allow": ["127.0.0.0/8"]}, {"dry_run": True}])
def test_allowed_and_dry_runs_get_everything(
    store: Store, rates: RateTable, changes: dict[str, Any]
) -> None:
    with worker("datagram", store, keys=KEYS, **limited(rates, **changes)) as (running, port):
        assert len(ask(running, port, QUESTIONS * 10)) == 40
        if "dry_run" in changes:
            counted(running, limited=37, slipped=18)
        assert running.quiet()


def test_who_signs_with_our_key_is_not_limited(store: Store, rates: RateTable) -> None:
    def signed(name: str, ring: dict[dns.name.Name, dns.tsig.Key]) -> dns.message.Message:
        made = dns.message.make_query(name, "A")
        made.use_tsig(ring, "xfr.example.")
        return made

    with worker("datagram", store, keys=KEYS, **limited(rates, slip=1)) as (running, port):
        queries = [signed(name, RING) for name in ("no.example.", "www.example.", "a.test.") * 5]
        replies = exchange(port, [item.to_wire() for item in queries])
        rcodes = [
            dns.message.from_wire(octets, keyring=RING, request_mac=item.mac).rcode()
            for item, octets in zip(queries, replies, strict=True)
        ]
        assert rcodes == [dns.rcode.NXDOMAIN, dns.rcode.NOERROR, dns.rcode.REFUSED] * 5
        assert not any(octets[2] & 2 for octets in replies)
        # Whose signature is wrong may be anybody.
        wrong = dns.tsigkeyring.from_text({"xfr.example.": ("hmac-sha256", SECRET[4:] + "d3Jv")})
        replies = exchange(port, [signed("www.example.", wrong).to_wire()] * 5)
        assert [octets[3] & 15 for octets in replies] == [dns.rcode.NOTAUTH] * 5
        assert all(octets[2] & 2 for octets in replies)
        counted(running, limited=5, slipped=5)


def test_who_has_a_cookie_of_ours_is_not_limited(store: Store, rates: RateTable) -> None:
    site = {"cookie-secrets": ["00112233445566778899aabbccddeeff"]}

    def asking(cookie: bytes) -> bytes:
        option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
        return dns.message.make_query("www.example.", "A", options=[option]).to_wire()

    with worker("datagram", store, keys=KEYS, site=site, **limited(rates, slip=0)) as (
        running,
        port,
    ):
        (first,) = ask(running, port, [asking(b"12345678")])
        cookie = first.options[0].to_wire()
        assert cookie is not None
        assert len(ask(running, port, [asking(cookie)] * 20)) == 20
        assert len(ask(running, port, [asking(cookie[:-1] + b"?")] * 20)) == 0
        counted(running, limited=20)


def test_a_reload_switches_it_on_and_off(store: Store, rates: RateTable) -> None:
    on = limited(rates, slip=0)
    other = limited(rates, slip=0, rate=5, ipv4_prefix=32)  # another prefix counts anew
    with worker("datagram", store, keys=KEYS, inherited=[rates.fd]) as (running, port):
        for changes, answers in ((on, 3), ({}, 20), (other, 5)):
            running.channel.send({"settings": {**running.settings, **changes}})
            running.channel.send({"barrier": 1})
            while running.hear() != {"barrier": 1}:
                pass
            assert len(ask(running, port, QUESTIONS[:1] * 20)) == answers


def test_the_limit_is_that_of_all_workers_together(store: Store, rates: RateTable) -> None:
    settings = limited(rates, slip=0, rate=1)
    with (
        worker("datagram", store, keys=KEYS, **settings) as (one, first),
        worker("datagram", store, keys=KEYS, **settings) as (other, second),
        mmap.mmap(rates.fd, BUCKETS * BUCKET_OCTETS) as memory,
    ):
        assert len(ask(one, first, QUESTIONS[:1])) == 1
        with memoryview(memory).cast(BUCKET_FORMAT) as table:
            (bucket,) = (number for number, paid in enumerate(table) if paid)
            # As if the one had answered a thousand more: no clock runs so fast.
            table[bucket] += 1000
        assert len(ask(other, second, QUESTIONS[:1])) == 0
        assert len(ask(one, first, QUESTIONS[:1])) == 0


def test_refused_over_udp_unless_signed(store: Store) -> None:
    with worker("datagram", store, keys=KEYS) as (running, port):
        before = ask(running, port, QUESTIONS[:3])
        assert [reply.rcode() for reply in before] == [0, 0, dns.rcode.NXDOMAIN]
        running.channel.send({"settings": {**running.settings, "query": CLOSED}})
        assert running.quiet()
        # The packet cache and the slow path alike; a reply to the signed query ends `ask`.
        for reply in ask(running, port, QUESTIONS[:3] * 2):
            assert reply.rcode() == dns.rcode.REFUSED
            assert not reply.answer
            assert not reply.authority
        counted(running, refused=6)


def test_refused_over_tcp_but_transfers_have_rules_of_their_own(store: Store) -> None:
    def over_tcp(port: int, *packets: bytes) -> list[dns.message.Message]:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as client:
            stream = client.makefile("rb")
            replies = []
            for packet in packets:
                client.sendall(struct.pack(">H", len(packet)) + packet)
                size = struct.unpack(">H", stream.read(2))[0]
                replies.append(dns.message.from_wire(stream.read(size)))
        return replies

    with worker("stream", store, secondaries=ANYBODY, query=CLOSED) as (_, port):
        transfer = dns.message.make_query("example.", "AXFR").to_wire()
        refused, whole = over_tcp(port, QUESTIONS[0], transfer)
        assert refused.rcode() == dns.rcode.REFUSED
        assert whole.rcode() == dns.rcode.NOERROR
        assert len(whole.answer) > 3
    denied = {"allow": [], "deny": ["127.0.0.1/32"], "closed": False, "zones": []}
    with worker("stream", store, query=denied) as (_, port):
        (refused,) = over_tcp(port, QUESTIONS[0])
        assert refused.rcode() == dns.rcode.REFUSED
