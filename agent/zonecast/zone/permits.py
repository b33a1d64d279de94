"""Who says that a step is meant, where a safety rail stops it: a commit's trailer, or a person.

    Zonecast-Allow: mass-delete
    Zonecast-Allow: mass-delete mass-update example.com apex-ns-change example.com, example.net

A trailer names rails, one or several, followed by the zones that they are meant for; without any,
they are for the zones that its own commit changes. One with a word that is neither allows nothing:
what could not be read might have been "not".
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from zonecast.errors import BadNameError
from zonecast.zone import names

TRAILER = "Zonecast-Allow"

# What a trailer may allow. Rewritten history takes an approval: it brings its own trailers along.
ALLOWABLE = ("mass-delete", "mass-update", "apex-ns-change", "zone-removed")


class Said(NamedTuple):
    """A trailer's value; `changes` tells whether its commit changes a zone."""

    value: str
    changes: Callable[[bytes], bool]


class Leave(NamedTuple):
    """Rails that may be passed for these zones, by lower-cased origin; without any, for those that
    the commit changes."""

    kinds: set[str]
    zones: set[bytes]


@dataclass(frozen=True)
class Permit:
    """What is said of the step to `commit` ("" before there is one): the trailers of its commits,
    and whether a person approved it."""

    commit: str = ""
    said: tuple[Said, ...] = ()
    approved: bool = False

    def allows(self, kind: str, origin: bytes) -> bool:
        """Whether the rail `kind` may be passed for this zone."""
        origin = origin.lower()
        return self.approved or any(
            kind in leave.kinds and (origin in leave.zones if leave.zones else said.changes(origin))
            for said, leaves, _ in self._read
            for leave in leaves
        )

    def remedy(self, kind: str, origin: bytes) -> str:
        """What to do where the step is meant and this permit does not allow it."""
        trailer = shlex.quote(f"{TRAILER}: {kind} {names.to_text(origin)}")
        if not self.commit:
            text = f"if it is meant, say so in the commit: git commit --trailer {trailer}"
        else:
            text = (
                f"if it is meant, say so in one more commit: git commit --allow-empty "
                f"-m 'This is meant' --trailer {trailer}; or on the server: "
                f"zonecast approve {self.commit}"
            )
        for said, leaves, stray in self._read:
            if stray:
                return f"{text} ({stray_text(said.value, stray)})"
            if any(kind in leave.kinds and not leave.zones for leave in leaves):
                return f"{text} (a trailer without a zone is for those that its own commit changes)"
        return text

    def strays(self) -> list[tuple[str, str]]:
        """The trailers that allow nothing, each with the word that it was not read for."""
        return [(said.value, stray) for said, _, stray in self._read if stray]

    @cached_property
    def _read(self) -> list[tuple[Said, list[Leave], str]]:
        return [(said, *read_value(said.value)) for said in self.said]


def stray_text(value: str, stray: str) -> str:
    """What is said of a trailer that cannot be read for the word `stray` in it."""
    text = f"the trailer '{TRAILER}: {value}' allows nothing: '{stray}' is neither a rail nor a "
    return text + "zone after one"


def read_value(value: str) -> tuple[list[Leave], str]:
    """What a trailer's value allows; nothing, and the first word that says nothing, where there
    is one. A name of one label is a zone's with its final dot alone, for any word is such a name.
    """
    leaves: list[Leave] = []
    for word in re.split(r"[,\s]+", value):
        if not word:
            continue
        if word.lower() in ALLOWABLE:
            if not leaves or leaves[-1].zones:
                leaves.append(Leave(set(), set()))
            leaves[-1].kinds.add(word.lower())
            continue
        origin = _origin(word)
        if origin is None or not leaves:
            return [], word
        leaves[-1].zones.add(origin)
    return leaves, ""


def _origin(word: str) -> bytes | None:
    try:
        return names.from_text(word, names.ROOT).lower() if "." in word else None
    except BadNameError:
        return None
