"""Safety rails: a step that does so much that somebody has to say it is meant.

Judged beside the gate, against what is published, by the rails of the last *published* policy: a
commit does not judge itself. What the two shares count:

- A record is an owner, a type and rdata. The SOA does not count, nor does what signing makes anew
  each time (RRSIG, NSEC, NSEC3, NSEC3PARAM, ZONEMD), neither in the step nor in the zone's size.
- Of an RRset that loses and gains records, each one gained makes one lost a *changed* record;
  what else is lost is *deleted*. A record that stays under another TTL is changed.
- Each share is of the records of the published version, where it has ten or more; records that
  are only added count nowhere.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.changeset import Changeset
from zonecast.zone.findings import Finding, Position
from zonecast.zone.permits import ALLOWABLE, TRAILER, Permit, stray_text
from zonecast.zone.policy import Floors, Rails
from zonecast.zone.rrset import NS_KEY, RRset, Zone
from zonecast.zone.zonefile import Parsed

# The shares are judged in zones of so many records: of fewer, each one is a big part.
SMALLEST = 10

_ZONEMD = 63
NO_FLOORS = Floors()
_NOT_COUNTED = frozenset((rd.SOA, rd.RRSIG, rd.NSEC, rd.NSEC3, rd.NSEC3PARAM, _ZONEMD))


class Tally(NamedTuple):
    """How many records a step deletes and how many it changes."""

    deleted: int
    changed: int


def tally(changeset: Changeset) -> Tally:
    """What a changeset does to the records that were there."""
    added = {rrset.key: rrset for rrset in changeset.added}
    deleted = changed = 0
    for rrset in changeset.deleted:
        if rrset.rtype in _NOT_COUNTED:
            continue
        was, now = _contents(rrset), _contents(added.get(rrset.key))
        lost, gained, kept = len(was - now), len(now - was), len(was & now)
        changed += min(lost, gained) + kept
        deleted += max(lost - gained, 0)
    return Tally(deleted, changed)


def counted(zone: Zone) -> int:
    """The records of a zone of which the shares are taken."""
    return sum(len(r.rdatas) for r in zone.rrsets.values() if r.rtype not in _NOT_COUNTED)


def rail_findings(
    changeset: Changeset,
    records: Callable[[], int],
    new: Parsed,
    rails: Rails,
    permit: Callable[[], Permit],
    floors: Floors = NO_FLOORS,
) -> list[Finding]:
    """What the policy's rails, over the agent's `floors`, say of a step from a published version to
    `new`, and its `permit` does not allow.

    `records` gives what `counted` does for the published version. Both are asked only where so
    much is touched that it matters. A zone that is new passes.
    """
    if changeset.old_soa is None:
        return []
    found: list[tuple[str, Position, str]] = []
    done = tally(changeset)
    over = floors.over(rails)
    for kind, count, share, allowed, verb in (
        ("mass-delete", done.deleted, over.max_delete, rails.max_delete, "deleted"),
        ("mass-update", done.changed, over.max_update, rails.max_update, "changed"),
    ):
        if count > share * SMALLEST:
            size = records()
            if size >= SMALLEST and count > share * size:
                message = (
                    f"{count} of {size} records are {verb}, {100 * count / size:.3g} %: more than "
                    f"the {100 * share:.3g} % that {_who(share < allowed)} allows"
                )
                found.append((kind, Position(new.path), message))
    moved = _name_servers(changeset) if over.apex_ns else ""
    if moved:
        moved += _in_spite(rails.apex_ns)
        found.append(("apex-ns-change", new.position(NS_KEY), moved))
    origin = changeset.origin
    return [
        _stopped(kind, place, message, origin, permit())
        for kind, place, message in found
        if not permit().allows(kind, origin)
    ]


def _name_servers(changeset: Changeset) -> str:
    """How the set of the apex's name servers changes; "" where it does not."""
    was, now = (
        {_lower(name) for rrset in rrsets if rrset.key == NS_KEY for name in rrset.rdatas}
        for rrsets in (changeset.deleted, changeset.added)
    )
    gone, come = sorted(was - now), sorted(now - was)
    said = [f"without {name}" for name in gone] + [f"with {name}" for name in come]
    return f"the zone's name servers change: {', '.join(said)}" if said else ""


def _lower(rdata: bytes) -> str:
    return names.to_text(rdata.lower())


def removal_findings(
    origin: bytes, path: str, rails: Rails, floors: Floors, permit: Permit
) -> list[Finding]:
    """What the policy's rails, over the agent's floors, say of a commit without this zone, which
    was published from `path`."""
    zone = names.to_text(origin)
    place = Position(path)
    if origin.lower() in floors.protected:
        message = f"{zone} is gone, and the agent's configuration protects it: it stays served"
        remedy = "restore the file, or take the zone out of 'protected' under [rails] there"
        return [finding("zone-protected", place, message, remedy, zone)]
    if not floors.over(rails).removal or permit.allows("zone-removed", origin):
        return []
    message = f"the zone {zone} is removed{_in_spite(rails.removal)}"
    return [_stopped("zone-removed", place, message, origin, permit)]


def _who(floor: bool) -> str:
    return "the agent's configuration" if floor else "the policy"


def _in_spite(by_policy: bool) -> str:
    """What is said of a rail that the policy switches off, and the agent on."""
    return "" if by_policy else ", which the agent's configuration stops and not the policy"


def history_finding(published: str, commit: str) -> Finding:
    """The finding for a `commit` that does not contain the one that was `published` last."""
    message = f"commit {commit[:12]} does not contain {published[:12]}, which is published"
    remedy = (
        "git pull --rebase, then push without --force; to go back to old content, commit it again "
        f"under a higher serial; where it is meant, on the server: zonecast approve {commit}"
    )
    return finding("history-rewritten", Position("history"), message, remedy, "")


def stray_findings(permit: Permit) -> list[Finding]:
    """Warnings for the trailers that allow nothing, since they cannot be read."""
    found = []
    for value, stray in permit.strays():
        message = stray_text(value, stray)
        rails = ", ".join(ALLOWABLE)
        remedy = f"write rails ({rails}), then the zones, in one more commit: --allow-empty"
        found.append(finding("trailer-unread", Position(TRAILER), message, remedy, ""))
    return found


def _stopped(kind: str, place: Position, message: str, origin: bytes, permit: Permit) -> Finding:
    return finding(kind, place, message, permit.remedy(kind, origin), names.to_text(origin))


def _contents(rrset: RRset | None) -> set[bytes]:
    if rrset is None:
        return set()
    return {rd.canonical(rrset.rtype, rdata) for rdata in rrset.rdatas}
