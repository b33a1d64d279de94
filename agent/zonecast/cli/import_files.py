"""Where in a work tree a zone's file is, or goes, and what is done about one that is there."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from zonecast.cli.place import find_place
from zonecast.cli.revisions import work_tree
from zonecast.errors import BadNameError, RejectedError, RepositoryError, remedy_for
from zonecast.server.reading import helpers
from zonecast.zone import names
from zonecast.zone.collection import Reading, zone_files
from zonecast.zone.policy import POLICY_FILE
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile.writer import zone_text

# What a file's name has for anything else.
_ODD = re.compile(r"[^a-z0-9_.-]")
# A file's name has 255 octets in most file systems: ".zone", a number and what `store` adds fit too.
MAX_STEM = 235
# `$ORIGIN`, then nothing but directives and comments, then the SOA at `@`: whose file that is.
_OWN = re.compile(
    rb"(?:[ \t]*(?:;[^\n]*)?\r?\n)*\$ORIGIN[ \t]+((?:\\.|[^ \t\r\n;\\])*\.)[ \t]*(?:;[^\n]*)?\r?\n"
    rb"(?:[ \t]*(?:(?:;|\$TTL)[^\n]*)?\r?\n)*@[ \t][^\n;]*\bSOA[ \t]",
    re.IGNORECASE,
)
_HEAD = 4096


class Placed(NamedTuple):
    """A zone's file: `path` relative to the top, `shown` as seen from the current directory, and
    whether it `exists`."""

    path: str
    shown: str
    exists: bool


class Tree:
    """The work tree around a directory, and the zone files in it. New ones go into the directory.

    Raises UsageError where there is no such directory, ConfigError for a broken policy.
    """

    def __init__(self, into: Path) -> None:
        self._place = find_place(into)
        self._into = into.resolve().relative_to(self._place.top).as_posix()
        self._files = work_tree(self._place.top, self._place.repository)
        self._policy = self._files.policy(self._place.display(POLICY_FILE))
        # What a file says of itself counts for more than its name, but not than the policy.
        origins = {**self._said(), **self._policy.origins}
        self._reading = Reading(
            self._files.paths,
            self._files.read,
            replace(self._policy, origins=origins),
            helpers=helpers(),
        )
        self._taken = set(self._reading.origins)

    def _said(self) -> dict[str, bytes]:
        """The zone that each zone file, and each file where new ones go, says it is."""
        beside = "" if self._into == "." else f"{self._into}/"
        paths = {
            path
            for path in self._files.paths
            if path.endswith(".zone") and path[: path.rfind("/") + 1] == beside
        }
        paths |= zone_files(self._files.paths, self._policy)[0].keys()
        said = ((path, _origin_said(self._place.top / path)) for path in paths)
        return {path: origin for path, origin in said if origin is not None}

    def place(self, origin: bytes) -> Placed:
        """The file that holds the zone, else where it goes: a name of its own for each zone."""
        known = self._reading.holders.get(origin)
        if known is not None:
            return Placed(known, self._place.display(known), True)
        name = _ODD.sub("_", names.to_text(origin).rstrip(".").lower()) or "root"
        if len(name) > MAX_STEM:
            name = f"long-{hashlib.sha256(origin).hexdigest()[:16]}"
        path, number = self._new_path(name), 1
        while path in self._taken:
            number += 1
            path = self._new_path(f"{name}-{number}")
        self._taken.add(path)
        return Placed(path, self._place.display(path), os.path.lexists(self._place.top / path))

    def _new_path(self, name: str) -> str:
        return f"{name}.zone" if self._into == "." else f"{self._into}/{name}.zone"

    def store(self, placed: Placed, zone: Zone, *, force: bool) -> bool:
        """Writes the zone's file, whole or not at all; False where what is there says the same.

        Raises RejectedError where it says something else and `force` is not given, and for a
        zone that no file can hold; RepositoryError.
        """
        if self._holds(zone):
            return False
        if placed.exists and not force:
            raise RejectedError(
                f"is there, and does not hold {names.to_text(zone.origin)} as it is transferred",
                where=placed.shown,
                remedy="see zonecast diff --server, or replace it with --force",
            )
        file = self._place.top / placed.path
        text = zone_text(zone)
        if file.is_symlink():
            raise RejectedError(
                "is a symbolic link", where=placed.shown, remedy="remove it, or name another --into"
            )
        said = _origin_said(file)
        if said is not None and said != zone.origin.lower():
            raise RejectedError(
                f"says that it is {names.to_text(said)}, and is not replaced",
                where=placed.shown,
                remedy=f"mend [origins] in {POLICY_FILE}, or move the file",
            )
        beside = file.with_name(f".{file.name}.new")
        try:
            beside.write_text(text, "ascii")
            beside.replace(file)
        except OSError as error:
            raise RepositoryError(
                f"cannot be written: {error.strerror}", where=placed.shown, remedy=remedy_for(error)
            ) from None
        return True

    def _holds(self, zone: Zone) -> bool:
        """Whether the zone's file says what `zone` is."""
        origin = zone.origin.lower()
        if origin not in self._reading.holders:
            return False
        here = self._reading.zone(origin).zone
        return (here.serial, here.content_hash()) == (zone.serial, zone.content_hash())

    def unnamed(self, written: Mapping[bytes, Placed]) -> Iterable[str]:
        """The lines under [origins] that the policy lacks for these zones, by origin: files whose
        names are others', and files that its include does not match."""
        found, _ = zone_files([placed.path for placed in written.values()], self._policy)
        for origin, placed in written.items():
            if found.get(placed.path, b"").lower() != origin:
                yield f"{json.dumps(placed.path)} = {json.dumps(names.to_text(origin))}"

    def overlooked(self, written: Iterable[Placed]) -> list[Placed]:
        """Those of the files that the policy's include does not match, nor its origins name."""
        unnamed = [placed for placed in written if placed.path not in self._policy.origins]
        policy = replace(self._policy, origins={})
        found, findings = zone_files([placed.path for placed in unnamed], policy)
        matched = found.keys() | {item.position.path for item in findings}
        return [placed for placed in unnamed if placed.path not in matched]


def _origin_said(file: Path) -> bytes | None:
    """The zone, lower-cased, that a file says it is at its start; None where it does not."""
    try:
        with file.open("rb") as opened:
            found = _OWN.match(opened.read(_HEAD))
        return None if found is None else names.from_text(found[1].decode("ascii")).lower()
    except (OSError, UnicodeDecodeError, BadNameError):
        return None
