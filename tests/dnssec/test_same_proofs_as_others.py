"""Answers with DO from signed zones, primary and secondary alike, are those of BIND, Knot and NSD."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import dns.flags
import dns.message
import dns.name
import dns.rdatatype as t
import dns.rrset
import pytest
from others import Served
from signing import NAMES, SIGNERS

# Two for every name, and others in turn, so that some signer's zone is asked for each.
ALWAYS = ("A", "DS")
IN_TURN = ("TXT", "NS", "NSEC", "CNAME", "RRSIG", "NSEC3")

# A wildcard that holds nothing but stands above something: BIND and Knot leave out the NSEC that
# shows that it holds nothing, without which delv refuses the answer.
MORE_THAN_OTHERS = {"a.wd", "b.a.wd"}

# What is not compared: the NS RRset and the addresses that some add to answers.
PROOFS = {t.SOA, t.NSEC, t.NSEC3, t.DS}

Records = frozenset[tuple[str, str, int, str]]
Said = tuple[int, bool, Records, Records]


@pytest.mark.parametrize("signer", SIGNERS)
def test_two_of_three_others_say_the_same(served: Served, signer: str) -> None:
    """And primary and secondary say it with the same octets."""
    origin = dns.name.from_text(served.zones[signer].origin)
    turn = list(SIGNERS).index(signer)
    wrong = []
    with ExitStack() as stack:
        primary, secondary, *others = (
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20))
            for port in (*served.ours.values(), *served.others.values())
        )
        for number, name in enumerate(NAMES, turn):
            for qtype in (*ALWAYS, IN_TURN[number % len(IN_TURN)]):
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


def ask(query: dns.message.Message, stream: socket.socket) -> bytes:
    packet = query.to_wire()
    stream.sendall(len(packet).to_bytes(2, "big") + packet)
    size = int.from_bytes(receive(stream, 2), "big")
    return receive(stream, size)


def receive(stream: socket.socket, size: int) -> bytes:
    octets = b""
    while len(octets) < size:
        more = stream.recv(size - len(octets))
        assert more, "the connection was closed"
        octets += more
    return octets


def said(octets: bytes) -> Said:
    """What counts of a reply, order and case aside."""
    reply = dns.message.from_wire(octets)
    authoritative = bool(reply.flags & dns.flags.AA)
    compared = PROOFS if authoritative else PROOFS | {t.NS}
    authority = [rrset for rrset in reply.authority if subject(rrset) in compared]
    return int(reply.rcode()), authoritative, records(reply.answer), records(authority)


def subject(rrset: dns.rrset.RRset) -> int:
    return int(rrset.covers if rrset.rdtype == t.RRSIG else rrset.rdtype)


def records(section: list[dns.rrset.RRset]) -> Records:
    return frozenset(
        (rrset.name.to_text().lower(), t.to_text(rrset.rdtype), rrset.ttl, rdata.to_text().lower())
        for rrset in section
        for rdata in rrset
    )
