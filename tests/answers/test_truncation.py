"""What does not fit: whole RRsets only and TC (RFC 2181 §9), glue by RFC 9471."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype
from hypothesis import given, settings
from hypothesis import strategies as st
from loading import query, zone_from_text
from serving import StaticView, make_responder

ADDRESSES = "\n".join(f"many A 192.0.2.{n}" for n in range(60))
GLUE = "\n".join(
    f"sub NS ns{n:02}.sub\nns{n:02}.sub A 192.0.2.{n}\nns{n:02}.sub AAAA 2001:db8::{n}"
    for n in range(13)
)
SIBLINGS = "\n".join(
    f"kin NS long-named-{n:02}.dub\nlong-named-{n:02}.dub AAAA 2001:db8::{n}" for n in range(13)
)
ZONE = f"""\
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
alias CNAME many
dub NS ns.elsewhere.
{ADDRESSES}
{GLUE}
{SIBLINGS}
""" + "\n".join(f"mx MX 10 host{n}\nhost{n} AAAA 2001:db8::{n}" for n in range(14))
VIEW = StaticView([zone_from_text("$TTL 60\n" + ZONE, "example.")])
DATAGRAM = make_responder(VIEW)
STREAM = make_responder(VIEW, datagram=False)


def ask(name: str, qtype: str, size: int | None = None) -> dns.message.Message:
    reply = DATAGRAM.reply(query(name, qtype, edns=size), "192.0.2.99")
    assert isinstance(reply, bytes)
    assert len(reply) <= (512 if size is None else max(512, min(size, 1232)))
    return dns.message.from_wire(reply)


def whole(name: str, qtype: str) -> dns.message.Message:
    reply = STREAM.reply(query(name, qtype), "192.0.2.99")
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def test_answer_that_does_not_fit() -> None:
    reply = ask("many.example.", "A")
    assert reply.flags & dns.flags.TC
    assert not reply.answer
    assert not ask("many.example.", "A", 1232).flags & dns.flags.TC
    assert len(whole("many.example.", "A").answer[0]) == 60


def test_what_fits_before_stays() -> None:
    reply = ask("alias.example.", "A")
    assert reply.flags & dns.flags.TC
    assert [rrset.rdtype for rrset in reply.answer] == [dns.rdatatype.CNAME]


def test_required_glue_that_does_not_fit_sets_tc() -> None:
    """Pitfall: a referral without its glue would be no answer (RFC 9471)."""
    reply = ask("x.sub.example.", "A")
    assert reply.flags & dns.flags.TC
    assert len(reply.authority[0]) == 13
    assert not ask("x.sub.example.", "A", 1232).flags & dns.flags.TC


def test_sibling_glue_may_be_left_out() -> None:
    reply = ask("x.kin.example.", "A")
    assert not reply.flags & dns.flags.TC
    assert len(reply.authority[0]) == 13
    assert len(whole("x.kin.example.", "A").additional) == 13


def test_addresses_of_mail_servers_may_be_left_out() -> None:
    reply = ask("mx.example.", "MX")
    assert not reply.flags & dns.flags.TC
    assert 0 < len(reply.additional) < 14


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from(["many", "alias", "x.sub", "x.kin", "mx", "@", "none"]),
    st.sampled_from(["A", "MX", "ANY", "NS"]),
    st.integers(0, 2000),
)
def test_every_rrset_is_whole_whatever_the_size(name: str, qtype: str, size: int) -> None:
    """Pitfall: whole RRsets or none, and TC."""
    qname = "example." if name == "@" else f"{name}.example."
    reply = ask(qname, qtype, size)
    full = whole(qname, qtype)
    for ours, theirs in zip(reply.sections[1:], full.sections[1:], strict=True):
        for rrset in ours:
            assert rrset in theirs
    if not reply.flags & dns.flags.TC:
        assert reply.answer == full.answer
        assert reply.authority == full.authority
