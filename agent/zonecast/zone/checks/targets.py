"""The hosts that MX, SRV and CNAME records point to, where they are in this zone."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.checks.slips import is_address, is_undotted
from zonecast.zone.rrset import node_of

_HOSTS = (("mx", rd.MX), ("srv", rd.SRV))


def hosts(facts: Facts) -> Findings:
    """A mail exchanger or service host has addresses and is no alias (RFC 2181 §10.3)."""
    for prefix, rtype in _HOSTS:
        for key, rrset in facts.of_type(rtype):
            if facts.cut_at_or_above(node_of(key)) is not None:
                continue
            for rdata in rrset.rdatas:
                target = rd.names(rtype, rdata)[0]
                if is_address(facts, target) or is_undotted(facts, rtype, target):
                    continue  # what is wrong with it has an id of its own
                problem = _host_problem(facts, target)
                if problem is not None:
                    kind, said, remedy = problem
                    owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                    message = f"{owner} points to {names.to_text(target)}, which {said}"
                    yield facts.finding(f"{prefix}-{kind}", message, remedy, key, rdata)


def _host_problem(facts: Facts, target: bytes) -> tuple[str, str, str] | None:
    node = facts.node_inside(target)
    if target == names.ROOT or node is None or facts.cut_at_or_above(node) is not None:
        return None
    if facts.below_dname(node):
        return "is-cname", "is below a DNAME", "name the host itself"
    source = facts.source(node)
    if source is not None and facts.rrset(source, rd.CNAME):
        return "is-cname", "is a CNAME", "name the host itself"
    if source is None or not facts.has_address(source):
        return "no-address", "has no address", "add its A or AAAA record"
    return None


def dangling_aliases(facts: Facts) -> Findings:
    """An alias of a name that does not exist here."""
    for key, rrset in facts.of_type(rd.CNAME):
        if facts.cut_at_or_above(node_of(key)) is not None:
            continue
        for rdata in rrset.rdatas:
            node = facts.node_inside(rdata)
            if node is None or facts.cut_at_or_above(node) is not None:
                continue
            if is_address(facts, rdata) or is_undotted(facts, rd.CNAME, rdata):
                continue
            below_dname = facts.below_dname(node)
            if not below_dname and facts.source(node) is None:
                target = names.to_text(rdata)
                message = f"{facts.owner_text(rrset)} is an alias of {target}, which does not exist"
                remedy = "add it, or mend the name (a missing final dot?)"
                yield facts.finding("dangling-target", message, remedy, key, rdata)
