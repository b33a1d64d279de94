"""Fast path and slow path say what RFC 1034 §4.3.2, written down naively, says.

Every question is put twice: the second time the fast path goes by what it remembers of the first.
"""

from __future__ import annotations

import os

import dns.name
import dns.rdataset
import dns.rdatatype
import naive_signing
import pytest
from drawn import SIGNED_TYPES, Form, World, forms, worlds
from hypothesis import event, given, settings
from hypothesis import strategies as st
from loading import zone_from_dnspython
from naive import Reference, from_message

from zonecast.protocol import answer_near
from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.answer_query import answer_query
from zonecast.protocol.message import read_query
from zonecast.protocol.view import DictView

# How many times more examples than a test run has time for.
MORE = int(os.environ.get("ZONECAST_ANSWERS", "1"))

WHOLE_FORM = Form(flags=0, edns=None, dnssec=False, upper=False)
DNSSEC_FORM = Form(flags=0, edns=1232, dnssec=True, upper=False)


def hold(world: World, form: Form, *, dnssec: bool = False) -> None:
    """Over a stream, where everything fits, both paths say what the reference does; over datagrams
    the fast path says what the slow one does, or nothing."""
    reference = Reference(world.zones, dnssec=dnssec, expired=world.expired)
    view = DictView([zone_from_dnspython(zone) for zone in world.zones], world.expired_origins)
    for name, qtype in world.asked * 2:
        packet = form.packet(name, qtype)
        expected = reference.answer(dns.name.from_text(name), dns.rdatatype.from_text(qtype))
        event(f"rcode {expected.rcode}")
        slow = answer_query(packet, read_query(packet), view, datagram=False)
        fast = exact_match(packet, view, datagram=False)
        for path, reply in (("slow", slow), ("fast", fast)):
            if reply is not None and not reply[2] & 0x02:  # 64 KiB are an end as well
                event(f"{path} path")
                assert from_message(reply) == expected, (path, name, qtype)
        if fast is not None:
            assert head(fast, packet) == head(slow, packet), (name, qtype)
        slow = answer_query(packet, read_query(packet), view, datagram=True)
        fast = exact_match(packet, view, datagram=True)
        if fast is not None:
            event("fast path, datagram")
            edns = read_query(packet).edns
            assert len(fast) <= (512 if edns is None else edns.limit)
            assert head(fast, packet) == head(slow, packet), (name, qtype)
            assert from_message(fast) == from_message(slow), (name, qtype)


def head(reply: bytes, packet: bytes) -> tuple[bytes, bytes, bytes]:
    """What all paths write alike: identifier, flags and count of questions, the question with its
    case, and our OPT record."""
    end = read_query(packet).end
    opt = reply[-11:] if read_query(packet).edns is not None else b""
    return reply[:6], reply[12:end], opt


@settings(max_examples=100 * MORE, deadline=None)
@given(worlds())
def test_agrees_with_naive_reference(world: World) -> None:
    """Pitfall: labels of any octet, empty non-terminals, wildcards, chains of CNAME and DNAME with
    the last name's RCODE, and cuts, against an answerer that has the RFC's words."""
    hold(world, WHOLE_FORM)


@settings(max_examples=60 * MORE, deadline=None)
@given(worlds(), forms)
def test_however_the_question_is_put(world: World, form: Form) -> None:
    hold(world, form)


@settings(max_examples=40 * MORE, deadline=None)
@given(worlds(), st.integers(0, 6))
def test_however_little_is_remembered(world: World, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(answer_near, "MEMO", most)
        hold(world, WHOLE_FORM)


def sign(world: World, chains: list[str]) -> World:
    for zone, chain in zip(world.zones, chains, strict=False):
        if chain:
            naive_signing.sign(zone, chain)
    return world


# A chain for each of the zones that there may be.
CHAINS = ["", naive_signing.NSEC, naive_signing.NSEC3, naive_signing.OPT_OUT]
signed_worlds = st.builds(sign, worlds(), st.lists(st.sampled_from(CHAINS), min_size=4, max_size=4))


@settings(max_examples=80 * MORE, deadline=None)
@given(signed_worlds, st.lists(st.sampled_from(SIGNED_TYPES)))
def test_agrees_with_naive_proofs(world: World, types: list[str]) -> None:
    reference = Reference(world.zones, dnssec=True)
    asked = world.asked + [
        (name, qtype) for (name, _), qtype in zip(world.asked, types, strict=False)
    ]
    # The owners of NSEC3s are no names.
    asked += [(name.to_text(), "A") for hashed in reference.hashed.values() for name in hashed][:2]
    hold(World(world.zones, world.expired, asked), DNSSEC_FORM, dnssec=True)


@st.composite
def damaged_worlds(draw: st.DrawFn) -> World:
    """Signed zones of which something is lost: NSECs whose signatures stay, signatures whose RRsets
    do, or every signature."""
    world = draw(signed_worlds)
    for zone in world.zones:
        held = sorted(
            (name, int(rdataset.rdtype), int(rdataset.covers))
            for name, rdataset in zone.iterate_rdatasets()
            if may_be_lost(rdataset)
        )
        for key in draw(st.sets(st.sampled_from(held), max_size=5)) if held else ():
            zone.delete_rdataset(*key)
        if draw(st.integers(0, 5)) == 0:
            naive_signing.strip_signatures(zone)
    return world


def may_be_lost(rdataset: dns.rdataset.Rdataset) -> bool:
    if rdataset.rdtype == dns.rdatatype.RRSIG:
        return rdataset.covers != dns.rdatatype.SOA
    return rdataset.rdtype == dns.rdatatype.NSEC


@settings(max_examples=60 * MORE, deadline=None)
@given(damaged_worlds())
def test_agrees_with_naive_proofs_where_some_are_lost(world: World) -> None:
    hold(world, DNSSEC_FORM, dnssec=True)


@settings(max_examples=40 * MORE, deadline=None)
@given(signed_worlds, forms.filter(lambda form: form.edns is None or not form.dnssec))
def test_a_signed_zone_without_do(world: World, form: Form) -> None:
    hold(world, form)
