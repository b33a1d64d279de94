"""`zonecast bump`: raise the serials of zones whose content changed."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zonecast.cli.hooks.digits import held_back, overlaid, stage_digits
from zonecast.cli.hooks.judgement import Judged, Parent, judge_change
from zonecast.cli.hooks.serials import Edit, Wanted, by_path, edited, plan_edits, write_file
from zonecast.cli.place import Place, find_place
from zonecast.cli.render import finding_line, relocated, say
from zonecast.cli.revisions import (
    NO_FILES,
    Files,
    changed_between,
    committed,
    read_zones,
    work_tree,
)
from zonecast.errors import RejectedError, UsageError, printable
from zonecast.zone.findings import Finding, errors
from zonecast.zone.serial import MODULUS, is_greater
from zonecast.zone.serial import Policy as SerialNumbers

if TYPE_CHECKING:
    from zonecast.repository import Repository


@click.command()
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option(
    "--policy",
    "numbers",
    type=click.Choice(["increment", "date", "unixtime"]),
    help="What the new serials look like (default: as the zones' policy says).",
)
@click.option("--against", metavar="REV", help="Compare with this revision alone.")
@click.option(
    "--above",
    metavar="SERIAL",
    type=click.IntRange(0, MODULUS - 1),
    help="Compare with nothing: go above this serial, which is served. Needs PATHS.",
)
def command(
    paths: tuple[Path, ...], numbers: SerialNumbers | None, against: str | None, above: int | None
) -> None:
    """Raise the serials of the zones below PATHS (all of them) that changed.

    Changed against HEAD, the other branches of a merge under way, HEAD's parents (a merge, revert
    or cherry-pick that was just made) and the commit where this branch left its upstream.
    Only the serial's digits are written, in the file and, where changes of the zone are staged,
    in what is staged of it; whatever else is not staged stays so. A zone that did not change or
    has a greater serial already is left alone.
    """
    places = [find_place(path) for path in paths or (Path(),)]
    place = places[0]
    if any(other.top != place.top for other in places):
        raise UsageError("these paths are under different policies", remedy="bump one at a time")
    repository = place.needs_repository()
    if repository.bare:
        raise UsageError("a bare repository has no work tree", where=str(place.top))
    files = work_tree(place.top, repository)
    if above is None:
        touched = _touched(place, files, against)
    elif against is not None or not paths:
        raise UsageError("--above goes with the PATHS of zones, and without --against")
    else:
        touched = _named(places, files, above)
    zones = _selected(touched, places, bool(paths))
    broken = [found for zone in zones for found in _unreadable(zone, above)]
    edits = _edits(zones, numbers, above)
    contents = {path: edited(files.read(path), group) for path, group in by_path(edits).items()}
    if edits:
        _verify(overlaid(files, contents), zones)
        _stage(place, files, edits, zones)
    for path, group in by_path(edits).items():
        write_file(place.top / path, contents[path])
        for edit in group:
            say(f"{printable(place.display(path))}: {edit}")
    for found in relocated(broken, place.display):
        say(finding_line(found), err=True)
    if broken:
        raise click.exceptions.Exit(1)
    if not edits:
        say("no zone needs a new serial")


def _touched(place: Place, files: Files, against: str | None) -> list[Judged]:
    """The zones that differ from a revision, or where none is named from any in `_versions`."""
    repository = place.needs_repository()
    commits = _versions(repository) if against is None else [repository.resolve(against)]
    parents: list[Parent] = []
    for commit in commits:
        before = committed(repository, commit, place.prefix)
        looked_at = before.paths & files.paths
        if parents:
            # What differs from another commit differs from the first, or between the two.
            between = repository.changed_paths(commit, commits[0])
            known = {path.removeprefix(place.prefix) for path in between} | parents[0].changed
            looked_at &= known
        parents.append(Parent(before, changed_between(before, files, looked_at)))
    judgement = judge_change(parents or [Parent(NO_FILES, set(files.paths))], files)
    return list(judgement.zones.values())


def _named(places: Sequence[Place], files: Files, above: int) -> list[Judged]:
    """The zones at these places, all of which are to have serials above this one."""
    named = {path for path in files.paths if any(place.includes(path) for place in places)}
    found = list(judge_change([Parent(NO_FILES, named)], files).zones.values())
    for zone in found:
        zone.above = [above]
    return found


def _lacks(zone: Judged, above: int | None) -> bool:
    """Whether a zone's serial has to be raised: for what changed, or to be above this one."""
    serial = zone.parsed.zone.serial
    if above is None or serial is None:
        return bool(zone.serials)
    return not is_greater(serial, above)


