"""Rules across the zones of a repository: what one zone says of a name that another one holds.

They run over `ZoneFacts` (`zone_facts.py`), a small value a zone, and not over the zones.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.checks.senders import lookups
from zonecast.zone.checks.zone_facts import ZoneFacts
from zonecast.zone.findings import Finding, Position
from zonecast.zone.ignored import is_ignored
from zonecast.zone.policy import Policy

_V4, _V6 = b"\x07in-addr\x04arpa\x00", b"\x03ip6\x04arpa\x00"
_SPF_LIMIT = 10

# The facts of every zone by its lower-cased origin; those of a zone may be made when asked for.
AllFacts = Mapping[bytes, ZoneFacts]


def check_across(origins: Iterable[bytes], facts: AllFacts, policy: Policy) -> list[Finding]:
    """What the rules across zones say of the zones in `origins` (lower-cased) among all of
    `facts`, at the policy's levels, those that a comment ignores left out."""
    if len(facts) < 2:
        return []
    found = []
    for origin in origins:
        one = facts[origin]
        findings = [item for rule in _RULES for item in rule(one, facts)]
        if findings:
            kept = [item for item in findings if not is_ignored(item, one.ignored)]
            found += policy.zone(origin).apply(kept)
    return found


def _holder(name: bytes, facts: AllFacts) -> ZoneFacts | None:
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


def _dangling(zone: ZoneFacts, facts: AllFacts) -> Iterator[Finding]:
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


def _lame(zone: ZoneFacts, facts: AllFacts) -> Iterator[Finding]:
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


def _reverse(zone: ZoneFacts, facts: AllFacts) -> Iterator[Finding]:
    """A pointer to a host here that has other addresses alone."""
    for owner, targets in zone.pointers.items():
        address = _address(owner)
        if address is None:
            continue
        for name, position in targets:
            holder = _holder(name, facts)
            source = None if holder is None else _source(name, holder)
            if holder is None or source is None or source in holder.aliases:
                continue
            if address not in holder.hosts.get(source, ()):
                host = names.to_text(name)
                message = f"{ip_address(address)} points to {host}, which has not that address"
                remedy = f"add it in {names.to_text(holder.origin)}, or mend the pointer"
                yield _finding("reverse-differs", position, message, remedy, zone)


def _unpointed(zone: ZoneFacts, facts: AllFacts) -> Iterator[Finding]:
    """An address here that a reverse zone here covers and has no pointer for."""
    for wanted in zone.reverse:
        holder = _holder(wanted.name, facts)
        if holder is None or _source(wanted.name, holder) is not None:
            continue
        owner, _, address = wanted.owner.partition(" ")
        reverse = names.to_text(holder.origin)
        if reverse.endswith((".in-addr.arpa.", ".ip6.arpa.")):
            message = f"{owner} has the address {address}, which has no PTR record in {reverse}"
            remedy = f"add there: {names.to_text(wanted.name)} PTR {owner}"
            yield _finding("pointer-missing", wanted.position, message, remedy, zone)


def _senders(zone: ZoneFacts, facts: AllFacts) -> Iterator[Finding]:
    """An SPF record that takes too many look-ups with those of the other zones' records that it
    includes; the zone's own rule has said it where they are too many without (RFC 7208 §4.6.4)."""

    def record(name: bytes) -> str | None:
        holder = _holder(name, facts)
        source = None if holder is None else _source(name, holder)
        found = None if holder is None or source is None else holder.senders.get(source)
        return None if found is None else found[0]

    def own(name: bytes) -> str | None:
        return zone.senders[name][0] if name in zone.senders else None

    for owner, (text, position) in zone.senders.items():
        count = lookups(owner, text, record)
        if count > _SPF_LIMIT >= lookups(owner, text, own):
            message = (
                f"the SPF record of {names.to_text(owner)} takes {count} look-ups with those of "
                f"other zones here, {_SPF_LIMIT} at most"
            )
            remedy = "put ip4: and ip6: in place of names, or leave some out"
            yield _finding("spf-lookups", position, message, remedy, zone)


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


_RULES = (_dangling, _lame, _reverse, _unpointed, _senders)
