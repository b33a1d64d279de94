"""CNAME and DNAME: alone, and one of each (RFC 1034 §3.6.2, RFC 6672 §2.4)."""

from __future__ import annotations

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import node_of

# What may stand beside a CNAME: what signs it and proves it (RFC 4034 §§3, 4), and a KEY, which
# RFC 3007 §3.1.1 lets clients use and named accepts.
_BESIDE_CNAME = frozenset((rd.CNAME, rd.RRSIG, rd.NSEC, rd.SIG, rd.NXT, 25))


def cname_and_other(facts: Facts) -> Findings:
    """An alias has no data of its own."""
    for key, rrset in facts.accompanied(rd.CNAME):
        others = [t for t in facts.contents.types_at(node_of(key)) if t not in _BESIDE_CNAME]
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
