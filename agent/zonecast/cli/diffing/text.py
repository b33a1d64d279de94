"""A comparison as lines for a person, and for a program."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import groupby
from typing import Any

import click

from zonecast.cli.diffing.compare import Comparison, Counts, ZoneDifference, counts
from zonecast.cli.render import clean, counted, say
from zonecast.errors import printable
from zonecast.zone.differences import Difference
from zonecast.zone.serial import is_greater

_MARKS = {"add": ("+", "green"), "delete": ("-", "red"), "ttl": ("~", "yellow")}
_MARKS["soa"] = _MARKS["ttl"]


def heading(item: ZoneDifference) -> str:
    """What happened to a zone, in words, without its name."""
    said = {
        "added": "added",
        "removed": "removed",
        "renamed": f"renamed, {item.similarity} % alike",
        "moved": "moved",
        "unreadable": "cannot be read whole",
    }
    parts = [said[item.status]] if item.status in said else []
    parts += [serials] if (serials := _serials(item)) else []
    if None not in (item.old_path, item.new_path) and item.old_path != item.new_path:
        parts.append(printable(f"{item.old_path} → {item.new_path}"))
    return ", ".join(parts)


def _serials(item: ZoneDifference) -> str:
    old, new = item.old_serial, item.new_serial
    if item.status in ("moved", "unreadable"):
        return ""
    if item.status == "changed" and new is None:
        return f"serial {old}, the agent assigns the next"
    if old is None or new is None:
        return f"serial {new if old is None else old}"
    if old == new:
        return f"serial {old}, not raised" if item.status == "changed" else f"serial {old}"
    lower = item.status == "changed" and not is_greater(new, old)
    return f"serial {old} → {new}, which is not greater" if lower else f"serial {old} → {new}"


def named(item: ZoneDifference) -> str:
    """A zone's name, both where it was renamed."""
    return item.zone if item.old_zone is None else f"{item.old_zone} → {item.zone}"


def counted_records(total: Counts) -> str:
    """How many records of each kind, in words."""
    text = (
        f"{counted(total.added, 'record')} added, {total.deleted} deleted, "
        f"{total.ttl} with another TTL"
    )
    return f"{text}, {counted(total.soa, 'SOA')} changed" if total.soa else text


def short_counts(total: Counts) -> str:
    """How many records of each kind, in signs."""
    text = f"+{total.added} −{total.deleted} ~{total.ttl}"
    return f"{text} SOA" if total.soa else text


def summary(found: Sequence[ZoneDifference]) -> str:
    """All of it in one line."""
    if not found:
        return "no difference"
    return f"{counted(len(found), 'zone')}: {counted_records(counts(found))}"


def warnings(found: Comparison) -> list[tuple[str, str]]:
    """(path, what is wrong) of the files that make a comparison less than whole."""
    broken = dict.fromkeys(path for item in found.zones for path in item.broken)
    return [
        *((path, "has errors, so that this may not be all of it") for path in broken),
        *((path, "is no zone's file, so that nothing is said of it") for path in found.unplaced),
    ]


def show_human(found: Comparison, stat: bool) -> None:
    """Prints every record, or with `stat` how many there are in each zone."""
    for path, wrong in warnings(found):
        say(f"{printable(path)}: {wrong}; see zonecast check", err=True)
    if stat:
        _show_stat(found.zones)
    else:
        for item in found.zones:
            _show_zone(item)
    say(summary(found.zones))


def _show_stat(found: Sequence[ZoneDifference]) -> None:
    names = [named(item) for item in found]
    numbers = [short_counts(item.counts) for item in found]
    name_width = max(map(len, names), default=0)
    number_width = max(map(len, numbers), default=0)
    for item, name, number in zip(found, names, numbers, strict=True):
        say(f"{name:<{name_width}}  {number:<{number_width}}  {heading(item)}".rstrip())


def _show_zone(item: ZoneDifference) -> None:
    said = heading(item)
    say(click.style(f"{named(item)} ({said})" if said else named(item), bold=True))
    for owner, records in groupby(item.records, key=lambda record: record.owner):
        say(f"  {owner}")
        for record in records:
            mark, colour = _MARKS[record.kind]
            say("    " + click.style(f"{mark} {record}", fg=colour))


def show_json(found: Comparison, stat: bool) -> None:
    """Prints the object that docs/diff.md describes; with `stat` without the records."""
    zones = []
    for item in found.zones:
        zone: dict[str, Any] = {**item._asdict(), "counts": item.counts._asdict()}
        del zone["records"]
        for key in ("old_path", "new_path"):
            zone[key] = None if zone[key] is None else clean(zone[key])
        zone["broken"] = [clean(path) for path in item.broken]
        if not stat:
            zone["records"] = [_record(record) for record in item.records]
        zones.append(zone)
    total = counts(found.zones)._asdict()
    unplaced = [clean(path) for path in found.unplaced]
    say(json.dumps({"counts": total, "zones": zones, "unplaced": unplaced}, indent=2))


def _record(record: Difference) -> dict[str, Any]:
    return {**record._asdict(), "fields": [field._asdict() for field in record.fields]}
