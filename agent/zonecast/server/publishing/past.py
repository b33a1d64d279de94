"""What a zone was, as git has it: the versions with serials that secondaries have.

What git holds under a serial need not be what was served: a version that the gate would not let
through never was, and of two versions with one serial nobody knows which was. These are left out;
whoever has one of them is served a whole zone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from typing import NamedTuple

from zonecast.errors import ConfigError
from zonecast.repository import Repository
from zonecast.repository.history import before_each
from zonecast.server.publishing.planning import Blobs
from zonecast.zone.changeset import diff
from zonecast.zone.collection import closure, includer, zone_files
from zonecast.zone.gate import judge
from zonecast.zone.policy import POLICY_FILE, Policy, ZonePolicy
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Parsed, read_zone

# Commits that change a zone, and octets of the files that it had.
COMMITS = 200
OCTETS = 64 << 20
# How often a file that was included once may lead to another one.
_ROUNDS = 3
# A number may be written in other ways than by its digits.
_ODD = re.compile(rb"\\[#0-9]")


class Version(NamedTuple):
    """A version of a zone and the policy that it was under."""

    parsed: Parsed
    policy: ZonePolicy

    @property
    def managed(self) -> bool:
        """Whether its serial is not the one that was served."""
        return self.policy.serial.mode == "managed"

    def equals(self, other: Version) -> bool:
        """Whether both were served as the same, if they were."""
        step = diff(self.parsed.zone, other.parsed.zone)
        return self.managed == other.managed and not step.changes_anything()

    def served(self) -> bool:
        """Whether it could be served under its serial."""
        return not self.managed and judge(None, self.parsed, self.policy).ok


class Past:
    """What a zone was before `commit`. A state is the blob of each file that may matter."""

    def __init__(self, repository: Repository, commit: str, path: str, origin: bytes) -> None:
        self.path = path
        self._repository = repository
        self._commit = commit
        self._origin = origin
        self._contents: dict[str, bytes] = {}

    def find(
        self, serials: Collection[int], tip: Blobs, late: Callable[[], bool]
    ) -> dict[int, Zone]:
        """The versions with these serials, where there is one of each, and it may be published;
        none once it is `late`, for there may be others."""
        found: dict[int, list[Version]] = {serial: [] for serial in serials}
        for state in self._states(tip):
            if late():
                return {}
            version = self._version(state, serials)
            known = None if version is None else found.get(version.parsed.zone.serial or 0)
            if version is None or known is None:
                continue
            if not any(map(version.equals, known)):
                known.append(version)
        return {
            serial: versions[0].parsed.zone
            for serial, versions in found.items()
            if len(versions) == 1 and versions[0].served()
        }

    def _states(self, tip: Blobs) -> list[Blobs]:
        """The states before the tip's, newest first, once it is known what they include."""
        for _ in range(_ROUNDS):
            states = self._loaded(tip)
            named = {path for state in states for path in self._closure(state)}
            if named <= tip.keys():
                return states
            listing = self._repository.listing(self._commit)
            tip = {**tip, **{path: listing.get(path) for path in named}}
        return []

    def _loaded(self, tip: Blobs) -> list[Blobs]:
        """As many states as are not too much to read, with their contents at hand."""
        states, state = [], tip
        for before in before_each(self._repository.commands, self._commit, COMMITS, tip):
            state = {**state, **{path: blob for path, blob in before.items() if path in tip}}
            states.append(state)
        sizes = self._repository.sizes(_blobs(states))
        left = OCTETS
        wanted: set[str] = set()
        for number, state in enumerate(states):
            new = {blob for blob in _blobs([state]) if blob not in wanted}
            left -= sum(sizes.get(blob, OCTETS + 1) for blob in new)
            if left < 0:
                states = states[:number]
                break
            wanted |= new
        self._contents.update(self._repository.blobs(wanted - self._contents.keys()))
        return states

    def _closure(self, state: Blobs) -> frozenset[str]:
        present, read = self._files(state)
        return closure(self.path, present, read) if self.path in present else frozenset()

    def _files(self, state: Blobs) -> tuple[dict[str, str], Callable[[str], bytes]]:
        """The files that there are in a state, and what reads them."""
        present = {path: blob for path, blob in state.items() if blob is not None}
        return present, lambda path: self._contents[present[path]]

    def _version(self, state: Blobs, serials: Collection[int]) -> Version | None:
        """The zone in a state, None where it was none, or surely has none of the serials."""
        present, read = self._files(state)
        if self.path not in present:
            return None
        octets = [read(path) for path in present if path != POLICY_FILE]
        digits = [b"%d" % serial for serial in serials]
        if not any(_ODD.search(text) or any(d in text for d in digits) for text in octets):
            return None
        try:
            blob = state.get(POLICY_FILE)
            policy = Policy() if blob is None else Policy.from_toml(read(POLICY_FILE), POLICY_FILE)
        except ConfigError:
            return None  # nothing of such a commit was published
        origin = zone_files([self.path], policy)[0].get(self.path, b"")
        if origin.lower() != self._origin.lower():
            return None
        include = includer(present, read)
        content = read(self.path)
        parsed = read_zone(content, path=self.path, origin=self._origin, include=include)
        return Version(parsed, policy.zone(origin)) if parsed.zone.soa is not None else None


def _blobs(states: list[Blobs]) -> Iterator[str]:
    return (blob for state in states for blob in state.values() if blob is not None)
