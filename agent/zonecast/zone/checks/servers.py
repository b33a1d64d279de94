"""The hosts that NS records name: the zone's own servers and those of its delegations."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.findings import Finding
from zonecast.zone.rrset import NS_KEY, node_of


def own_servers(facts: Facts) -> Findings:
    """A server of this zone that is named in it must have an address here."""
    rrset = facts.subject.get(NS_KEY)
    for rdata in () if rrset is None else rrset.rdatas:
        node = facts.node_inside(rdata)
        if node is None:
            continue
        cut = facts.cut_at_or_above(node)
        if cut is not None:
            if not facts.has_address(node):
                yield _glue(facts, facts.origin_text, NS_KEY, rdata)
            continue
        target = names.to_text(rdata)
        source = facts.source(node)
        if facts.below_dname(node):
            message = f"server {target} is below a DNAME"
            yield facts.finding("ns-below-dname", message, "name another host", NS_KEY, rdata)
        elif source is not None and facts.rrset(source, rd.CNAME):
            message = f"server {target} is a CNAME"
            yield facts.finding("ns-is-cname", message, "name the host itself", NS_KEY, rdata)
        elif source is None or not facts.has_address(source):
            message = f"server {target} has no address"
            remedy = "add its A or AAAA record"
            yield facts.finding("ns-no-address", message, remedy, NS_KEY, rdata)


def delegations(facts: Facts) -> Findings:
    """A delegation to a host inside this zone, or inside the child, needs its address here."""
    wrong = {}
    for target, node in facts.doubtful(rd.NS).items():
        problem = None if node is None else _server_problem(facts, node)
        if problem is not None:
            wrong[target] = problem
    for key, rrset, rdata, _ in facts.records(rd.NS, wrong):
        node = node_of(key)
        if not node or facts.below_cut(node) is not None or facts.below_dname(node):
            continue
        owner, named, kind = facts.owner_text(rrset), names.to_text(rdata), wrong[rdata]
        if kind == "glue-missing":
            yield _glue(facts, owner, key, rdata)
        elif kind == "delegation-is-cname":
            message = f"{owner} is delegated to {named}, which is a CNAME"
            yield facts.finding(kind, message, "name the host itself", key, rdata)
        else:
            message = f"{owner} is delegated to {named}, which has no address"
            yield facts.finding(kind, message, "add its A or AAAA record", key, rdata)


def _server_problem(facts: Facts, node: bytes) -> str | None:
    """The id of what is wrong with a child's server as such."""
    if facts.cut_at_or_above(node) is not None:
        return None if facts.has_address(node) else "glue-missing"
    source = facts.source(node)
    if source is not None and facts.rrset(source, rd.CNAME):
        return "delegation-is-cname"
    if source is None or not facts.has_address(source):
        return "delegation-no-address"
    return None


def _glue(facts: Facts, owner: str, key: bytes, rdata: bytes) -> Finding:
    target = names.to_text(rdata)
    message = f"{owner} has the server {target}, whose address (glue) is missing"
    return facts.finding("glue-missing", message, f"add {target} A or AAAA", key, rdata)


def wildcard_ns(facts: Facts) -> Findings:
    """A delegation at a wildcard means something else to every server (RFC 4592 §4.2)."""
    for key in facts.survey.starred:
        rrset = facts.subject[key]
        if rrset.rtype == rd.NS and rrset.owner[:2] == b"\x01*":
            message = f"{facts.owner_text(rrset)} is a wildcard with NS records"
            yield facts.finding("wildcard-ns", message, "delegate names one by one", key)


def ds_without_ns(facts: Facts) -> Findings:
    """DS records stand at delegations alone (RFC 4035 §2.4)."""
    for key, rrset in facts.of_type(rd.DS):
        if rrset.owner and facts.contents.get(key[:-2] + NS_KEY[-2:]) is None:
            message = f"{facts.owner_text(rrset)} has a DS record and no NS records"
            yield facts.finding("ds-without-ns", message, "delegate it or remove the DS", key)
