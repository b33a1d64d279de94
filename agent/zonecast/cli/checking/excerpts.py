"""The lines that a person is shown below findings, kept by the content of the file that they are
from: a file is not read again to be quoted."""

from __future__ import annotations

from collections.abc import Iterable

from zonecast.cli.checking.cache import Cache
from zonecast.cli.checking.record import decode_lines, encode_lines
from zonecast.cli.render import excerpt
from zonecast.cli.revisions import Files
from zonecast.zone.findings import Position


def excerpts(places: Iterable[Position], files: Files, cache: Cache) -> dict[Position, list[str]]:
    """What is shown of the files at these places; nothing where a whole file is meant."""
    wanted: dict[str, list[Position]] = {}
    for place in dict.fromkeys(places):
        if place.line and place.path in files.paths:
            wanted.setdefault(place.path, []).append(place)
    keys = {path: f"lines {files.blob(path)}".encode("ascii") for path in wanted}
    kept = cache.get(keys.values())
    found: dict[Position, list[str]] = {}
    for path, inside in wanted.items():
        known = decode_lines(kept.get(keys[path]))
        missing = [place for place in inside if place[1:] not in known]
        if missing:
            content = files.read(path).split(b"\n")
            known |= {(place.line, place.column): excerpt(content, place) for place in missing}
            if files.is_steady(path):
                cache.put(keys[path], encode_lines(known))
        found |= {place: known[place.line, place.column] for place in inside}
    return found
