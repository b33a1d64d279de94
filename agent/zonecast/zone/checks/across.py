"""Rules across the zones of a repository: what one zone says of a name that another one holds.

They run over `ZoneFacts`, a small value a zone, and not over the zones: what was extracted once
from a file stays true until the file changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.checks.facts import Facts
from zonecast.zone.findings import Finding, Position, errors
from zonecast.zone.ignored import is_ignored
from zonecast.zone.names import parent_node
from zonecast.zone.policy import Policy
from zonecast.zone.rrset import NS_KEY, node_of
from zonecast.zone.zonefile import Parsed

_POINTING = (rd.NS, rd.CNAME, rd.MX, rd.SRV, rd.PTR)
_V4, _V6 = b"\x07in-addr\x04arpa\x00", b"\x03ip6\x04arpa\x00"


class Target(NamedTuple):
    """A name that a record points to and its zone does not answer for, in lower case."""

    rtype: int
    owner: str
    name: bytes
    position: Position


class Delegation(NamedTuple):
    """The servers that a zone or its parent names for it, in lower case."""

    servers: frozenset[bytes]
    position: Position


class ZoneFacts(NamedTuple):
    """What other zones' rules want to know of a zone; every name absolute and in lower case.
    `present` has the names that exist, empty non-terminals included, `aliases` those with a CNAME,
    `hosts` those with addresses (as in rdata), `pointers` a PTR record's owner to its targets."""

    origin: bytes
    whole: bool
    present: frozenset[bytes]
    aliases: frozenset[bytes]
    hosts: Mapping[bytes, tuple[bytes, ...]]
    pointers: Mapping[bytes, tuple[tuple[bytes, Position], ...]]
    targets: tuple[Target, ...]
    servers: Delegation | None
    cuts: Mapping[bytes, Delegation]
    dnames: frozenset[bytes]


def extract(parsed: Parsed) -> ZoneFacts:
    """The facts of a zone. `whole` is false where a record could not be read: then nothing is
    said of what it lacks."""
    facts = Facts(parsed)
    origin = facts.origin.lower()

    def absolute(node: bytes) -> bytes:
        return names.owner_of_node(node) + origin

    hosts: dict[bytes, tuple[bytes, ...]] = {}
    for key, rrset in facts.zone.rrsets.items():
        if rrset.rtype in (rd.A, rd.AAAA):
            name = absolute(node_of(key))
            hosts[name] = hosts.get(name, ()) + rrset.rdatas
    own = facts.zone.rrsets.get(NS_KEY)
    return ZoneFacts(
        origin,
        not errors(parsed.findings),
        frozenset(map(absolute, _with_parents(facts.nodes))),
        frozenset(absolute(node_of(key)) for key, _ in facts.of_type(rd.CNAME)),
        hosts,
        {
            absolute(node_of(key)): tuple(
                (rdata.lower(), parsed.position(key, rdata)) for rdata in rrset.rdatas
            )
            for key, rrset in facts.of_type(rd.PTR)
        },
        tuple(_targets(facts)),
        None
        if own is None
        else Delegation(frozenset(map(bytes.lower, own.rdatas)), parsed.position(NS_KEY)),
        {
            absolute(node_of(key)): Delegation(
                frozenset(map(bytes.lower, rrset.rdatas)), parsed.position(key)
            )
            for key, rrset in facts.of_type(rd.NS)
            if rrset.owner
        },
        frozenset(map(absolute, facts.dnames)),
    )


def _with_parents(nodes: Iterable[bytes]) -> set[bytes]:
    found = {b""}
    for node in nodes:
        while node not in found:
            found.add(node)
            node = parent_node(node)
    return found


def _targets(facts: Facts) -> Iterator[Target]:
    for rtype in _POINTING:
        for key, rrset in facts.of_type(rtype):
            if rtype != rd.NS and facts.cut_at_or_above(node_of(key)) is not None:
                continue
            owner = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
            for rdata in rrset.rdatas:
                name = rd.names(rtype, rdata)[0].lower()
                node = facts.node_inside(name)
                if name == names.ROOT:
                    continue
                if node is None or facts.cut_at_or_above(node) is not None:
                    yield Target(rtype, owner, name, facts.parsed.position(key, rdata))


def check_across(zones: Mapping[bytes, Parsed], policy: Policy) -> list[Finding]:
    """What the rules across zones say of these zones (by lower-cased origin), at the policy's
    levels, those that a comment ignores left out."""
    if len(zones) < 2:
        return []
    facts = {origin: extract(parsed) for origin, parsed in zones.items()}
    found = []
    for origin, one in facts.items():
        ignored = zones[origin].ignored
        findings = [*_dangling(one, facts), *_lame(one, facts), *_reverse(one, facts)]
        kept = [item for item in findings if not is_ignored(item, ignored)]
        found += policy.zone(origin).apply(kept)
    return found


