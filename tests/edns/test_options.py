"""What options ask for and what they are answered with, one responder a transport."""

from __future__ import annotations

import struct
import time
from typing import Any

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.update
import pytest
from hypothesis import given
from hypothesis import strategies as st
from loading import query, zone_from_text
from serving import StaticView

from zonecast.errors import WireError
from zonecast.protocol.access import Access, Peer
from zonecast.protocol.edns import Edns, read_opt, read_options
from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.query_lists import QueryLists
from zonecast.server.answering.guard import Guard, Rulebook
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules, Site
from zonecast.zone import names

NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE, ZONEVERSION = 3, 9, 10, 11, 12, 15, 19
CLIENT = "192.0.2.99"
ZONE = """\
@ 900 SOA ns admin 2026010203 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
alias CNAME www
away CNAME www.elsewhere.
*.wild A 192.0.2.2
old DNAME new
sub NS ns.sub
ns.sub A 192.0.2.3
to-sub CNAME x.sub
big TXT {big}
""".format(big=" ".join(f'"{"x" * 250}"' for _ in range(5)))
ROOT = "@ 900 SOA ns admin 5 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\nexample NS ns\n"
SITE = Site(identity=b"fra-1", version=b"zonecast", cookie_secrets=(bytes(16),))
DUE = 12_345


class TimedView(StaticView):
    """Zones in memory of which one is pulled."""

    def expires_at(self, origin: bytes) -> float | None:
        return time.time() + DUE if origin == names.from_text("pulled.") else None

    def soa(self, ref: Any) -> Any:
        return next(z for z in self.loaded if z.origin == ref.origin).rrsets[b"\x00\x00\x06"]


def make_view(expired: frozenset[bytes] = frozenset(), *, root: bool = False) -> TimedView:
    zones = [zone_from_text(ZONE, "example."), zone_from_text(ZONE, "pulled.")]
    if root:
        zones.append(zone_from_text(ROOT, "."))
    view = TimedView(zones, expired)
    view.loaded = zones  # type: ignore[attr-defined]
    return view


VIEW = make_view()


def make(site: Site = SITE, view: TimedView = VIEW, **transport: Any) -> Responder:
    access = Access([Peer("friend", CLIENT)])
    found = Responder(
        Rules({}, access, site), lambda _: None, str, **{"datagram": True, **transport}
    )
    found.use(view)  # type: ignore[arg-type]
    return found


def ask(answering: Responder, packet: bytes, client: str = CLIENT) -> dns.message.Message:
    reply = answering.reply(packet, client)
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def options(reply: dns.message.Message) -> dict[int, bytes]:
    return {int(item.otype): item.to_wire() or b"" for item in reply.options}


def asked(name: str, qtype: str, *codes: int, **more: Any) -> bytes:
    return query(name, qtype, edns=1232, options=[(code, b"") for code in codes], **more)


def test_nothing_is_said_that_was_not_asked() -> None:
    for name in ("www.example.", "no.example.", "sub.example."):
        assert options(ask(make(), asked(name, "A"))) == {}
        assert options(ask(make(), asked(name, "A", 65001, 4, 8, 14))) == {}


def test_nsid_is_the_identity_where_there_is_one() -> None:
    assert options(ask(make(), asked("www.example.", "A", NSID))) == {NSID: b"fra-1"}
    assert options(ask(make(), asked("no.example.", "A", NSID))) == {NSID: b"fra-1"}
    assert options(ask(make(Site()), asked("www.example.", "A", NSID))) == {}


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version.bind.", b"zonecast"), ("VERSION.server.", b"zonecast"),
        ("id.server.", b"fra-1"), ("hostname.bind.", b"fra-1"),
    ],
)  # fmt: skip
def test_chaos_says_what_it_is_told_to(name: str, text: bytes) -> None:
    for more in ({}, {"edns": 1232}):
        packet = query(name, "TXT", qclass=3, **more)
        reply = ask(make(), packet)
        assert reply.flags & dns.flags.AA
        assert (reply.edns == 0) == bool(more)
        (rrset,) = reply.answer
        assert (rrset.ttl, rrset.rdclass, rrset[0].strings) == (0, 3, (text,))
        assert ask(make(Site()), packet).rcode() == dns.rcode.REFUSED
    assert not ask(make(), query(name, "A", qclass=3)).answer
    assert ask(make(), query("version.other.", "TXT", qclass=3)).rcode() == dns.rcode.REFUSED
    assert ask(make(), query(name, "TXT")).rcode() == dns.rcode.REFUSED  # class IN


