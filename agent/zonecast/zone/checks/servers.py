"""The hosts that NS records name: the zone's own servers and those of its delegations."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.findings import Finding
from zonecast.zone.rrset import NS_KEY, RRset, node_of


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
    for key, rrset in facts.of_type(rd.NS):
        if not rrset.owner or facts.below_cut(node_of(key)) is not None:
            continue
        if facts.below_dname(node_of(key)):
            continue
        for rdata in rrset.rdatas:
            yield from _delegation(facts, key, rrset, rdata)


def _delegation(facts: Facts, key: bytes, rrset: RRset, rdata: bytes) -> Findings:
    node = facts.node_inside(rdata)
    if node is None:
        return
    owner, target = facts.owner_text(rrset), names.to_text(rdata)
    if facts.cut_at_or_above(node) is not None:
        if not facts.has_address(node):
            yield _glue(facts, owner, key, rdata)
        return
    source = facts.source(node)
    if source is not None and facts.rrset(source, rd.CNAME):
        message = f"{owner} is delegated to {target}, which is a CNAME"
        yield facts.finding("delegation-is-cname", message, "name the host itself", key, rdata)
    elif source is None or not facts.has_address(source):
        message = f"{owner} is delegated to {target}, which has no address"
        remedy = "add its A or AAAA record"
        yield facts.finding("delegation-no-address", message, remedy, key, rdata)


def _glue(facts: Facts, owner: str, key: bytes, rdata: bytes) -> Finding:
    target = names.to_text(rdata)
    message = f"{owner} has the server {target}, whose address (glue) is missing"
    return facts.finding("glue-missing", message, f"add {target} A or AAAA", key, rdata)


def wildcard_ns(facts: Facts) -> Findings:
    """A delegation at a wildcard means something else to every server (RFC 4592 §4.2)."""
    for key, rrset in facts.of_type(rd.NS):
        if rrset.owner[:2] == b"\x01*":
            message = f"{facts.owner_text(rrset)} is a wildcard with NS records"
            yield facts.finding("wildcard-ns", message, "delegate names one by one", key)


def ds_without_ns(facts: Facts) -> Findings:
    """DS records stand at delegations alone (RFC 4035 §2.4)."""
    for key, rrset in facts.of_type(rd.DS):
        if rrset.owner and not facts.is_cut(node_of(key)):
            message = f"{facts.owner_text(rrset)} has a DS record and no NS records"
            yield facts.finding("ds-without-ns", message, "delegate it or remove the DS", key)
