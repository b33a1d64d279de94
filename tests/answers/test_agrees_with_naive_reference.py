"""Fast path and slow path say what RFC 1034 §4.3.2, written down naively, says."""

from __future__ import annotations

from typing import Any

import dns.name
import dns.rdatatype
import dns.zone
import naive_signing
from hypothesis import event, given, settings
from hypothesis import strategies as st
from loading import query, zone_from_dnspython
from naive import Reference, from_message

from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.answer_query import answer_query
from zonecast.protocol.message import read_query
from zonecast.protocol.view import DictView

SOA = "@ 900 SOA ns.example. admin.example. 1 3600 600 86400 300"
ORIGINS = ["example.", "a.example.", "b.a.example.", "other.test."]
LABELS = ["a", "b", "*", "A", "ns", "\\000", "\\001\\000", "x\\.y"]
TYPES = ["A", "AAAA", "NS", "CNAME", "DNAME", "MX", "SRV", "TXT", "DS", "SOA", "ANY", "HTTPS"]

owners = st.lists(st.sampled_from(LABELS), min_size=1, max_size=3).map(".".join)
targets = st.one_of(
    st.tuples(owners, st.sampled_from(ORIGINS)).map(".".join),
    st.sampled_from([*ORIGINS, "a.b.example.", "ns.a.example.", "host.elsewhere.", "."]),
)
addresses = st.sampled_from(["A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1"])


@st.composite
def nodes(draw: st.DrawFn, owner: str) -> list[str]:
    """The records of one name: an alias, a zone cut, a DNAME or ordinary data."""
    kind = draw(st.sampled_from(["cname", "cut", "dname", "data", "data"]))
    target = draw(targets)
    if kind == "cname":
        return [f"{owner} 60 CNAME {target}"]
    found = []
    if kind == "cut":
        found += [f"{owner} 61 NS {host}" for host in {target, draw(targets)}]
        if draw(st.booleans()):
            found.append(f"{owner} 62 DS 1 8 2 {'00' * 32}")
    if kind == "dname":
        found.append(f"{owner} 63 DNAME {target}")
    if kind == "data":
        found.append(draw(st.sampled_from([f"{owner} 64 MX 10 {target}", f"{owner} 65 TXT t"])))
        found.append(f"{owner} 66 SRV 1 2 3 {target}")
    return found + [f"{owner} 67 {address}" for address in draw(st.sets(addresses, max_size=3))]


@st.composite
def zones(draw: st.DrawFn, origin: str) -> dns.zone.Zone:
    lines = [SOA, f"@ 70 NS {draw(targets)}"]
    if draw(st.integers(0, 5)) == 0:
        lines.append(f"@ 71 DNAME {draw(targets)}")
    for owner in draw(st.lists(owners, unique_by=str.lower, max_size=8)):
        lines += draw(nodes(owner))
    return dns.zone.from_text("\n".join(lines), origin=origin, relativize=False)


@st.composite
def worlds(draw: st.DrawFn) -> list[dns.zone.Zone]:
    origins = draw(st.sets(st.sampled_from(ORIGINS), min_size=1))
    return [draw(zones(origin)) for origin in sorted(origins)]


@st.composite
def queries(draw: st.DrawFn) -> tuple[list[dns.zone.Zone], list[tuple[str, str]]]:
    """Zones, and questions mostly about names that are there or nearly so."""
    world = draw(worlds())
    there = sorted({name.to_text() for zone in world for name in zone.nodes})
    name = st.one_of(
        st.sampled_from([*there, "."]),
        st.tuples(st.sampled_from(LABELS), st.sampled_from([*there, "example."])).map(".".join),
        st.tuples(owners, st.sampled_from(ORIGINS)).map(".".join),
    )
    asked = st.lists(st.tuples(name, st.sampled_from(TYPES)), min_size=1, max_size=16)
    return world, draw(asked)


@settings(max_examples=300, deadline=None)
@given(queries())
def test_agrees_with_naive_reference(
    case: tuple[list[dns.zone.Zone], list[tuple[str, str]]],
) -> None:
    """Pitfall: labels of any octet, empty non-terminals, wildcards, chains of CNAME and DNAME with
    the last name's RCODE, and cuts, against an answerer that has the RFC's words."""
    world, asked = case
    reference = Reference(world)
    view = DictView([zone_from_dnspython(zone) for zone in world])
    for name, qtype in asked:
        qname = dns.name.from_text(name)
        packet = query(qname, qtype)
        expected = reference.answer(qname, dns.rdatatype.from_text(qtype))
        event(f"rcode {expected.rcode}")
        slow = answer_query(packet, read_query(packet), view, datagram=False)
        assert from_message(slow) == expected, (name, qtype)
        fast = exact_match(packet, view, datagram=False)
        if fast is not None:
            event("fast path")
            assert from_message(fast) == expected, (name, qtype)


def sign(case: tuple[Any, Any], chains: list[str]) -> tuple[Any, Any]:
    for zone, chain in zip(case[0], chains, strict=False):
        if chain:
            naive_signing.sign(zone, chain)
    return case


# A chain for each of the zones that there may be.
CHAINS = ["", naive_signing.NSEC, naive_signing.NSEC3, naive_signing.OPT_OUT]
signed_queries = st.builds(
    sign, queries(), st.lists(st.sampled_from(CHAINS), min_size=4, max_size=4)
)
SIGNED_TYPES = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DS"]


@settings(max_examples=100, deadline=None)
@given(signed_queries, st.lists(st.sampled_from(SIGNED_TYPES)))
def test_agrees_with_naive_proofs(
    case: tuple[list[dns.zone.Zone], list[tuple[str, str]]], types: list[str]
) -> None:
    world, asked = case
    reference = Reference(world, dnssec=True)
    view = DictView([zone_from_dnspython(zone) for zone in world])
    asked = asked + [(name, qtype) for (name, _), qtype in zip(asked, types, strict=False)]
    asked += [(name.to_text(), "A") for hashed in reference.hashed.values() for name in hashed][:2]
    for name, qtype in asked:
        qname = dns.name.from_text(name)
        packet = query(qname, qtype, edns=1232, dnssec=True)
        expected = reference.answer(qname, dns.rdatatype.from_text(qtype))
        event(f"rcode {expected.rcode}")
        event(f"{len({r[0] for r in expected.authority if r[1] in (47, 50)})} proofs")
        slow = answer_query(packet, read_query(packet), view, datagram=False)
        assert from_message(slow) == expected, (name, qtype)
        fast = exact_match(packet, view, datagram=False)
        if fast is not None:
            event("fast path")
            assert from_message(fast) == expected, (name, qtype)