def test_a_reload_changes_what_is_said() -> None:
    answering = make()
    packet = query("id.server.", "TXT", qclass=3)
    assert ask(answering, packet).answer[0][0].strings == (b"fra-1",)
    answering.rules = answering.rules._replace(site=Site(identity=b"fra-2"))
    assert ask(answering, packet).answer[0][0].strings == (b"fra-2",)


EXAMPLE = b"\x01\x00" + (2026010203).to_bytes(4, "big")


@pytest.mark.parametrize(
    ("name", "qtype", "version"),
    [
        ("www.example.", "A", EXAMPLE),
        ("www.example.", "AAAA", EXAMPLE),
        ("example.", "SOA", EXAMPLE),
        ("no.example.", "A", EXAMPLE),
        ("x.wild.example.", "A", EXAMPLE),
        ("alias.example.", "A", EXAMPLE),
        ("away.example.", "A", EXAMPLE),
        ("to-sub.example.", "A", EXAMPLE),
        ("x.old.example.", "A", EXAMPLE),
        ("sub.example.", "DS", EXAMPLE),
        ("x.sub.example.", "A", None),
        ("sub.example.", "NS", None),
        ("elsewhere.", "A", None),
    ],
)
def test_zone_version_where_the_zone_answers(name: str, qtype: str, version: bytes | None) -> None:
    said = options(ask(make(), asked(name, qtype, ZONEVERSION)))
    assert said.get(ZONEVERSION) == version


def test_zone_version_is_of_the_zone_that_the_name_is_in() -> None:
    answering = make(view=make_view(root=True))
    root = b"\x00\x00" + (5).to_bytes(4, "big")
    for name, qtype, version in [
        ("nothing.", "A", root), (".", "SOA", root), ("example.", "DS", root),
        ("example.", "NS", EXAMPLE), ("www.example.", "A", EXAMPLE),
    ]:  # fmt: skip
        assert options(ask(answering, asked(name, qtype, ZONEVERSION))) == {ZONEVERSION: version}


def test_zone_version_of_an_expired_zone_is_not_told() -> None:
    answering = make(view=make_view(frozenset((names.from_text("example."),))))
    said = options(ask(answering, asked("www.example.", "A", ZONEVERSION)))
    assert said == {EDE: struct.pack(">H", 24)}


def test_expire_is_the_soas_or_what_is_left() -> None:
    assert options(ask(make(), asked("example.", "SOA", EXPIRE))) == {
        EXPIRE: (86400).to_bytes(4, "big")
    }
    left = int.from_bytes(options(ask(make(), asked("pulled.", "SOA", EXPIRE)))[EXPIRE], "big")
    assert DUE - 5 <= left <= DUE


@pytest.mark.parametrize(
    ("name", "qtype"),
    [("www.example.", "SOA"), ("example.", "A"), ("example.", "NS"), ("elsewhere.", "SOA")],
)
def test_expire_is_for_who_transfers(name: str, qtype: str) -> None:
    assert EXPIRE not in options(ask(make(), asked(name, qtype, EXPIRE)))


def test_keepalive_over_streams() -> None:
    stream = make(SITE._replace(idle=12.34), datagram=False)
    assert options(ask(stream, asked("www.example.", "A", KEEPALIVE))) == {
        KEEPALIVE: (123).to_bytes(2, "big")
    }
    assert options(ask(stream, asked("www.example.", "A"))) == {}
    assert options(ask(make(), asked("www.example.", "A", KEEPALIVE))) == {}


@pytest.mark.parametrize("name", ["www.example.", "big.example.", "no.example.", "elsewhere."])
def test_answers_are_padded_where_nobody_sees_in(name: str) -> None:
    tls = make(datagram=False, encrypted=True)
    packet = query(name, "TXT", edns=1232, options=[(PADDING, bytes(40)), (NSID, b"")])
    reply = tls.reply(packet, CLIENT)
    assert isinstance(reply, bytes)
    assert len(reply) % 468 == 0
    padded, plain = dns.message.from_wire(reply), ask(tls, asked(name, "TXT"))
    assert not any(options(padded)[PADDING])
    assert padded.sections[:4] == plain.sections[:4]
    for other, octets in (
        (make(datagram=False), packet),
        (make(), packet),
        (tls, asked(name, "TXT")),
    ):
        assert PADDING not in options(ask(other, octets))


