"""Names in any case (0x20): the answer is that in lower case, under the question as it came."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rcode
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import query, zone_from_text
from serving import StaticView

from zonecast.protocol.access import Access
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules, Site

ZONE = """\
@ 900 SOA ns admin 7 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
www HTTPS 1 . alpn=h2
www TXT "Case Is Kept"
Alias CNAME WWW
*.Wild A 192.0.2.2
Old DNAME New
x.new A 192.0.2.3
Sub NS ns.Sub
ns.sub A 192.0.2.4
9 A 192.0.2.9
"""
VIEW = StaticView([zone_from_text(ZONE, "example.")])
NAMES = [
    "www.example.", "alias.example.", "a.wild.example.", "x.old.example.", "a.sub.example.",
    "no.example.", "elsewhere.", "9.example.", "example.", "version.bind.",
]  # fmt: skip
COOKIES = st.sampled_from([(), ((10, b"zonecast"),), ((3, b""),)])


def make() -> Responder:
    site = Site(cookie_secrets=(bytes(16),))
    found = Responder(Rules({}, Access([]), site), lambda _: None, str, datagram=True)
    found.use(VIEW)
    return found


def cased(name: str, upper: list[bool]) -> str:
    return "".join(
        char.upper() if up else char for char, up in zip(name, upper * len(name), strict=False)
    )


@given(
    st.sampled_from(NAMES), st.sampled_from(["A", "HTTPS", "TXT", "DNAME", "ANY"]),
    st.lists(st.booleans(), min_size=1, max_size=9), st.sampled_from([None, 512, 1232, 4096]),
    st.booleans(), st.sampled_from([1, 3, 255, 0]), COOKIES,
)  # fmt: skip
def test_case_changes_nothing_but_the_question(
    name: str, qtype: str, upper: list[bool], edns: int | None, dnssec: bool, qclass: int,
    options: tuple[tuple[int, bytes], ...],
) -> None:  # fmt: skip
    """Pitfall: lower-casing a whole query turns QTYPE 65 into 97; only the name is, and the answer
    has the query's own case."""
    more = {"edns": edns, "dnssec": dnssec, "qclass": qclass, "options": options}
    lower = query(name, qtype, **more)  # type: ignore[arg-type]
    mixed = query(cased(name, upper), qtype, **more)  # type: ignore[arg-type]
    alone = make().reply(lower, "192.0.2.1")
    assert isinstance(alone, bytes)
    for order in ([mixed, mixed, lower, mixed], [lower, mixed, lower]):
        answering = make()
        for packet in order:
            reply = answering.reply(packet, "192.0.2.1")
            assert isinstance(reply, bytes)
            size = len(dns.name.from_text(name).to_wire()) + 4
            assert reply[12 : 12 + size] == packet[12 : 12 + size]
            assert reply[:12] == alone[:12]
            # Names of the zone are written as the zone has them, but for a DNAME's (RFC 6672 §3.1).
            assert reply[12 + size :].lower() == alone[12 + size :].lower()


def test_two_cases_are_kept_once() -> None:
    answering = make()
    for name in ("WWW.example.", "www.EXAMPLE.", "www.example.", "wWw.eXaMpLe."):
        for options in ([], [(10, b"zonecast")]):
            answering.reply(query(name, "A", edns=1232, options=options), "192.0.2.1")
    assert len(answering.cache) == 1


@pytest.mark.parametrize("length", range(40))
def test_short_packets_and_those_cut_short(length: int) -> None:
    faults: list[object] = []
    answering = Responder(Rules({}, Access([])), faults.append, str, datagram=True)
    answering.use(VIEW)
    for packet in (
        query("WWW.example.", "A")[:length], query("WWW.example.", "A", edns=1232)[:length],
        b"A" * length, bytes(10) + b"\x00\x01" + b"A" * length, bytes(length),
    ):  # fmt: skip
        reply = answering.reply(packet, "192.0.2.1")
        if isinstance(reply, bytes) and len(packet) < 29:
            assert dns.message.from_wire(reply).rcode() in (dns.rcode.FORMERR, dns.rcode.NOTIMP)
    assert faults == []
