"""EXPIRE (RFC 7314) asked of primaries: with the SOA, with transfers, and of those without EDNS."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import dns.edns
import dns.message
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, peer, primary_config
from puller_support import KEY, KEY_FIELDS, PullerProcess, scripted
from real_primaries import real_primary
from transfer_support import BASE, KEY_SECRET, DictSource, message, zone

from zonecast.protocol.edns import EXPIRE, option, write_opt
from zonecast.protocol.expiry import read_expire, with_expire
from zonecast.protocol.question import client_serial, soa_query
from zonecast.protocol.sections import FORMERR, read_question
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.protocol.tsig import Verified, has_tsig, verify
from zonecast.server.query import ask_version
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff
from zonecast.zone.names import from_text

MakeAgent = Callable[[str], Agent]

OLD = zone(5)
NEW = zone(6, [*BASE[1:], ("new", "A", 60, "192.0.2.77")])
SOURCE = DictSource(NEW, [diff(OLD, NEW)])

ZONE_FILE = """\
$ORIGIN example.com.
$TTL 300
@ SOA ns1 host 1 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.1
"""


def messages(query: bytes, opt: bytes) -> Iterable[bytes]:
    """The transfer asked for, with this OPT record in each message."""
    asked = read_question(query)
    number = int.from_bytes(query[:2], "big")
    if asked.qtype == rd.AXFR:
        return axfr_messages(number, query[12 : asked.end], SOURCE, opt)
    return ixfr_messages(number, query[12 : asked.end], client_serial(query), SOURCE, opt)


def test_the_query_is_what_dnspython_reads() -> None:
    query = dns.message.from_wire(with_expire(soa_query(7, from_text("example.com."))))
    assert (query.edns, query.payload) == (0, 1232)
    assert [(o.otype, o.to_wire()) for o in query.options] == [(EXPIRE, b"")]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (option(EXPIRE, (1234).to_bytes(4, "big")), 1234),
        (option(3, b"ns1") + option(EXPIRE, (2**32 - 1).to_bytes(4, "big")), 2**32 - 1),
        (option(EXPIRE, b""), None),
        (option(EXPIRE, b"12345"), None),
        (option(EXPIRE, b"")[:3], None),
        (b"", None),
    ],
)
def test_what_is_read_of_an_answer(options: bytes, said: int | None) -> None:
    answer = bytearray(soa_query(7, from_text("example.com.")))
    answer[11] = 1
    assert read_expire(bytes(answer) + write_opt(False, options=options)) == said


@pytest.mark.parametrize("serial", [None, 5, 6])
def test_a_transfer_says_when_it_expires_there(puller: PullerProcess, serial: int | None) -> None:
    seen = []

    def script(query: bytes) -> Iterable[bytes]:
        options = dns.message.from_wire(query).options
        seen.append([o.otype for o in options])
        return messages(query, write_opt(False, options=option(EXPIRE, b"\0\0\1\0")))

    with scripted(script) as primary:
        if serial is not None:
            assert puller.pull([primary.fields()])["ok"]
        reply = puller.pull([primary.fields()], serial=serial)
        assert (reply["ok"], reply["expire"]) == (True, 256)
    assert seen[-1] == [EXPIRE]


@pytest.mark.parametrize("key", [False, True], ids=["plain", "keyed"])
def test_a_primary_without_edns_is_asked_without(puller: PullerProcess, key: bool) -> None:
    edns = []

    def script(query: bytes) -> Iterable[bytes]:
        number = int.from_bytes(query[:2], "big")
        signer = None
        if has_tsig(query):
            verified = verify(query, {KEY.name: KEY}, time.time())
            assert isinstance(verified, Verified)
            query, signer = verified.message, verified.signer
        edns.append(int.from_bytes(query[10:12], "big") == 1)
        if edns[-1]:
            # As who does not come as far as the signature.
            return [message([], "AXFR", number, 0x8000 | FORMERR)]
        found = messages(query, b"")
        return found if signer is None else [signer.sign(one, time.time()) for one in found]

    with scripted(script) as primary:
        reply = puller.pull([primary.fields(key=KEY if key else None)])
        assert (reply["ok"], reply["how"], reply["expire"]) == (True, "axfr", None)
        if not key:
            reply = puller.pull([primary.fields()], serial=5, force=False)
    assert edns[:2] == [True, False]


@pytest.mark.parametrize(
    ("server", "polled", "transferred"),
    [("named", 86400, None), ("knotd", 86400, 86400), ("nsd", None, None)],
)
def test_what_other_servers_say(
    server: str,
    polled: int | None,
    transferred: int | None,
    tmp_path: Path,
    puller: PullerProcess,
) -> None:
    with real_primary(server, tmp_path, Secret(tmp_path / "key", KEY_SECRET)) as primary:
        primary.publish(ZONE_FILE, 1)
        asked = ask_version(from_text("example.com."), "127.0.0.1", primary.port, KEY, 5.0)
        assert asyncio.run(asked).expire == polled
        fields = {"name": server, "address": f"127.0.0.1:{primary.port}", "key": KEY_FIELDS}
        reply = puller.pull([fields])
        assert (reply["ok"], reply["expire"]) == (True, transferred)


# Times in seconds: refresh, retry, expire, minimum.
QUICK = "$TTL 60\n@ IN SOA ns1.example.net. h.example.net. {} 2 1 5 60\n@ NS ns1.example.net.\n"


def test_two_that_pull_from_each_other_expire_together(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    """Pitfall: each answers the other's polls well; only EXPIRE tells that nobody heard of the primary.

    And both come back by themselves, once it does.
    """
    zones.write("example.com.zone", QUICK.format(1))
    zones.push()
    ns1, ns2, ns3 = (new_agent(name) for name in ("ns1", "ns2", "ns3"))
    ns1.configure(*primary_config(zones, secret, ns2, ns3)).start()
    for agent, other in ((ns2, ns3), (ns3, ns2)):
        agent.configure(
            *secret.config,
            *peer("primary", "ns1", ns1.address),
            *peer("primary", other.name, other.address),
            *peer("secondary", other.name, other.address),
            *["[[zone]]", 'name = "example.com"', f'primaries = ["ns1", "{other.name}"]'],
        ).start()
    for agent in (ns2, ns3):
        agent.await_serial("example.com.", 1)
        # Until the poll after its transfer: by then each has heard of the primary.
        agent.status_when(lambda r: r["zones"][0]["refresh"]["expires-at"], "the first deadline")
    ns1.stop()
    for agent in (ns2, ns3):
        report = agent.status_when(lambda r: r["zones"][0]["expired"], "expiry")
        answer = agent.query("example.com.", "SOA", use_edns=0)
        assert answer.rcode() == dns.rcode.SERVFAIL
        assert [o.code for o in answer.options if o.otype == dns.edns.OptionType.EDE] == [24]
        assert report["zones"][0]["serial"] == 1, "the data is kept"
    failures = report["zones"][0]["refresh"]["failures"]
    ns3.status_when(lambda r: r["zones"][0]["refresh"]["failures"] > failures + 1, "more polls")
    for agent in (ns2, ns3):
        assert agent.ask("status")["zones"][0]["expired"], "neither brings the other back"
    ns1.start()
    for agent in (ns2, ns3):
        agent.await_serial("example.com.", 1)
        agent.status_when(lambda r: not r["zones"][0]["expired"], "the recovery in status")