def test_another_version_is_padded_as_well() -> None:
    tls = make(datagram=False, encrypted=True)
    packet = query("www.example.", "A", edns=1232, version=1, options=[(NSID, b""), (PADDING, b"")])
    reply = tls.reply(packet, CLIENT)
    assert isinstance(reply, bytes)
    assert len(reply) % 468 == 0
    padded = dns.message.from_wire(reply)
    assert padded.rcode() == dns.rcode.BADVERS
    assert set(options(padded)) == {PADDING}


@pytest.mark.parametrize("encrypted", [True, False])
def test_who_may_not_ask_gets_what_is_not_the_zones(encrypted: bool) -> None:
    nobody = Guard(Rulebook(QueryLists(Prefixes(), {}), None), lambda _: None)
    stream = make(datagram=False, encrypted=encrypted)
    empty = [(code, b"") for code in (NSID, EXPIRE, KEEPALIVE, PADDING, ZONEVERSION)]
    for name in ("example.", "www.example.", "no.example.", "elsewhere."):
        packet = query(name, "SOA", edns=1232, options=[(COOKIE, b"8 octets"), *empty])
        answer = stream.reply(packet, CLIENT)
        assert isinstance(answer, bytes)
        reply = nobody.single(packet, answer, CLIENT, VIEW)
        assert (len(reply) % 468 == 0) is encrypted
        refused = dns.message.from_wire(reply)
        assert refused.rcode() == dns.rcode.REFUSED
        said = options(refused)
        assert set(said) - {PADDING} == {COOKIE, NSID, KEEPALIVE, EDE}
        assert said[COOKIE] == options(dns.message.from_wire(answer))[COOKIE]
        assert said[EDE] == b"\x00\x12"


def test_extended_errors_say_why() -> None:
    def errors(answering: Responder, packet: bytes, client: str = CLIENT) -> tuple[int, int | None]:
        reply = ask(answering, packet, client)
        said = options(reply).get(EDE)
        return reply.rcode(), None if said is None else int.from_bytes(said, "big")

    expired = make(view=make_view(frozenset((names.from_text("example."),))))
    assert errors(make(), asked("elsewhere.", "A")) == (dns.rcode.REFUSED, 20)
    assert errors(make(), asked("elsewhere.", "A", NSID)) == (dns.rcode.REFUSED, 20)
    assert errors(expired, asked("www.example.", "A")) == (dns.rcode.SERVFAIL, 24)
    assert errors(make(), asked("example.", "AXFR")) == (dns.rcode.NOTIMP, 21)
    stream = make(datagram=False)
    assert errors(stream, asked("example.", "AXFR"), "192.0.2.1") == (dns.rcode.REFUSED, 18)
    assert errors(stream, asked("elsewhere.", "AXFR")) == (dns.rcode.NOTAUTH, 20)
    stream.use(make_view(frozenset((names.from_text("example."),))))  # type: ignore[arg-type]
    assert errors(stream, asked("example.", "AXFR")) == (dns.rcode.SERVFAIL, 24)
    for answering, name in ((make(), "elsewhere."), (expired, "www.example.")):
        assert ask(answering, query(name, "A")).edns == -1


def test_a_zone_that_is_still_awaited_is_not_ready() -> None:
    awaited = frozenset((names.from_text("later."), names.from_text("example.")))
    answering = make(SITE._replace(awaited=awaited))
    for name in ("later.", "www.Later.", "a.b.later."):
        reply = ask(answering, asked(name, "A"))
        assert (reply.rcode(), options(reply)) == (dns.rcode.SERVFAIL, {EDE: struct.pack(">H", 14)})
        assert ask(answering, query(name, "A")).rcode() == dns.rcode.SERVFAIL
    assert ask(answering, asked("xlater.", "A")).rcode() == dns.rcode.REFUSED
    assert ask(answering, asked("later.", "A", qclass=4)).rcode() == dns.rcode.REFUSED
    assert ask(answering, asked("www.example.", "A")).rcode() == dns.rcode.NOERROR


