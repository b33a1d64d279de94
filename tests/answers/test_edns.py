"""EDNS(0), RFC 6891: an OPT record in the answer iff there was one in the query."""

from __future__ import annotations

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import pytest
from loading import query, zone_from_text
from serving import StaticView, make_responder

ZONE = """\
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
"""
RESPONDER = make_responder(StaticView([zone_from_text(ZONE, "example.")]))


def ask(packet: bytes) -> dns.message.Message:
    reply = RESPONDER.reply(packet, "192.0.2.99")
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
