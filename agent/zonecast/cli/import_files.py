"""Where in a work tree a zone's file is, or goes, and what is done about one that is there."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from zonecast.cli.place import find_place
from zonecast.cli.revisions import work_tree
from zonecast.errors import RejectedError, RepositoryError, remedy_for
from zonecast.server.reading import helpers
from zonecast.zone import names
from zonecast.zone.collection import Reading, zone_files
from zonecast.zone.policy import POLICY_FILE
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile.writer import zone_text

# What a file's name has for anything else.
_ODD = re.compile(r"[^a-z0-9_.-]")


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
        self._reading = Reading(
            self._files.paths, self._files.read, self._policy, helpers=helpers()
        )
        self._taken = set(self._reading.origins)

    def place(self, origin: bytes) -> Placed:
        """The file that holds the zone, else where it goes: a name of its own for each zone."""
        known = self._reading.holders.get(origin)
        if known is not None:
            return Placed(known, self._place.display(known), True)
        name = _ODD.sub("_", names.to_text(origin).rstrip(".").lower()) or "root"
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
        text = zone_text(zone)
        file = self._place.top / placed.path
        if file.is_symlink():
            raise RejectedError(
                "is a symbolic link", where=placed.shown, remedy="remove it, or name another --into"
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
        """The lines under [origins] that the policy lacks for these zones, by origin."""
        found, _ = zone_files([placed.path for placed in written.values()], self._policy)
        for origin, placed in written.items():
            if found.get(placed.path, b"").lower() != origin:
                yield f"{json.dumps(placed.path)} = {json.dumps(names.to_text(origin))}"
