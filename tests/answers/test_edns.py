"""EDNS(0), RFC 6891: an OPT record in the answer iff there was one in the query."""

from __future__ import annotations

import struct
import time
from collections.abc import Callable

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from loading import query, zone_from_text
from serving import StaticView, make_responder

from zonecast.protocol.access import Access, Peer
from zonecast.protocol.message import read_edns
from zonecast.protocol.tsig import Key, make_key, sign_request

ZONE = """\
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
"""
KEY = make_key("xfr.example.", "hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0")
OTHER = make_key("xfr.example.", "hmac-sha256", "b3RoZXJvdGhlcm90aGVyb3RoZXI=")
UNKNOWN = make_key("unknown.example.", "hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0")
RESPONDER = make_responder(
    StaticView([zone_from_text(ZONE, "example.")]),
    access=Access([], [Peer("primary", "192.0.2.3")]),
    keys=(KEY,),
)


def ask(packet: bytes, client: str = "192.0.2.99") -> dns.message.Message:
    reply = RESPONDER.reply(packet, client)
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


@pytest.mark.parametrize("name", ["www.example.", "nothing.example.", "elsewhere."])
def test_opt_iff_asked(name: str) -> None:
    """Pitfall: OPT for who sent one, and nobody else."""
    assert ask(query(name, "A")).edns == -1
    reply = ask(query(name, "A", edns=4096))
    assert (reply.edns, reply.payload, reply.ednsflags) == (0, 1232, 0)


@pytest.mark.parametrize("name", ["www.example.", "nothing.example."])
def test_do_bit_is_copied(name: str) -> None:
    assert ask(query(name, "A", edns=4096, dnssec=True)).ednsflags & dns.flags.DO


def test_newer_version_gets_badvers() -> None:
    """Pitfall: EDNS of a version that is not ours is BADVERS."""
    reply = ask(query("www.example.", "A", edns=4096, version=1))
    assert reply.rcode() == dns.rcode.BADVERS
    assert reply.edns == 0
    assert not reply.answer


def test_unknown_options_are_ignored() -> None:
    reply = ask(query("www.example.", "A", edns=4096, options=[(65001, b"x" * 40), (10, b"y" * 8)]))
    assert reply.rcode() == dns.rcode.NOERROR
    assert len(reply.answer) == 1
    assert not reply.options


def request(opcode: int, qtype: str = "SOA", *, version: int = 0) -> bytes:
    """A request for the zone, with an OPT record."""
    return query("example.", qtype, flags=opcode << 11, edns=1232, dnssec=True, version=version)


def without_question(opcode: int, *, version: int = 0) -> bytes:
    opt = query(".", "SOA", edns=1232, dnssec=True, version=version)[17:]
    return struct.pack(">HHHHHH", 4711, opcode << 11, 0, 0, 0, 1) + opt


@pytest.mark.parametrize(
    ("packet", "client", "rcode"),
    [
        pytest.param(request(4), "192.0.2.3", dns.rcode.NOERROR, id="notify"),
        pytest.param(request(4), "192.0.2.99", dns.rcode.REFUSED, id="notify-refused"),
        pytest.param(request(4, "A"), "192.0.2.3", dns.rcode.FORMERR, id="notify-of-an-address"),
        pytest.param(without_question(4), "192.0.2.3", dns.rcode.FORMERR, id="notify-of-nothing"),
        pytest.param(without_question(0), "192.0.2.99", dns.rcode.FORMERR, id="no-question"),
        *[
            pytest.param(make(opcode), "192.0.2.99", dns.rcode.NOTIMP, id=f"opcode-{opcode}-{word}")
            for opcode in (1, 2, 3, 5, 6, 15)
            for word, make in (("with", request), ("without", without_question))
        ],
    ],
)
def test_opt_goes_along_whatever_is_wrong(packet: bytes, client: str, rcode: int) -> None:
    """RFC 6891 §6.1.1: in every reply to who sent one, NOTIFY, errors and all."""
    reply = RESPONDER.reply(packet, client)
    assert isinstance(reply, bytes)
    edns = read_edns(reply)
    assert edns is not None
    assert (reply[3] & 15, edns.version, edns.dnssec) == (rcode, 0, True)


@pytest.mark.parametrize(
    ("key", "ago"), [(UNKNOWN, 0), (OTHER, 0), (KEY, 1000)], ids=["BADKEY", "BADSIG", "BADTIME"]
)
def test_opt_goes_along_where_a_signature_does_not_count(key: Key, ago: int) -> None:
    for packet in (request(0), request(4)):
        signed, _ = sign_request(packet, key, time.time() - ago)
        reply = RESPONDER.reply(signed, "192.0.2.3")
        assert isinstance(reply, bytes)
        message = dns.message.from_wire(reply, keyring=False)  # which wants TSIG to be last
        assert (message.rcode(), message.edns, message.had_tsig) == (dns.rcode.NOTAUTH, 0, True)
    bare, _ = sign_request(query("example.", "SOA"), key, time.time() - ago)
    reply = RESPONDER.reply(bare, "192.0.2.3")
    assert isinstance(reply, bytes)
    assert dns.message.from_wire(reply, keyring=False).edns == -1


def test_a_notify_with_two_opt_records_is_formerr() -> None:
    packet = request(4)
    twice = packet[:11] + b"\x02" + packet[12:] + packet[-11:]
    assert ask(twice, "192.0.2.3").rcode() == dns.rcode.FORMERR


@pytest.mark.parametrize("make", [request, without_question])
@pytest.mark.parametrize("opcode", [1, 2, 4, 5, 15])
def test_a_newer_version_gets_badvers_whatever_is_asked(
    opcode: int, make: Callable[..., bytes]
) -> None:
    """RFC 6891 §6.1.3: of NOTIFY and UPDATE, too; what it says is not looked at."""
    for client in ("192.0.2.3", "192.0.2.99"):
        reply = RESPONDER.reply(make(opcode, version=1), client)
        assert isinstance(reply, bytes)
        edns = read_edns(reply)
        assert edns is not None
        assert (reply[-6] << 4 | reply[3] & 15, edns.version) == (dns.rcode.BADVERS, 0)


def test_a_newer_version_gets_badvers_without_a_question() -> None:
    assert ask(without_question(0, version=1)).rcode() == dns.rcode.BADVERS