def test_an_update_is_not_implemented_and_says_so() -> None:
    update = dns.update.UpdateMessage("example.")
    update.add("new", 300, "A", "192.0.2.1")
    plain = make().reply(update.to_wire(), CLIENT)
    assert isinstance(plain, bytes)
    assert (plain[3] & 15, plain[10:12]) == (dns.rcode.NOTIMP, b"\0\0")
    update.use_edns(0)
    reply = ask(make(), update.to_wire())
    assert (reply.rcode(), options(reply)) == (dns.rcode.NOTIMP, {EDE: struct.pack(">H", 21)})


def test_badvers_comes_before_options() -> None:
    reply = ask(make(), asked("www.example.", "A", NSID, ZONEVERSION, version=1))
    assert (reply.rcode(), options(reply)) == (dns.rcode.BADVERS, {})


def test_a_zone_version_that_is_not_empty_is_formerr() -> None:
    packet = query("www.example.", "A", edns=1232, options=[(ZONEVERSION, bytes(6))])
    assert ask(make(), packet).rcode() == dns.rcode.FORMERR


def test_options_count_in_the_size_of_an_answer() -> None:
    for size in range(1100, 1232):
        codes = [(NSID, b""), (ZONEVERSION, b""), (COOKIE, bytes(8))]
        reply = make().reply(query("big.example.", "TXT", edns=size, options=codes), CLIENT)
        assert isinstance(reply, bytes)
        assert len(reply) <= size
        assert options(dns.message.from_wire(reply)).keys() == {NSID, ZONEVERSION, COOKIE}


CODES = st.one_of(
    st.sampled_from([NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE, ZONEVERSION]),
    st.integers(0, 65535),
)
OPTIONS = st.lists(st.tuples(CODES, st.binary(max_size=50)), max_size=6)
NAMES = st.sampled_from(["www.example.", "no.example.", "big.example.", "elsewhere.", "example."])
TYPES = st.sampled_from(["A", "SOA", "TXT", "ANY"])


@given(OPTIONS, NAMES, TYPES, st.integers(0, 65535), st.booleans(), st.booleans())
def test_any_options_get_an_answer_within_the_size(
    codes: list[tuple[int, bytes]], name: str, qtype: str, size: int, dnssec: bool, stream: bool
) -> None:
    answering = make(datagram=not stream, encrypted=stream)
    packet = query(name, qtype, edns=size, dnssec=dnssec, options=codes)
    for _ in range(2):
        octets = answering.reply(packet, CLIENT)
        assert isinstance(octets, bytes)
        assert stream or len(octets) <= max(512, min(size, 1232))
        reply = dns.message.from_wire(octets)
        assert reply.edns == 0
        assert set(options(reply)) <= {NSID, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE, ZONEVERSION}
        first = dict(reversed(codes))
        wrong = len(first.get(COOKIE, bytes(8))) not in (8, *range(16, 41)) or first.get(
            ZONEVERSION
        )
        assert (reply.rcode() == dns.rcode.FORMERR) == bool(wrong)
        if not wrong:
            plain = ask(answering, query(name, qtype, edns=size, dnssec=dnssec))
            assert reply.rcode() == plain.rcode()
            if not reply.flags & dns.flags.TC:
                assert reply.sections[:4] == plain.sections[:4]


@given(st.binary(max_size=60))
def test_octets_that_are_no_options_are_refused_or_read(octets: bytes) -> None:
    head = query("www.example.", "A", edns=1232)
    packet = head[:-2] + len(octets).to_bytes(2, "big") + octets
    try:
        read = read_opt(1232, 0, octets)
        read_options(read.options)
        good = True
    except WireError:
        good = False
    reply = make().reply(packet, CLIENT)
    assert isinstance(reply, bytes)
    assert (reply[3] & 15 == dns.rcode.FORMERR) == (not good)
    assert good or Edns(1232, 0, False, b"").limit == 1232


def test_a_second_opt_record_is_formerr() -> None:
    """Pitfall: one OPT record alone."""
    packet = asked("www.example.", "A", NSID)
    twice = packet[:10] + b"\x00\x02" + packet[12:] + packet[-15:]
    reply = make().reply(twice, CLIENT)
    assert isinstance(reply, bytes)
    assert reply[3] & 15 == dns.rcode.FORMERR
