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
_REVERSE = (b"\x07in-addr\x04arpa\x00", b"\x03ip6\x04arpa\x00")


def is_undotted(facts: Facts, rtype: int, target: bytes) -> bool:
    """Whether a target was meant to end where the file's author stopped writing: it has the
    zone's name twice at its end, or is a host's name in a reverse zone."""
    lowered, origin = target.lower(), facts.origin.lower()
    if origin == names.ROOT or not lowered.endswith(origin):
        return False
    twice = lowered.endswith(origin[:-1] + origin)
    pointer = rtype == rd.PTR and origin.endswith(_REVERSE)
    return (twice or pointer) and not facts.exists(node_key(lowered[: -len(origin)]))


def is_address(facts: Facts, target: bytes) -> bool:
    """Whether a target is an IPv4 address, with the zone's name after it or not."""
    if not target[1:2].isdigit():
        return False
    inside = names.relative(target, facts.origin)
    for name in (target, inside):
        labels = names.labels(name) if name else []
        if len(labels) == 4 and all(label.isdigit() and int(label) < 256 for label in labels):
            return not facts.origin.lower().endswith(_REVERSE)
    return False


def undotted_targets(facts: Facts) -> Findings:
    """A target that lacks its final dot."""
    for rtype in _TARGETS:
        for key, rrset in facts.of_type(rtype):
            for rdata in rrset.rdatas:
                target = rdata[_START.get(rtype, 0) :]
                if is_undotted(facts, rtype, target):
                    owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                    message = f"{owner} points to {names.to_text(target)}"
                    remedy = "end the name with a dot"
                    yield facts.finding("missing-final-dot", message, remedy, key, rdata)


def undotted_owners(facts: Facts) -> Findings:
    """An owner that lacks its final dot: the first below the zone's own name, twice."""
    if facts.origin == names.ROOT:
        return
    twice = node_key(facts.origin[:-1])
    for key, rrset in facts.subject.items():
        if key.startswith(twice):
            message = f"the record is of {facts.owner_text(rrset)}"
            yield facts.finding("missing-final-dot", message, "end the name with a dot", key)
            return


def has_undotted_owners(contents: Contents) -> bool:
    """Whether a zone has records below its own name, twice."""
    origin = contents.origin
    return origin != names.ROOT and contents.exists(node_key(origin[:-1]))


def address_targets(facts: Facts) -> Findings:
    """An address where a host's name belongs (RFC 1035 §3.3.9)."""
    for rtype in _HOSTS:
        for key, rrset in facts.of_type(rtype):
            for rdata in rrset.rdatas:
                target = rdata[_START.get(rtype, 0) :]
                if is_address(facts, target):
                    owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                    message = f"{owner} points to {names.to_text(target)}, which is an address"
                    remedy = "name the host that has it"
                    yield facts.finding("target-is-address", message, remedy, key, rdata)


def underscores(facts: Facts) -> Findings:
    """Two names that differ by an underscore: one of them is a slip."""
    for key, rrset in facts.subject.items():
        if b"_" not in key:
            continue
        node = node_of(key)
        if facts.nodes[node][0] != rrset.rtype:
            continue  # said at the node's first RRset
        owner = rrset.owner.lower()
        plain = b"".join(
            bytes([len(label)]) + label
            for written in names.labels(owner)
            for label in (written.lstrip(b"_") or written,)
        )
        for other in {plain, owner.replace(b"_", b"-")} - {owner}:
            if node_key(other) in facts.nodes:
                there = names.owner_text(other, facts.origin)
                message = f"{facts.owner_text(rrset)} and {there} differ by an underscore alone"
                yield facts.finding("name-underscore", message, "remove one", key)
                break


def spellings(facts: Facts) -> Findings:
    """One name in capitals and in small letters: they are the same name (RFC 4343)."""
    seen: dict[bytes, bytes] = {}
    for key, rrset in facts.subject.items():
        if seen.setdefault(node_of(key), rrset.owner) != rrset.owner:
            message = f"{facts.owner_text(rrset)} is written in another case elsewhere"
            yield facts.finding("name-case", message, "write it one way", key)