def _versions(repository: Repository) -> list[str]:
    """What a zone's serial has to be greater than: HEAD; what a merge under way brings in; HEAD's
    own parents, for a merge, revert or cherry-pick asks no hook for a serial and may just have
    been made; and where this branch left the one that it follows, after several of them."""
    head = repository.head()
    if head is None:
        return repository.merge_heads()
    found = [head, *repository.merge_heads(), *repository.commit_info(head).parents]
    upstream = repository.commands.result("merge-base", "HEAD", "@{upstream}", allowed=(0, 1, 128))
    if upstream.status == 0:
        found.append(upstream.stdout.decode("ascii").strip())
    # A shallow clone lacks some.
    return [commit for commit in dict.fromkeys(found) if repository.has_commit(commit)]


def _stage(place: Place, files: Files, edits: list[Edit], zones: Iterable[Judged]) -> None:
    """The same digits in the index, unless a merge's conflicts are open there; not of zones of
    which nothing else is staged."""
    repository = place.needs_repository()
    if repository.index.has_conflicts():
        say("not staged: the merge's conflicts are open; git add what you resolve", err=True)
        return
    held = held_back(repository, files, (zone.parsed for zone in zones), place.prefix)
    stage_digits(repository, files, [e for e in edits if e.path not in held], place.prefix)
    held &= {edit.path for edit in edits}
    known = repository.index.entries() if held else {}
    for path in sorted(held):
        if place.prefix + path in known:
            shown = printable(place.display(path))
            say(f"{shown}: not staged, nor are the zone's changes; git add them", err=True)


def _verify(files: Files, zones: Iterable[Judged]) -> None:
    """Raises RejectedError where a zone that could be read cannot be read with raised serials,
    as when its SOA stands there twice."""
    readable = {zone.parsed.path for zone in zones if not errors(zone.parsed.findings)}
    for parsed in read_zones(files, files.policy(), readable.__contains__).zones.values():
        for found in errors(parsed.findings)[:1]:
            raise RejectedError(
                f"with the serial raised: {found.message}",
                where=str(found.position),
                remedy=f"{found.remedy}; nothing was written",
            )


def _selected(zones: Iterable[Judged], places: Sequence[Place], named: bool) -> list[Judged]:
    """The zones asked for, by their own file or by one that they include."""
    chosen = [
        zone
        for zone in zones
        if not named or any(place.includes(path) for place in places for path in zone.parsed.files)
    ]
    managed = [zone for zone in chosen if zone.policy.serial.mode == "managed"]
    for zone in managed if named else ():
        path = printable(places[0].display(zone.parsed.path))
        say(f"{path}: left alone, the agent assigns its serials")
    return [zone for zone in chosen if zone.policy.serial.mode != "managed"]


def _unreadable(zone: Judged, above: int | None) -> list[Finding]:
    """Why a zone is left alone: what cannot be read cannot be compared."""
    concerned = _lacks(zone, above) or zone.parsed.zone.soa is None
    return errors(zone.parsed.findings) if concerned else []


def _edits(zones: Iterable[Judged], numbers: SerialNumbers | None, above: int | None) -> list[Edit]:
    wanted = [
        Wanted(zone.parsed, numbers or zone.policy.serial.policy, zone.above)
        for zone in zones
        if _lacks(zone, above) and not errors(zone.parsed.findings)
    ]
    return plan_edits(wanted, time.time())
