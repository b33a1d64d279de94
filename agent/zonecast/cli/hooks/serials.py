"""Raising serials in zone files: which digits become which, every other octet kept.

Used by `bump` on files and by the pre-commit hook on the index.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from zonecast.errors import RejectedError
from zonecast.zone.serial import Policy as SerialNumbers
from zonecast.zone.serial import is_greater, next_serial
from zonecast.zone.zonefile import Parsed


class Wanted(NamedTuple):
    """A zone whose serial must become greater than every one in `above`."""

    parsed: Parsed
    numbers: SerialNumbers
    above: Sequence[int]


class Edit(NamedTuple):
    """The octets [start, end) of a file, a serial's digits, become `serial`."""

    path: str
    start: int
    end: int
    old: int
    serial: int

    def __str__(self) -> str:
        return f"serial {self.old} → {self.serial}"


def plan_edits(wanted: Iterable[Wanted], now: float) -> list[Edit]:
    """The edits that raise these serials; zones that include one SOA share one edit.

    `now` in POSIX seconds. Raises RejectedError where no serial is greater than all of them, or
    where a file does not write its serial as plain digits.
    """
    places: dict[tuple[str, int, int], list[Wanted]] = {}
    for zone in wanted:
        if zone.parsed.serial_span is None:
            raise RejectedError(
                "the serial is not written as plain digits",
                where=str(zone.parsed.serial_position),
                remedy="write it in decimal digits",
            )
        places.setdefault(zone.parsed.serial_span, []).append(zone)
    return [_edit(place, zones, now) for place, zones in places.items()]


def _edit(place: tuple[str, int, int], zones: list[Wanted], now: float) -> Edit:
    parsed = zones[0].parsed
    current = parsed.zone.serial
    assert current is not None  # its digits have a place
    floor = [serial for zone in zones for serial in zone.above]
    # Not above the file's own where that is lower or 2^31 away: those are what is mended.
    above = floor + ([current] if all(is_greater(current, old) for old in floor) else [])
    serial = next_serial(above, zones[0].numbers, now)
    if not all(is_greater(serial, old) for old in floor):
        raise RejectedError(
            f"no serial is greater than all of {', '.join(map(str, sorted(set(floor))))}",
            where=str(parsed.serial_position),
            remedy="the branches' serials lie too far apart (RFC 1982): choose one by hand",
        )
    return Edit(*place, current, serial)


def edited(content: bytes, edits: Iterable[Edit]) -> bytes:
    """A file's content with its edits made."""
    for edit in sorted(edits, key=lambda edit: edit.start, reverse=True):
        content = content[: edit.start] + b"%d" % edit.serial + content[edit.end :]
    return content


def by_path(edits: Iterable[Edit]) -> dict[str, list[Edit]]:
    """The edits of each file."""
    found: dict[str, list[Edit]] = {}
    for edit in edits:
        found.setdefault(edit.path, []).append(edit)
    return found


def write_file(path: Path, content: bytes) -> None:
    """Replace a file whole or not at all, its mode and owner kept. Raises OSError."""
    before = path.stat()
    handle, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            os.fchmod(file.fileno(), before.st_mode & 0o7777)
            if os.geteuid() == 0:
                os.fchown(file.fileno(), before.st_uid, before.st_gid)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
