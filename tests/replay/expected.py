"""What must be served after each commit, worked out beside the program.

A zone version that the checks refuse is held; of the others the serial rule (RFC 1982 §3.2)
decides, against what was last published; what passes is served as dnspython reads it. A zone
whose file is gone is gone.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Set
from dataclasses import dataclass, field
from pathlib import Path

from histories import POLICY_FILE, Commit, History, Rewritten
from independent import Reading, Sources, read

from zonecast.zone.collection import read_collection
from zonecast.zone.findings import errors
from zonecast.zone.policy import Policy

SERIAL_IDS = frozenset(("serial-not-raised", "serial-backwards", "serial-undefined-step"))


@dataclass(frozen=True, eq=False)
class Version:
    """One version of a zone file with what it includes: as dnspython reads it, and the ids of the
    errors that the project's reader and checks find in it."""

    path: str
    origin: str
    reading: Reading
    errors: frozenset[str]


class Versions:
    """The versions of a history's zone files, each read once a run, whatever is replayed."""

    def __init__(self, history: History, scratch: Path) -> None:
        self.history = history
        self.policy = Policy.from_toml(history.policy("enforce").encode(), POLICY_FILE)
        self._scratch = scratch
        self._known: dict[tuple[str, ...], Version] = {}

    def sources(self, rewritten: Rewritten, commit: Commit) -> Sources:
        """A commit's files."""
        return Sources(commit.files, rewritten.blob, self._scratch)

    def get(self, rewritten: Rewritten, commit: Commit, path: str) -> Version:
        """The zone file as it is in this commit."""
        sources = self.sources(rewritten, commit)
        origin = self.history.origin(path)
        assert origin is not None
        key = (path, *sources.blobs(path))
        if key not in self._known:
            self._known[key] = Version(
                path, origin, read(sources, path, origin), self._errors(sources, path)
            )
        return self._known[key]

    def _errors(self, sources: Sources, path: str) -> frozenset[str]:
        files = sources.files
        collection = read_collection(
            files,
            lambda name: sources.blob(files[name]),
            self.policy,
            only=lambda name: name == path,
        )
        return frozenset(finding.id for finding in errors(collection.findings))


@dataclass
class Figures:
    """What a replay saw. `held` counts commit × zone by finding ids; `links` are zone files that
    are symbolic links, commit × file."""

    commits: int = 0
    versions: int = 0
    published: int = 0
    unchanged: int = 0
    removed: int = 0
    links: int = 0
    held: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        held = ", ".join(f"{ids} {count}" for ids, count in sorted(self.held.items()))
        return (
            f"{self.commits} commits, {self.versions} zone versions, {self.published} published, "
            f"{self.unchanged} served unchanged, {self.removed} removed, "
            f"{self.held.total()} held ({held}), {self.links} symbolic links"
        )


class Expected:
    """The state that a replay must be in. `served` and `held` are of the commit that `advance` was
    last called with; `changed` are the zones that it published."""

    def __init__(self, rewritten: Rewritten, versions: Versions) -> None:
        self.rewritten = rewritten
        self.versions = versions
        self.managed = rewritten.mode == "managed"
        self.served: dict[str, Reading] = {}
        self.held: dict[str, frozenset[str]] = {}
        self.changed: set[str] = set()
        self.removed: set[str] = set()
        self.figures = Figures()
        self._seen: set[Version] = set()

    def advance(self, commit: Commit) -> None:
        """Go on to the next commit."""
        origin = self.rewritten.history.origin
        zones = {found: path for path in commit.files if (found := origin(path)) is not None}
        self.removed = self.served.keys() - zones.keys()
        self.served = {name: zone for name, zone in self.served.items() if name in zones}
        self.changed = set()
        self.held = {}
        for path in zones.values():
            version = self.versions.get(self.rewritten, commit, path)
            self._seen.add(version)
            self._follow(version)
        figures = self.figures
        figures.commits += 1
        figures.versions = len(self._seen)
        figures.published += len(self.changed)
        figures.unchanged += len(zones) - len(self.changed) - len(self.held)
        figures.removed += len(self.removed)
        figures.links += sum(origin(path) is not None for path in commit.links)
        figures.held.update("+".join(sorted(ids)) for ids in self.held.values())

    def _follow(self, version: Version) -> None:
        last = self.served.get(version.origin)
        problem = None
        if not self.managed and last is not None:
            problem = serial_rule(last, version.reading)
        if version.errors or problem is not None:
            self.held[version.origin] = version.errors or frozenset((problem or "",))
        elif last is None or not self._same(last, version.reading):
            self.changed.add(version.origin)
            self.served[version.origin] = version.reading

    def _same(self, last: Reading, new: Reading) -> bool:
        # Where the agent assigns serials, that of the file is nothing that changes a zone.
        return last == new or (self.managed and last.records == new.records)


def same_ids(found: Set[str], expected: Set[str]) -> bool:
    """Whether a zone is held for what it should be. One that has errors of its own may break the
    serial rule too, with what could be read of it."""
    return found == expected or (found - SERIAL_IDS == expected and bool(expected))


def serial_rule(last: Reading, new: Reading) -> str | None:
    """What is wrong with the step from one serial to the other (RFC 1982 §3.2), if anything."""
    if last.serial is None or new.serial is None or last == new:
        return None
    step = (new.serial - last.serial) % 2**32
    if step == 0:
        return "serial-not-raised"
    if step == 2**31:
        return "serial-undefined-step"
    return None if step < 2**31 else "serial-backwards"
