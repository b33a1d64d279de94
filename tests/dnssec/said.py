"""What a reply says, made comparable."""

from __future__ import annotations

import socket

import dns.flags
import dns.message
import dns.rdatatype as t
import dns.rrset

# What is not compared: the NS RRset and the addresses that some add to answers.
PROOFS = {t.SOA, t.NSEC, t.NSEC3, t.DS}

Records = frozenset[tuple[str, str, int, str]]
Said = tuple[int, bool, Records, Records]


def ask(query: dns.message.Message, stream: socket.socket) -> bytes:
    """The reply to a query over a stream, as octets."""
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
