"""The hosts that MX, SRV and CNAME records point to, where they are in this zone."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.checks.slips import is_a_slip
from zonecast.zone.rrset import node_of

# Where the host's name starts in the rdata: it is the last field.
_HOSTS = (("mx", rd.MX, 2), ("srv", rd.SRV, 6))


def hosts(facts: Facts) -> Findings:
    """A mail exchanger or service host has addresses and is no alias (RFC 2181 §10.3)."""
    for prefix, rtype, start in _HOSTS:
        problems = {}
        for target, node in facts.doubtful(rtype, start).items():
            if node is None or target == names.ROOT:
                continue  # another zone's, or none at all
            problem = _host_problem(facts, node)
            if problem is not None and not is_a_slip(facts, rtype, target):
                problems[target] = problem
        for key, rrset, rdata, target in facts.records(rtype, problems, start):
            if facts.cut_at_or_above(node_of(key)) is None:
                kind, said, remedy = problems[target]
                owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                message = f"{owner} points to {names.to_text(target)}, which {said}"
                yield facts.finding(f"{prefix}-{kind}", message, remedy, key, rdata)


def _host_problem(facts: Facts, node: bytes) -> tuple[str, str, str] | None:
    if facts.cut_at_or_above(node) is not None:
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
    gone = {
        target
        for target in facts.doubtful(rd.CNAME)
        if dangles(facts, target) and not is_a_slip(facts, rd.CNAME, target)
    }
    for key, rrset, rdata, _ in facts.records(rd.CNAME, gone):
        if facts.cut_at_or_above(node_of(key)) is None:
            target = names.to_text(rdata)
            message = f"{facts.owner_text(rrset)} is an alias of {target}, which does not exist"
            remedy = "add it, or mend the name (a missing final dot?)"
            yield facts.finding("dangling-target", message, remedy, key, rdata)


def dangles(facts: Facts, target: bytes) -> bool:
    """Whether a name would be in this zone, and is not."""
    node = facts.node_inside(target)
    if node is None or facts.has_address(node) or facts.source(node) is not None:
        return False
    return facts.cut_at_or_above(node) is None and not facts.below_dname(node)
