"""`zonecast diff`: what differs between two revisions, record by record."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

import click

from zonecast.cli.place import Place, find_place
from zonecast.cli.render import counted, format_option, say
from zonecast.cli.revisions import (
    Files,
    changed_between,
    committed,
    committed_or_none,
    read_zones,
    staged,
    touched_zones,
    work_tree,
)
from zonecast.zone import names
from zonecast.zone.changeset import Changeset, diff
from zonecast.zone.differences import Difference, differences
from zonecast.zone.findings import errors
from zonecast.zone.zonefile import Parsed

_MARKS = {"add": ("+", "green"), "delete": ("-", "red"), "ttl": ("~", "yellow")}


class ZoneDifference(NamedTuple):
    """What happened to one zone. A serial is None on the side where there is no such zone, or
    where its SOA cannot be read; `broken` are the paths that have errors."""

    zone: str
    old_serial: int | None
    new_serial: int | None
    status: str
    records: list[Difference]
    broken: list[str]


@click.command()
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--staged", "from_index", is_flag=True, help="Compare with what is staged.")
@format_option("markdown")
def command(old: str | None, new: str | None, from_index: bool, output_format: str) -> None:
    """Show the records that differ between OLD (HEAD) and NEW (the work tree)."""
    if from_index and new is not None:
        raise click.UsageError("--staged and NEW exclude each other")
    place = find_place(Path())
    before, after = _sides(place, old, new, from_index)
    found = _compare(before, after)
    _FORMATS[output_format](found)


def _sides(place: Place, old: str | None, new: str | None, from_index: bool) -> tuple[Files, Files]:
    repository = place.needs_repository()
    if old is None:
        before = committed_or_none(repository, "HEAD", place.prefix)
    else:
        before = committed(repository, old, place.prefix)
    if new is not None:
        return before, committed(repository, new, place.prefix)
    if from_index:
        return before, staged(repository, place.prefix)
    if repository.bare:
        raise click.UsageError("a bare repository has no work tree: give OLD and NEW")
    return before, work_tree(place.top, repository)


def _compare(before: Files, after: Files) -> list[ZoneDifference]:
    new_policy = after.policy()
    old_policy = before.policy_or(new_policy)
    changed = changed_between(before, after, before.paths & after.paths)
    sides = []
    for files, policy in ((before, old_policy), (after, new_policy)):
        touched = touched_zones(changed, files, policy)
        sides.append(read_zones(files, policy, touched.__contains__).zones)
    found = []
    for origin in sorted(sides[0].keys() | sides[1].keys(), key=names.node_key):
        item = _zone_difference(origin, sides[0].get(origin), sides[1].get(origin))
        if item is not None:
            found.append(item)
    return found


def _zone_difference(
    origin: bytes, old: Parsed | None, new: Parsed | None
) -> ZoneDifference | None:
    old_zone = old.zone if old is not None and old.zone.soa is not None else None
    new_zone = new.zone if new is not None and new.zone.soa is not None else None
    records: list[Difference] = []
    changes = True
    if new_zone is not None:
        changeset: Changeset = diff(old_zone, new_zone)
        changes = changeset.changes_anything()
        records = differences(changeset)
    elif old_zone is not None:
        records = [item._replace(kind="delete") for item in differences(diff(None, old_zone))]
    broken = [side.path for side in (old, new) if side is not None and errors(side.findings)]
    if not changes and not broken:
        return None
    status = "removed" if new is None else "added" if old is None else "changed"
    return ZoneDifference(
        names.to_text(origin),
        None if old_zone is None else old_zone.serial,
        None if new_zone is None else new_zone.serial,
        status,
        records,
        broken,
    )


def _heading(item: ZoneDifference) -> str:
    if item.status == "changed":
        serials = f"serial {item.old_serial} → {item.new_serial}"
    else:
        serial = item.new_serial if item.status == "added" else item.old_serial
        serials = f"{item.status}, serial {serial}"
    return f"{item.zone} ({serials})"


def _warn_broken(item: ZoneDifference) -> None:
    for path in item.broken:
        say(f"{path}: has errors, so that this may not be all of it; see zonecast check", err=True)


def _human(found: list[ZoneDifference]) -> None:
    for item in found:
        _warn_broken(item)
        say(click.style(_heading(item), bold=True))
        for owner, records in groupby(item.records, key=lambda record: record.owner):
            say(f"  {owner}")
            for record in records:
                mark, colour = _MARKS[record.kind]
                say("    " + click.style(f"{mark} {record}", fg=colour))
    say(_summary(found))


def _summary(found: list[ZoneDifference]) -> str:
    if not found:
        return "no difference"
    kinds = [record.kind for item in found for record in item.records]
    return (
        f"{counted(len(found), 'zone')}: {counted(kinds.count('add'), 'record')} added, "
        f"{kinds.count('delete')} deleted, {kinds.count('ttl')} with another TTL"
    )


def _json(found: list[ZoneDifference]) -> None:
    zones = []
    for item in found:
        records = [record._asdict() for record in item.records]
        zones.append({**item._asdict(), "records": records})
    say(json.dumps({"zones": zones}, indent=2))


def _markdown(found: list[ZoneDifference]) -> None:
    for item in found:
        _warn_broken(item)
        say(f"### {_heading(item)}\n\n```diff")
        for record in item.records:
            # A diff block knows no other TTL: one line out, one line in.
            if record.old_ttl is not None:
                old = record._replace(ttl=record.old_ttl, old_ttl=None)
                say(f"- {record.owner} {old}")
                say(f"+ {record.owner} {record._replace(old_ttl=None)}")
            else:
                say(f"{_MARKS[record.kind][0]} {record.owner} {record}")
        say("```\n")
    say(_summary(found))


_FORMATS: dict[str, Callable[[list[ZoneDifference]], None]] = {
    "human": _human,
    "json": _json,
    "markdown": _markdown,
}
