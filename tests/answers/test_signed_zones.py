"""Zones signed elsewhere: RRSIGs with DO alone, DS with referrals, AD and CD clear."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype
import pytest
from loading import query, zone_from_text
from serving import StaticView, make_responder


def rrsig(covered: str, labels: int = 1, ttl: int = 60) -> str:
    return f"{ttl} RRSIG {covered} 8 {labels} {ttl} 20400101000000 20200101000000 1 example. AAAA"


ZONE = f"""\
$TTL 60
@ 900 SOA ns admin 1 3600 600 86400 300
@ {rrsig("SOA", ttl=900)}
@ NS ns
@ {rrsig("NS")}
ns A 192.0.2.53
ns {rrsig("A", 2)}
www A 192.0.2.1
www {rrsig("A", 2)}
alias CNAME www
alias {rrsig("CNAME", 2)}
*.w TXT "t"
*.w {rrsig("TXT", 2)}
sub NS ns.sub
sub DS 1 8 2 {"00" * 32}
sub {rrsig("DS", 2)}
ns.sub A 192.0.2.54
svc HTTPS 1 . alpn=h2
svc HTTPS 2 www
svc A 192.0.2.7
svc {rrsig("HTTPS", 2)}
"""
CHILD = "$TTL 60\n@ 900 SOA ns admin 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.54"
PARENT = StaticView([zone_from_text(ZONE, "example.")])
BOTH = StaticView([zone_from_text(ZONE, "example."), zone_from_text(CHILD, "sub.example.")])

Kinds = list[list[str]]


def ask(packet: bytes, view: StaticView = PARENT) -> dns.message.Message:
    reply = make_responder(view).reply(packet, "")
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def kinds(reply: dns.message.Message) -> Kinds:
    return [
        [dns.rdatatype.to_text(rrset.rdtype) for rrset in section]
        for section in (reply.answer, reply.authority, reply.additional)
    ]


@pytest.mark.parametrize(
    ("name", "qtype", "plain", "signed"),
    [
        ("www.example.", "A", [["A"], [], []], [["A", "RRSIG"], [], []]),
        (
            "alias.example.",
            "A",
            [["CNAME", "A"], [], []],
            [["CNAME", "RRSIG", "A", "RRSIG"], [], []],
        ),
        ("a.w.example.", "TXT", [["TXT"], [], []], [["TXT", "RRSIG"], [], []]),
        ("no.example.", "A", [[], ["SOA"], []], [[], ["SOA", "RRSIG"], []]),
        ("www.example.", "TXT", [[], ["SOA"], []], [[], ["SOA", "RRSIG"], []]),
        ("example.", "NS", [["NS"], [], ["A"]], [["NS", "RRSIG"], [], ["A", "RRSIG"]]),
        ("x.sub.example.", "A", [[], ["NS"], ["A"]], [[], ["NS", "DS", "RRSIG"], ["A"]]),
        ("sub.example.", "DS", [["DS"], [], []], [["DS", "RRSIG"], [], []]),
        ("www.example.", "RRSIG", [["RRSIG"], [], []], [["RRSIG"], [], []]),
        (
            "svc.example.",
            "HTTPS",
            [["HTTPS"], [], ["A", "A"]],
            [["HTTPS", "RRSIG"], [], ["A", "A", "RRSIG"]],
        ),
    ],
)
def test_signatures_with_do_alone(name: str, qtype: str, plain: Kinds, signed: Kinds) -> None:
    """Pitfall: signatures are for who asks for them."""
    assert kinds(ask(query(name, qtype))) == plain
    assert kinds(ask(query(name, qtype, edns=1232))) == plain
    assert kinds(ask(query(name, qtype, edns=1232, dnssec=True))) == signed


def test_the_negative_soa_and_its_signature_have_one_ttl() -> None:
    reply = ask(query("no.example.", "A", edns=1232, dnssec=True))
    assert [rrset.ttl for rrset in reply.authority] == [300, 300]


def test_ds_is_the_parents_where_both_are_here() -> None:
    """Pitfall: of a child on the same server the DS alone is the parent's."""
    reply = ask(query("sub.example.", "DS", edns=1232, dnssec=True), BOTH)
    assert kinds(reply)[0] == ["DS", "RRSIG"]
    assert reply.flags & dns.flags.AA
    assert ask(query("ns.sub.example.", "A"), BOTH).flags & dns.flags.AA


def test_ad_and_cd_are_clear() -> None:
    for name in ("www.example.", "no.example."):
        reply = ask(query(name, "A", flags=0x0130))
        assert reply.flags & (dns.flags.AD | dns.flags.CD | dns.flags.RA) == 0
        assert reply.flags & dns.flags.RD