def _holder(name: bytes, facts: Mapping[bytes, ZoneFacts]) -> ZoneFacts | None:
    """The zone that answers for a name: the deepest one here, unless the name is delegated from
    it, rewritten by it, or it could not be read as a whole."""
    above = names.suffixes(name)
    zone = next((facts[suffix] for suffix in above if suffix in facts), None)
    if zone is None or not zone.whole:
        return None
    inside = above[: above.index(zone.origin)]
    if any(suffix in zone.cuts for suffix in inside):
        return None
    return None if any(suffix in zone.dnames for suffix in inside[1:]) else zone


def _source(name: bytes, zone: ZoneFacts) -> bytes | None:
    """The name whose records a query for `name` gets (RFC 4592 §3.3)."""
    if name in zone.present:
        return name
    for suffix in names.suffixes(name)[1:]:
        if suffix in zone.present:
            wildcard = b"\x01*" + suffix
            return wildcard if wildcard in zone.present else None
    return None


def _dangling(zone: ZoneFacts, facts: Mapping[bytes, ZoneFacts]) -> Iterator[Finding]:
    """A record that points into another zone here, to nothing or to what it must not."""
    for target in zone.targets:
        holder = _holder(target.name, facts)
        if holder is None:
            continue
        source = _source(target.name, holder)
        host = target.rtype in (rd.NS, rd.MX, rd.SRV)
        shown = f"{target.owner} points to {names.to_text(target.name)}"
        where = names.to_text(holder.origin)
        kind = "dangling-target"
        if source is None:
            message = f"{shown}, which does not exist in {where}"
            remedy = "add it there, or mend the name"
        elif host and source in holder.aliases:
            kind, message = "target-is-alias", f"{shown}, a CNAME in {where}"
            remedy = "name the host itself"
        elif host and source not in holder.hosts:
            message = f"{shown}, which has no address in {where}"
            remedy = "add its A or AAAA record there"
        else:
            continue
        yield _finding(kind, target.position, message, remedy, zone)


def _lame(zone: ZoneFacts, facts: Mapping[bytes, ZoneFacts]) -> Iterator[Finding]:
    """A delegation to a child here that names other servers than the child does."""
    for name, cut in zone.cuts.items():
        child = facts.get(name)
        if child is None or child.servers is None or not child.whole:
            continue
        if cut.servers != child.servers.servers:
            differing = cut.servers ^ child.servers.servers
            shown = ", ".join(sorted(map(names.to_text, differing)))
            message = f"{names.to_text(name)} is delegated here to other servers than it names"
            remedy = f"name the same in both ({child.servers.position}): {shown}"
            yield _finding("delegation-differs", cut.position, message, remedy, zone)


def _reverse(zone: ZoneFacts, facts: Mapping[bytes, ZoneFacts]) -> Iterator[Finding]:
    """A pointer to a host here that has other addresses alone."""
    for owner, targets in zone.pointers.items():
        address = _address(owner)
        for name, position in targets if address is not None else ():
            holder = _holder(name, facts)
            source = None if holder is None else _source(name, holder)
            if holder is None or source is None or source in holder.aliases:
                continue
            if address not in holder.hosts.get(source, ()):
                host = names.to_text(name)
                message = f"{_shown(address)} points to {host}, which has not that address"
                remedy = f"add it in {names.to_text(holder.origin)}, or mend the pointer"
                yield _finding("reverse-differs", position, message, remedy, zone)


def _shown(address: bytes | None) -> str:
    assert address is not None
    return str(IPv4Address(address) if len(address) == 4 else IPv6Address(address))


def _address(owner: bytes) -> bytes | None:
    """The address that a name in a reverse tree stands for (RFC 1035 §3.5, RFC 3596 §2.5)."""
    labels = names.labels(owner)[:-2][::-1]
    if owner.endswith(_V4) and len(labels) == 4:
        if all(label.isdigit() and int(label) < 256 for label in labels):
            return bytes(map(int, labels))
    elif owner.endswith(_V6) and len(labels) == 32:
        try:
            return bytes.fromhex(b"".join(labels).decode("ascii"))
        except ValueError:
            return None
    return None


def _finding(kind: str, position: Position, message: str, remedy: str, zone: ZoneFacts) -> Finding:
    return finding(kind, position, message, remedy, names.to_text(zone.origin))
