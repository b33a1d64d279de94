"""Who says that a step is meant, where a safety rail stops it: a commit's trailer, or a person.

    Zonecast-Allow: mass-delete
    Zonecast-Allow: apex-ns-change example.com, example.net

A trailer names rails, one or several, each followed by the zones it is meant for; without any, it
is for all zones that the commits change.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from zonecast.errors import BadNameError
from zonecast.zone import names

TRAILER = "Zonecast-Allow"

# What a trailer may allow. Rewritten history takes an approval: it brings its own trailers along.
ALLOWABLE = ("mass-delete", "mass-update", "apex-ns-change", "zone-removed")

# The zones that a rail is allowed for; None: all of them.
Leave = dict[str, set[bytes] | None]


@dataclass(frozen=True)
class Permit:
    """What is said of the step to `commit` ("" before there is one): the values of the trailers
    of its commits, and whether a person approved it."""

    commit: str = ""
    trailers: tuple[str, ...] = ()
    approved: bool = False

    def allows(self, kind: str, origin: bytes) -> bool:
        """Whether the rail `kind` may be passed for this zone."""
        leave, _ = self._read
        zones = leave.get(kind, set())
        return self.approved or zones is None or origin.lower() in zones

    def remedy(self, kind: str, origin: bytes) -> str:
        """What to do where the step is meant."""
        trailer = shlex.quote(f"{TRAILER}: {kind} {names.to_text(origin)}")
        if not self.commit:
            text = f"if it is meant, say so in the commit: git commit --trailer {trailer}"
        else:
            text = (
                f"if it is meant, say so in one more commit: git commit --allow-empty "
                f"-m 'This is meant' --trailer {trailer}; or on the server: "
                f"zonecast approve {self.commit}"
            )
        _, strays = self._read
        if strays:
            text += f" (a trailer says '{strays[0]}', which is neither a rail nor a zone)"
        return text

    @cached_property
    def _read(self) -> tuple[Leave, list[str]]:
        leave: Leave = {}
        strays: list[str] = []
        for value in self.trailers:
            _read_trailer(value, leave, strays)
        return leave, strays


def _read_trailer(value: str, leave: Leave, strays: list[str]) -> None:
    """Add what one trailer allows to `leave`, and words that say nothing to `strays`."""
    kind = ""
    zones: set[bytes] = set()
    for word in _words([value]):
        if word.lower() in ALLOWABLE:
            _close(kind, zones, leave)
            kind, zones = word.lower(), set()
            continue
        try:
            origin = names.from_text(word, names.ROOT).lower()
        except BadNameError:
            origin = b""
        if kind and origin:
            zones.add(origin)
        else:
            strays.append(word)
            # A zone that cannot be read must not become all zones.
            zones.add(b"")
    _close(kind, zones, leave)


def _words(values: Iterable[str]) -> list[str]:
    return [word for value in values for word in re.split(r"[,\s]+", value) if word]


def _close(kind: str, zones: set[bytes], leave: Leave) -> None:
    known = leave.get(kind, set())
    if kind:
        leave[kind] = None if not zones or known is None else known | zones
