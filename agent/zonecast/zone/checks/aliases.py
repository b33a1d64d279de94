"""CNAME and DNAME: alone, and one of each (RFC 1034 §3.6.2, RFC 6672 §2.4)."""

from __future__ import annotations

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import node_of


def cname_and_other(facts: Facts) -> Findings:
    """An alias has no data of its own."""
    for key, rrset in facts.accompanied(rd.CNAME):
        others = [t for t in facts.contents.types_at(node_of(key)) if t not in rd.BESIDE_CNAME]
        if others:
            owner = facts.owner_text(rrset)
            types = ", ".join(map(rd.type_to_text, others))
            message = f"{owner} has a CNAME and other data ({types})"
            remedy = "keep the CNAME alone, or put what it points to in its place"
            yield facts.finding("cname-and-other", message, remedy, key)


def one_alias(facts: Facts) -> Findings:
    """A name is an alias of one name."""
    for kind, rtype in (("cname-multiple", rd.CNAME), ("dname-multiple", rd.DNAME)):
        for key, rrset in facts.of_type(rtype):
            if len(rrset.rdatas) > 1:
                what = rd.type_to_text(rtype)
                message = f"{facts.owner_text(rrset)} has {len(rrset.rdatas)} {what} records"
                yield facts.finding(kind, message, "keep one", key)


def beside_dname(facts: Facts) -> Findings:
    """A name below the top is rewritten or delegated, not both (RFC 6672 §2.3)."""
    for key, rrset in facts.of_type(rd.DNAME):
        if rrset.owner and facts.is_cut(node_of(key)):
            message = f"{facts.owner_text(rrset)} has a DNAME and NS records"
            yield facts.finding("dname-and-ns", message, "keep one of them", key)


def below_dname(facts: Facts) -> Findings:
    """What is below a DNAME is never answered (RFC 6672 §2.4), but for what proves that nothing
    else is there. Said once a name."""
    if facts.whole and not facts.of_type(rd.DNAME):
        return
    for key, rrset in facts.subject.items():
        node = node_of(key)
        if facts.below_dname(node) and facts.below_cut(node) is None:
            types = [t for t in facts.contents.types_at(node) if t not in (rd.RRSIG, rd.NSEC3)]
            if types[:1] == [rrset.rtype]:
                message = f"{facts.owner_text(rrset)} is below a DNAME, which hides it"
                yield facts.finding("below-dname", message, "remove one of them", key)
