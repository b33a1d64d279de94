"""NOTIFY messages, against dnspython's reading and writing of them."""

from __future__ import annotations

import struct

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import pytest

from zonecast.errors import WireError
from zonecast.protocol.notify import (
    build_notify,
    check_notify_reply,
    notify_reply,
    parse_notify,
)
from zonecast.protocol.question import NotAnAnswerError
from zonecast.zone.names import ROOT, from_text
from zonecast.zone.rrset import RRset

ORIGIN = from_text("Example.com.")
SOA = RRset(b"", 6, 300, (ROOT + ROOT + struct.pack(">IIIII", 4294967295, 1, 2, 3, 4),))


def test_dnspython_reads_what_we_build() -> None:
    """Pitfall: the new SOA goes along as a hint."""
    for soa in (SOA, None):
        read = dns.message.from_wire(build_notify(99, ORIGIN, soa))
        assert (read.id, read.opcode()) == (99, dns.opcode.NOTIFY)
        assert read.flags & dns.flags.AA
        assert read.question[0].name == dns.name.from_text("example.com.")
        assert read.question[0].rdtype == dns.rdatatype.SOA
        assert [a[0].serial for a in read.answer] == ([] if soa is None else [4294967295])


def test_we_read_what_we_and_dnspython_build() -> None:
    assert parse_notify(build_notify(99, ORIGIN, SOA)) == (99, ORIGIN, 4294967295)
    bare = dns.message.make_query("Example.com.", "SOA", id=5)
    bare.set_opcode(dns.opcode.NOTIFY)
    assert parse_notify(bare.to_wire()) == (5, ORIGIN, None)


def test_what_is_no_notify_is_refused() -> None:
    good = build_notify(99, ORIGIN, SOA)
    query = dns.message.make_query("example.com.", "SOA").to_wire()
    other = dns.message.make_query("example.com.", "A")
    other.set_opcode(dns.opcode.NOTIFY)
    bad = [query, notify_reply(good), other.to_wire(), good[:-1], good[:11]]
    for message in bad:
        with pytest.raises(WireError):
            parse_notify(message)


def test_the_answer_repeats_question_and_identifier() -> None:
    reply = notify_reply(build_notify(99, ORIGIN, SOA))
    read = dns.message.from_wire(reply)
    assert (read.id, read.opcode(), read.rcode()) == (99, dns.opcode.NOTIFY, dns.rcode.NOERROR)
    assert read.flags & dns.flags.QR
    assert not read.answer
    check_notify_reply(reply, 99)
    with pytest.raises(WireError, match="NOTAUTH"):
        check_notify_reply(notify_reply(build_notify(99, ORIGIN, None), 9), 99)
    for stranger in (notify_reply(build_notify(98, ORIGIN, SOA)), build_notify(99, ORIGIN, SOA)):
        with pytest.raises(NotAnAnswerError):
            check_notify_reply(stranger, 99)
