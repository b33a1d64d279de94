"""What a hook asks: may this change become a commit, may this push become the branch?

Only zones that the change touches are judged, so that an old fault elsewhere never blocks. A
merge is judged after its first parent; its serials must be greater than the others' too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from zonecast.cli.hooks.serials import Wanted
from zonecast.cli.revisions import Files, read_zones, touched_zones
from zonecast.errors import RejectedError
from zonecast.zone.changeset import Changeset, diff
from zonecast.zone.collection import Collection, zone_files
from zonecast.zone.findings import Finding, errors
from zonecast.zone.gate import judge, serial_findings
from zonecast.zone.policy import POLICY_FILE, Policy, ZonePolicy
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Parsed


class Parent(NamedTuple):
    """What a version is compared with: its files, and the paths in which the two differ."""

    files: Files
    changed: set[str]


@dataclass
class Judged:
    """One zone that the change touches. `before` is the first parent's version, `step` the way
    from there; `above` are its serials in the parents from which it differs; `serials` the
    findings that a greater serial mends, `others` all others."""

    parsed: Parsed
    policy: ZonePolicy
    before: Zone | None = None
    step: Changeset | None = None
    above: list[int] = field(default_factory=list)
    serials: list[Finding] = field(default_factory=list)
    others: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All of them, each once."""
        return list(dict.fromkeys([*self.others, *self.serials]))

    @property
    def fixable(self) -> bool:
        """Whether a greater serial is all that is missing, and may be put in without asking."""
        return self.policy.serial.mode == "fix" and bool(self.serials) and not errors(self.others)

    def wanted(self) -> Wanted:
        """What raising the serial has to reach."""
        return Wanted(self.parsed, self.policy.serial.policy, self.above)


@dataclass
class Judgement:
    """The zones that a change touches, and findings that belong to no zone. `beside` are warnings
    about how zones fit together, which are no part of the verdict."""

    zones: dict[bytes, Judged] = field(default_factory=dict)
    unplaced: list[Finding] = field(default_factory=list)
    beside: list[Finding] = field(default_factory=list)

    @property
    def findings(self) -> list[Finding]:
        """All findings."""
        of_zones = (found for zone in self.zones.values() for found in zone.findings)
        return [*self.unplaced, *of_zones, *self.beside]


def judge_change(parents: Sequence[Parent], new: Files) -> Judgement:
    """Judge `new` after its parents, the first of which is the version that it replaces.

    Raises ConfigError for a broken policy, RejectedError where the policy file is deleted.
    """
    first = parents[0]
    policy = new.policy()
    if POLICY_FILE in first.files.paths and POLICY_FILE not in new.paths:
        raise policy_deleted("HEAD")
    touched = [touched_zones(parent.changed, new, policy) for parent in parents]
    # Changed files too whose name is no zone's: they are found fault with, not passed over.
    wanted = first.changed.union(*touched)
    collection = read_zones(new, policy, wanted.__contains__)
    judgement = Judgement(unplaced=collection.unplaced)
    for number, parent in enumerate(parents):
        origins = {collection.origins[path].lower() for path in touched[number]}
        before = versions_before(parent.files, policy, origins)
        for origin in origins & collection.zones.keys():
            zone = judgement.zones.setdefault(
                origin, Judged(collection.zones[origin], policy.zone(origin))
            )
            old = before.zones.get(origin)
            _add(zone, None if old is None else old.zone, checks=number == 0)
    if POLICY_FILE in first.changed:
        before = versions_before(first.files, policy, set(judgement.zones))
        _forgive(judgement, first, before, new)
    return judgement


def policy_deleted(kept_in: str) -> RejectedError:
    """The error for a change without the policy that the commit `kept_in` has."""
    return RejectedError(
        "this deletes the policy, and every zone would fall back to the defaults",
        where=POLICY_FILE,
        remedy=f"keep it (git checkout {kept_in} -- {POLICY_FILE}); "
        "where the defaults are meant, leave the file there and empty",
    )


def _add(zone: Judged, old: Zone | None, *, checks: bool) -> None:
    """The verdict on a zone after one parent's version of it."""
    if checks:
        findings, changeset = judge(old, zone.parsed, zone.policy)
        zone.before, zone.step = old, changeset
    else:
        findings, changeset = [], step_from(old, zone.parsed.zone)
    steps: list[Finding] = []
    if changeset is not None and changeset.old_serial is not None:
        if changeset.changes_anything():
            zone.above.append(changeset.old_serial)
        if zone.policy.serial.mode != "managed":
            steps = serial_findings(changeset, zone.parsed)
    zone.serials += steps
    zone.others += [found for found in findings if found not in steps]


def step_from(old: Zone | None, new: Zone) -> Changeset | None:
    """The step from an old version, None where one of the two is no version."""
    if old is None or old.soa is None or new.soa is None:
        return None
    return diff(old, new)


def versions_before(files: Files, policy: Policy, origins: set[bytes]) -> Collection:
    """The versions of these zones among older files, wherever their own policy says they are."""
    then = files.policy_or(policy)
    placed, _ = zone_files(files.paths, then)
    wanted = {path for path, origin in placed.items() if origin.lower() in origins}
    return read_zones(files, then, wanted.__contains__)


def _forgive(judgement: Judgement, first: Parent, before: Collection, new: Files) -> None:
    """Drop the faults of zones that only a changed policy touches and that it did not make."""
    changed = first.changed - {POLICY_FILE}
    own = touched_zones(changed, new, new.policy())
    for origin, zone in judgement.zones.items():
        old = before.zones.get(origin)
        if zone.parsed.path not in own and old is not None and old.path == zone.parsed.path:
            known = set(judge(None, old, before.policy.zone(origin)).findings)
            zone.others = [found for found in zone.others if found not in known]


def show_order(findings: Iterable[Finding]) -> list[Finding]:
    """Findings by place, errors first."""
    return sorted(findings, key=lambda found: (found.level != "error", found.position))
