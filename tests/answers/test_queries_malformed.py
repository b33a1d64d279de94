"""Octets that are no proper query: silence, FORMERR, NOTIMP, never an exception or a fault."""

from __future__ import annotations

import struct
from typing import Any

import dns.message
import dns.rcode
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import query, zone_from_text
from serving import StaticView, make_responder

ZONE = """\
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
sub NS ns.sub
ns.sub A 192.0.2.54
"""
OPT = b"\x00\x00\x29\x04\xd0\x00\x00\x00\x00\x00\x00"

faults: list[dict[str, Any]] = []


def report(message: dict[str, Any]) -> None:
    if "guard" not in message:  # counts of what was refused
        faults.append(message)


RESPONDERS = [
    make_responder(StaticView([zone_from_text(ZONE, "example.")]), report, datagram=datagram)
    for datagram in (True, False)
]
PACKETS = [
    query("www.example.", "A"),
    query("x.sub.example.", "A", edns=1232, dnssec=True),
    query("example.", "AXFR"),
    query("example.", "IXFR"),
    query("example.", "SOA", flags=0x2000),
    query("www.example.", "A")[:11],
]


def reply_to(packet: bytes) -> bytes | None:
    reply = RESPONDERS[0].reply(packet, "192.0.2.99")
    assert reply is None or isinstance(reply, bytes)
    return reply


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    packet = bytearray(draw(st.sampled_from(PACKETS)))
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(packet) - 1))
        change = draw(st.sampled_from(["set", "insert", "delete"]))
        if change == "set":
            packet[place] = draw(st.integers(0, 255))
        elif change == "insert":
            packet[place:place] = draw(st.binary(min_size=1, max_size=12))
        elif len(packet) > 1:
            del packet[place]
    return bytes(packet)


@settings(max_examples=800, deadline=None)
@given(st.one_of(mutated(), st.binary(max_size=64)))
def test_arbitrary_octets_do_no_harm(packet: bytes) -> None:
    for responder in RESPONDERS:
        reply = responder.reply(packet, "192.0.2.99")
        assert not faults
        if reply is None:
            assert len(packet) < 12 or packet[2] & 0x80
            continue
        assert isinstance(reply, bytes)
        assert reply[:2] == packet[:2]
        assert reply[2] & 0x80
        assert reply[2] & 0x78 == packet[2] & 0x78
        # As a QUERY's: for other opcodes dnspython wants questions that no client has to send.
        plain = reply[:2] + bytes((reply[2] & 0x87,)) + reply[3:]
        dns.message.from_wire(plain, ignore_trailing=False, one_rr_per_rrset=True)


def test_responses_and_fragments_get_silence() -> None:
    """Pitfall: who answers responses can be set upon itself."""
    packet = query("www.example.", "A")
    assert reply_to(packet[:11]) is None
    assert reply_to(packet[:2] + b"\x80" + packet[3:]) is None


@pytest.mark.parametrize(
    ("name", "packet"),
    [
        ("no question", struct.pack(">HHHHHH", 7, 0, 0, 0, 0, 0)),
        ("two questions", struct.pack(">HHHHHH", 7, 0, 2, 0, 0, 0) + b"\x00\x00\x01\x00\x01" * 2),
        ("question cut short", query("www.example.", "A")[:-3]),
        ("octets after the end", query("www.example.", "A") + b"\x00"),
        ("compressed question", query(".", "A")[:12] + b"\xc0\x00\x00\x01\x00\x01"),
        ("reserved label type", query(".", "A")[:12] + b"\x41a\x00\x00\x01\x00\x01"),
        ("name over 255 octets", query(".", "A")[:12] + b"\x01a" * 128 + b"\x00\x00\x01\x00\x01"),
        ("record promised, none there", b"\x00\x07" + b"\x00\x00\x00\x01" + bytes(5) + b"\x01"
         + query("www.example.", "A")[12:]),
        ("two OPT records", query("www.example.", "A", edns=512)[:11] + b"\x02"
         + query("www.example.", "A", edns=512)[12:] + OPT),
        ("OPT not at the root", query("www.example.", "A")[:11] + b"\x01"
         + query("www.example.", "A")[12:] + b"\x01a" + OPT),
        ("option overruns the OPT", query("www.example.", "A", edns=512)[:-1] + b"\x05"
         + b"\x00\x0a\x00\x08a"),
    ],
)  # fmt: skip
def test_formerr(name: str, packet: bytes) -> None:
    reply = reply_to(packet)
    assert reply is not None
    assert reply[3] & 15 == dns.rcode.FORMERR
    assert not reply[2] & 0x04


@pytest.mark.parametrize("qtype", [0, 41, 249, 250, 253, 254])
def test_types_that_no_zone_holds_are_not_there(qtype: int) -> None:
    for name, rcode in (("example.", dns.rcode.NOERROR), ("no.example.", dns.rcode.NXDOMAIN)):
        for octets in (query(name, qtype), query(name, qtype, edns=1232)):
            reply = reply_to(octets)
            assert reply is not None
            message = dns.message.from_wire(reply)
            assert (message.rcode(), message.answer) == (rcode, [])
            assert len(message.authority) == 1


def test_other_opcodes_get_notimp_with_the_question() -> None:
    """Pitfall: an opcode that is not known is no reason for silence."""
    for opcode in (1, 2, 5, 6, 15):
        packet = query("www.example.", "A", flags=opcode << 11 | 0x0100)
        reply = reply_to(packet)
        assert reply is not None
        assert struct.unpack(">H", reply[2:4])[0] == 0x8000 | opcode << 11 | 0x0100 | 4
        assert reply[12:] == packet[12:]
