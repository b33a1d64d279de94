"""Answers with DO from signed zones, primary and secondary alike, are those of BIND, Knot and NSD."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import dns.message
import dns.name
import pytest
from others import Served
from said import ask, said
from signing import NAMES, SIGNERS

# Each name is asked for one address and one other type, in turn, so that every kind of name meets
# every type with some signer's zone.
IN_TURN = ("DS", "TXT", "NS", "DS", "NSEC", "CNAME", "DS", "RRSIG", "NSEC3")

# What the signer itself is asked about, and what it tells the parent (RFC 7344).
OF_THE_APEX = ("DNSKEY", "CDS", "CDNSKEY", "NSEC3PARAM", "SOA")

# A wildcard that holds nothing but stands above something: BIND and Knot leave out the NSEC that
# shows that it holds nothing, without which delv refuses the answer.
MORE_THAN_OTHERS = {"a.wd", "b.a.wd"}


@pytest.mark.parametrize("signer", SIGNERS)
def test_two_of_three_others_say_the_same(served: Served, signer: str) -> None:
    """Pitfall: proofs for every kind of answer; primary and secondary give the same octets."""
    origin = dns.name.from_text(served.zones[signer].origin)
    turn = list(SIGNERS).index(signer)
    wrong = []
    with ExitStack() as stack:
        primary, secondary, *others = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for port in (*served.ours.values(), *served.others.values())
        )
        for number, name in enumerate(NAMES, turn):
            types = ("A", IN_TURN[number % len(IN_TURN)])
            for qtype in types + (OF_THE_APEX if name == "@" else ()):
                qname = dns.name.from_text(name, origin) if name != "@" else origin
                query = dns.message.make_query(qname, qtype, want_dnssec=True, payload=4096)
                ours = ask(query, primary)
                assert ask(query, secondary) == ours
                theirs = [said(ask(query, other)) for other in others]
                if theirs.count(said(ours)) < enough(name, qtype):
                    wrong.append(f"{qname} {qtype}: {said(ours)}, not {theirs}")
    assert not wrong, "\n\n".join(wrong)


def enough(name: str, qtype: str) -> int:
    """How many have to say the same. To queries for NSEC and RRSIG everyone has an answer of his
    own: at cuts and at wildcards, and with one signature or all."""
    return 1 if name in MORE_THAN_OTHERS or qtype in ("NSEC", "RRSIG") else 2
