"""A change judged after what is published, which the commit before it need not be, and by the
safety rails."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from zonecast.cli.hooks.judgement import Judged, Judgement, step_from, versions_before
from zonecast.cli.revisions import Files, committed
from zonecast.repository import Repository
from zonecast.server.publishing.safety import Safety
from zonecast.zone.changeset import Changeset
from zonecast.zone.collection import zone_files
from zonecast.zone.findings import Finding, errors
from zonecast.zone.gate import serial_findings
from zonecast.zone.policy import Policy
from zonecast.zone.rails import counted
from zonecast.zone.rrset import SOA_KEY, Zone, with_serial

if TYPE_CHECKING:  # pre-commit needs no configuration and no socket
    from zonecast.cli.hooks.published import Published


def safety_for(
    repository: Repository, new: str, old: str | None, files: Files, published: Published | None
) -> Safety:
    """The rails for a branch's move from `old`, with these files, to `new`: those of what the
    agent published, else those of the old tip."""
    if published is None:
        return Safety(repository, new, old, files.policy_or(Policy()))
    if published.commit is None:
        policy = files.policy_or(Policy())
        return Safety(repository, new, old, policy, published.floors, published.approved)
    return Safety(
        repository,
        new,
        published.commit,
        published.policy,
        published.floors,
        published.approved,
        published.bases,
    )


def judge_published(
    judgement: Judgement,
    old: str | None,
    before: Files,
    after: Files,
    safety: Safety,
    *,
    settled: bool,
    serials: Mapping[bytes, int],
) -> None:
    """Add to a judgement of the move from `old` what the zones' published versions say to it, and
    the `serials` under which these are served: git has others in mode `managed`, and none for what
    another repository published.

    Where the agent has `settled` the old tip, published or refused it, serials are compared with
    what is published alone; else with the old tip's as well, which may be published any moment.
    """
    groups: dict[str | None, set[bytes]] = {}
    for origin in judgement.zones:
        groups.setdefault(safety.base(origin).commit, set()).add(origin)
    for base, origins in groups.items():
        elsewhere = base not in (None, old)
        if base is not None and elsewhere and safety.repository.has_commit(base):
            files = committed(safety.repository, base)
            versions = versions_before(files, after.policy(), origins).zones
            for origin in origins:
                version = versions.get(origin)
                published = None if version is None else version.zone
                _compare(judgement.zones[origin], published, settled=settled)
        for origin in origins & serials.keys():
            _compare_served(judgement.zones[origin], serials[origin])
    for zone in judgement.zones.values():
        zone.others += _stopped(zone, safety)
    for origin, path in _removed(before, after, old, safety).items():
        judgement.unplaced += safety.removal(origin, path)


def warn_rails(judgement: Judgement, before: Files, after: Files, repository: Repository) -> None:
    """Say what the rails will stop, before there is a commit whose message could allow it."""
    safety = Safety(repository, "", None, before.policy_or(Policy()))
    for zone in judgement.zones.values():
        zone.others += _as_warnings(_stopped(zone, safety))
    for origin, path in _removed(before, after, None, safety).items():
        judgement.unplaced += _as_warnings(safety.removal(origin, path))


def _as_warnings(found: list[Finding]) -> list[Finding]:
    return [finding._replace(level="warning") for finding in found]


def _compare(zone: Judged, before: Zone | None, *, settled: bool) -> None:
    """Compare with the version that is published."""
    zone.before, zone.step = before, step_from(before, zone.parsed.zone)
    found = _serial_findings(zone, zone.step)
    zone.serials = found if settled else [*zone.serials, *found]


def _compare_served(zone: Judged, serial: int) -> None:
    """Compare with the serial under which the version before is served, where the file of that
    has another one; what was said for the file's is dropped."""
    before = zone.before
    if before is None or before.soa is None:
        # Not from this branch: of what is served no more than the serial is known.
        before = zone.parsed.zone
    if before.soa is None or before.serial == serial:
        return
    said = _serial_findings(zone, zone.step)
    served = Zone(before.origin, {**before.rrsets, SOA_KEY: with_serial(before.soa, serial)})
    step = step_from(served, zone.parsed.zone)
    others = [found for found in zone.serials if found not in said]
    zone.serials = [*others, *_serial_findings(zone, step)]


def _serial_findings(zone: Judged, step: Changeset | None) -> list[Finding]:
    if step is None or zone.policy.serial.mode == "managed":
        return []
    return serial_findings(step, zone.parsed)


def _stopped(zone: Judged, safety: Safety) -> list[Finding]:
    """What the rails stop of one zone. Where it could not be read as a whole, records that are
    missing say nothing."""
    if zone.step is None or zone.before is None or errors(zone.others):
        return []
    return safety.step(zone.step, partial(counted, zone.before), zone.parsed)


def _removed(before: Files, after: Files, old: str | None, safety: Safety) -> dict[bytes, str]:
    """The published zones that a move takes away, and their files: those that are gone already
    before it do not count."""
    published = safety.published
    elsewhere = published not in (None, old) and safety.repository.has_commit(str(published))
    there = committed(safety.repository, str(published)) if elsewhere else before
    gone = _placed(there, after.policy())
    for origin in _placed(after, after.policy()):
        gone.pop(origin, None)
    if old is not None and elsewhere:
        known = _placed(before, after.policy())
        gone = {origin: path for origin, path in gone.items() if origin in known}
    return gone


def _placed(files: Files, policy: Policy) -> dict[bytes, str]:
    """The zones among files, by lower-cased origin, and where they are."""
    placed, _ = zone_files(files.paths, files.policy_or(policy))
    return {origin.lower(): path for path, origin in reversed(placed.items())}
