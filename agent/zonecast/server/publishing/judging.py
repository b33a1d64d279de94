"""One zone's new version before the gate and the safety rails: what it means for the store."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from zonecast.server.publishing.safety import Safety
from zonecast.server.publishing.stepping import judge_change
from zonecast.store.reader import Snapshot
from zonecast.store.schema import RemovedZone
from zonecast.zone.changeset import Changeset
from zonecast.zone.findings import Finding, errors
from zonecast.zone.gate import Verdict, judge, serial_findings
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rails import counted
from zonecast.zone.rrset import add_hashes, rrset_hash, with_serial
from zonecast.zone.serial import HALF, MODULUS, next_serial
from zonecast.zone.zonefile import Parsed


class Outcome(NamedTuple):
    """What is said of a version: why it is held back, or the changeset that leads to it."""

    held: list[Finding]
    changeset: Changeset | None


class Judge:
    """Judges the zones of a commit after what is published. `commit_time` is in POSIX seconds;
    `served` gives the serials that secondaries have of a zone that is new here."""

    def __init__(
        self,
        snapshot: Snapshot,
        safety: Safety,
        commit_time: int,
        served: Callable[[bytes], Iterable[int]] = lambda _: (),
    ) -> None:
        self.snapshot = snapshot
        self._safety = safety
        self._commit_time = commit_time
        self._served = served

    def whole(self, origin: bytes, parsed: Parsed, policy: ZonePolicy) -> Outcome:
        """The outcome for a zone that was read as a whole."""
        old = self.snapshot.zone(origin)
        verdict = judge(old, parsed, policy)
        return self._outcome(verdict, parsed, policy, lambda: 0 if old is None else counted(old))

    def change(
        self, origin: bytes, path: str, old: bytes, new: bytes, policy: ZonePolicy
    ) -> Changeset | None:
        """The changeset where the published file's octets `old` became `new` and that can be
        judged by itself; None where the file has to be read as a whole, to be held back too."""
        judged = judge_change(
            old, new, path=path, origin=origin, policy=policy, snapshot=self.snapshot
        )
        if judged is None:
            return None

        def records() -> int:
            published = self.snapshot.zone(origin)
            return 0 if published is None else counted(published)

        return self._outcome(judged.verdict, judged.parsed, policy, records).changeset

    def _outcome(
        self, verdict: Verdict, parsed: Parsed, policy: ZonePolicy, records: Callable[[], int]
    ) -> Outcome:
        changeset = verdict.changeset
        if not verdict.ok or changeset is None:
            return Outcome(errors(verdict.findings), None)
        stopped = self._safety.step(changeset, records, parsed)
        removed = None
        if changeset.old_soa is None:
            removed = self.snapshot.removed(changeset.origin)
        managed = policy.serial.mode == "managed"
        if removed is not None and not managed:
            stopped = stopped + after_removal(changeset, parsed, removed)
        if stopped:
            return Outcome(stopped, None)
        if managed:
            above = [*self._served(changeset.origin), *([removed.serial] if removed else [])]
            changeset = assign_serial(changeset, self._commit_time, above)
        return Outcome([], changeset)


def after_removal(changeset: Changeset, new: Parsed, removed: RemovedZone) -> list[Finding]:
    """What the serial rule says of a zone that comes back: a secondary that did not hear of the
    removal has the last version still. The very same version may come back."""
    serial = changeset.new_serial
    if serial == removed.serial and _content_hash(changeset) == removed.content_hash:
        return []
    old = with_serial(changeset.new_soa, removed.serial)
    lowest = next_serial((removed.serial,), "increment", 0)
    furthest = (removed.serial + HALF - 1) % MODULUS
    message = (
        f"serial {serial} is not greater than {removed.serial}, under which the zone was served "
        "until it was removed; secondaries may have that still"
    )
    remedy = f"raise it to {lowest} or more, {furthest} at the most"
    return [
        finding._replace(message=message, remedy=remedy)
        for finding in serial_findings(changeset._replace(old_soa=old), new)
    ]


def _content_hash(changeset: Changeset) -> int:
    return add_hashes(0, sum(map(rrset_hash, (*changeset.added, changeset.new_soa))))


def assign_serial(changeset: Changeset, commit_time: int, above: Iterable[int] = ()) -> Changeset:
    """The changeset with the serial that the agent gives a managed zone: the commit's time, or
    one more than the last where that is not greater; the last one where nothing else changed. A
    zone that is new may have been served elsewhere with the serial in its file, or here and there
    with those in `above`: it goes above."""
    old = changeset.old_serial
    if old is None:
        serial = next_serial((changeset.new_serial, *above), "unixtime", commit_time)
    elif not changeset.changes_content():
        serial = old
    else:
        serial = next_serial((old,), "unixtime", commit_time)
    return changeset._replace(new_soa=with_serial(changeset.new_soa, serial))
