"""SVCB and HTTPS records that fit together (RFC 9460). A record's own parameters are read, and
refused, with its text."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.checks.targets import dangles
from zonecast.zone.rrset import node_of

_ALIAS = b"\0\0"  # the priority of an alias


def aliases(facts: Facts) -> Findings:
    """An alias stands alone: clients ignore what is beside it (RFC 9460 §2.4.1)."""
    for rtype in (rd.SVCB, rd.HTTPS):
        for key, rrset in facts.of_type(rtype):
            if len(rrset.rdatas) > 1:
                alone = [rdata for rdata in rrset.rdatas if rdata[:2] == _ALIAS]
                if alone:
                    owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                    message = f"{owner} has an alias (priority 0) and other records"
                    yield facts.finding("svcb-alias", message, "keep one kind", key, alone[0])


def targets(facts: Facts) -> Findings:
    """A service's host that would be in this zone exists, and an alias is not of itself."""
    for rtype in (rd.SVCB, rd.HTTPS):
        named = {
            rdata: rd.names(rtype, rdata)[0]
            for rdata in facts.distinct(rtype)
            if rdata[2]  # else the root, which stands for the owner or for none
        }
        wrong = {
            rdata: target
            for rdata, target in named.items()
            if rdata[:2] == _ALIAS or dangles(facts, target)
        }
        for key, rrset, rdata, _ in facts.records(rtype, wrong):
            target = wrong[rdata]
            owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
            if facts.cut_at_or_above(node_of(key)) is not None:
                continue
            if rdata[:2] == _ALIAS and facts.node_inside(target) == node_of(key):
                message = f"{owner} is an alias of itself"
                yield facts.finding("svcb-alias", message, "name another", key, rdata)
            elif dangles(facts, target):
                message = f"{owner} points to {names.to_text(target)}, which does not exist"
                remedy = "add it, or mend the name (a missing final dot?)"
                yield facts.finding("dangling-target", message, remedy, key, rdata)
