"""Slips of the pen: a missing final dot, an address where a name belongs, names that look alike."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.contents import Contents
from zonecast.zone.names import node_key
from zonecast.zone.rrset import node_of

_TARGETS = (rd.NS, rd.CNAME, rd.DNAME, rd.MX, rd.SRV, rd.PTR)
_HOSTS = (rd.NS, rd.CNAME, rd.MX, rd.SRV)
# Where the target starts in the rdata of these types; it is the last field of each.
_START = {rd.MX: 2, rd.SRV: 6}
_DIGITS = frozenset(b"%d" % digit for digit in range(10))


def is_undotted(facts: Facts, rtype: int, target: bytes) -> bool:
    """Whether a target was meant to end where the file's author stopped writing: it has the
    zone's name twice at its end, or is a host's name in a reverse zone."""
    lowered, origin = target.lower(), facts.lowered_origin
    if origin == names.ROOT or not lowered.endswith(origin):
        return False
    twice = lowered.endswith(origin[:-1] + origin)
    pointer = rtype == rd.PTR and facts.in_reverse_tree
    return (twice or pointer) and not facts.exists(node_key(lowered[: -len(origin)]))


def is_address(facts: Facts, target: bytes) -> bool:
    """Whether a target is an IPv4 address, with the zone's name after it or not."""
    if target[1:2] not in _DIGITS:
        return False
    inside = names.relative(target, facts.origin)
    for name in (target, inside):
        labels = names.labels(name) if name else []
        if len(labels) == 4 and all(label.isdigit() and int(label) < 256 for label in labels):
            return not facts.in_reverse_tree
    return False


def is_a_slip(facts: Facts, rtype: int, target: bytes) -> bool:
    """Whether what is wrong with a target has an id of its own here."""
    return is_address(facts, target) or is_undotted(facts, rtype, target)


def undotted_targets(facts: Facts) -> Findings:
    """A target that lacks its final dot."""
    for rtype in _TARGETS:
        start = _START.get(rtype, 0)
        targets = facts.doubtful(rtype, start)
        undotted = {target for target in targets if is_undotted(facts, rtype, target)}
        for key, rrset, rdata, target in facts.records(rtype, undotted, start):
            owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
            message = f"{owner} points to {names.to_text(target)}"
            yield facts.finding("missing-final-dot", message, "end the name with a dot", key, rdata)


def undotted_owners(facts: Facts) -> Findings:
    """An owner that lacks its final dot: the first below the zone's own name, twice."""
    for key in facts.survey.twice[:1]:
        message = f"the record is of {facts.owner_text(facts.subject[key])}"
        yield facts.finding("missing-final-dot", message, "end the name with a dot", key)


def has_undotted_owners(contents: Contents) -> bool:
    """Whether a zone has records below its own name, twice."""
    origin = contents.origin
    return origin != names.ROOT and contents.exists(node_key(origin[:-1]))


def address_targets(facts: Facts) -> Findings:
    """An address where a host's name belongs (RFC 1035 §3.3.9)."""
    for rtype in _HOSTS:
        start = _START.get(rtype, 0)
        addresses = {t for t in facts.distinct(rtype, start) if is_address(facts, t)}
        for key, rrset, rdata, target in facts.records(rtype, addresses, start):
            owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
            message = f"{owner} points to {names.to_text(target)}, which is an address"
            remedy = "name the host that has it"
            yield facts.finding("target-is-address", message, remedy, key, rdata)


def underscores(facts: Facts) -> Findings:
    """Two names that differ by an underscore: one of them is a slip. Said at the first RRset."""
    first: dict[bytes, bytes] = {}
    for key in facts.survey.underscored:
        first.setdefault(node_of(key), key)
    alike = {node: _without_underscores(node) for node in first}
    there = facts.occupied({other for others in alike.values() for other in others})
    for node, key in first.items():
        other = next((other for other in alike[node] if other in there), None)
        if other is not None:
            owner = facts.owner_text(facts.subject[key])
            shown = names.owner_text(names.owner_of_node(other), facts.origin)
            message = f"{owner} and {shown} differ by an underscore alone"
            yield facts.finding("name-underscore", message, "remove one", key)


def _without_underscores(node: bytes) -> list[bytes]:
    """The nodes of the names that one is easily mistaken for: no label starts with an underscore,
    or each underscore is a hyphen."""
    plain = b"\x00".join([label.lstrip(b"_") or label for label in node.split(b"\x00")])
    return [other for other in (plain, node.replace(b"_", b"-")) if other != node]


def spellings(facts: Facts) -> Findings:
    """One name in capitals and in small letters: they are the same name (RFC 4343)."""
    seen: dict[bytes, bytes] = {}
    for key, rrset in facts.subject.items():
        if seen.setdefault(node_of(key), rrset.owner) != rrset.owner:
            message = f"{facts.owner_text(rrset)} is written in another case elsewhere"
            yield facts.finding("name-case", message, "write it one way", key)
