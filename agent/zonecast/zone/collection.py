"""A revision's zones: which files are zones, what they include, and what they hold.

Nothing here touches a disk or a repository: `paths` are all the files of a revision (a commit,
the index, a work tree), relative to its top with slashes, and `read` gives a file's octets.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from collections.abc import Collection as Several
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property
from posixpath import basename, dirname, join, normpath

from zonecast.errors import BadNameError, RepositoryError, ZonecastError
from zonecast.zone import names
from zonecast.zone.catalogue import finding
from zonecast.zone.checks import run_checks
from zonecast.zone.findings import Finding, Position
from zonecast.zone.policy import POLICY_FILE, Policy
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Helpers, Parsed, read_zone
from zonecast.zone.zonefile.reader import MAX_INCLUDES

Read = Callable[[str], bytes]

_INCLUDE = re.compile(
    rb'^\$INCLUDE[ \t]+(?:"([^"\r\n]+)"|([^\s";()]+))', re.IGNORECASE | re.MULTILINE
)
_MENTION = re.compile(rb"\$INCLUDE", re.IGNORECASE)


@dataclass
class Collection:
    """The zones of a revision. `origins` has every zone file and its zone, whether it was read or
    not; `zones` those that were read, by lower-cased origin. A zone with error findings is there
    too: it exists, and must not be published. `unplaced` are the findings that belong to no zone
    in `zones`; those of a zone are `gate.judge`'s to give."""

    policy: Policy
    origins: dict[str, bytes] = field(default_factory=dict)
    zones: dict[bytes, Parsed] = field(default_factory=dict)
    unplaced: list[Finding] = field(default_factory=list)

    @cached_property
    def findings(self) -> list[Finding]:
        """All findings, the checks' included, found when first asked for."""
        found = list(self.unplaced)
        for origin, parsed in self.zones.items():
            found += run_checks(parsed, self.policy.zone(origin))
        return found


def zone_files(paths: Iterable[str], policy: Policy) -> tuple[dict[str, bytes], list[Finding]]:
    """(path → origin, findings) of the zone files among `paths`. Where two files hold one zone
    both are listed and the second has a finding."""
    globs = [tuple(pattern.split("/")) for pattern in policy.include]
    found: dict[str, bytes] = {}
    findings: list[Finding] = []
    by_origin: dict[bytes, str] = {}
    for path in sorted(paths):
        origin = policy.origins.get(path)
        if origin is None:
            if not any(_matches(glob, path) for glob in globs):
                continue
            try:
                origin = origin_of(path)
            except BadNameError as error:
                remedy = f"rename it, or say its origin under [origins] in {POLICY_FILE}"
                message = f"the file's name is no zone's: {error.message}"
                findings.append(finding("bad-zone-name", Position(path), message, remedy, ""))
                continue
        found[path] = origin
        first = by_origin.setdefault(origin.lower(), path)
        if first != path:
            zone = names.to_text(origin)
            message = f"the zone {zone} is in {first} as well"
            remedy = f"keep one, or say another origin under [origins] in {POLICY_FILE}"
            findings.append(finding("duplicate-zone", Position(path), message, remedy, zone))
    return found, findings


def origin_of(path: str) -> bytes:
    """The zone that a file's name says: `example.com.zone` and `db.example.com` hold example.com.
    Raises BadNameError."""
    name = basename(path)
    name = name.removesuffix(".zone") if name.endswith(".zone") else name.removeprefix("db.")
    return names.from_text(name, names.ROOT)


def _matches(glob: tuple[str, ...], path: str) -> bool:
    """Whether a glob, in parts, matches a path: `**` any directories, `*` and `?` within one.

    Which of the glob's parts may come next is followed part by part, so that no glob takes long.
    """
    if len(glob) == 2 and glob[0] == "**" != glob[1]:  # as most are written
        return fnmatchcase(basename(path), glob[1].replace("[", "[[]"))
    places = _past_directories(glob, {0})
    for part in path.split("/"):
        following = {place for place in places if place < len(glob) and glob[place] == "**"}
        following |= {
            place + 1
            for place in places - following
            if place < len(glob) and fnmatchcase(part, glob[place].replace("[", "[[]"))
        }
        places = _past_directories(glob, following)
    return len(glob) in places


def _past_directories(glob: tuple[str, ...], places: set[int]) -> set[int]:
    """The places, and those after each `**`, which may stand for no directory at all."""
    found = set(places)
    for place in places:
        while place < len(glob) - 1 and glob[place] == "**":
            place += 1
            found.add(place)
    return found


def candidates(wanted: str, from_path: str) -> tuple[str, ...]:
    """Where an included file may be: beside the file that includes it, else from the top of the
    repository. Raises RepositoryError for a path that leaves the repository."""
    if wanted.startswith("/") or not wanted:
        raise RepositoryError(
            f"'{wanted}' is not a path inside the repository",
            remedy="write it relative to this file or to the top of the repository",
        )
    tried = (normpath(join(dirname(from_path), wanted)), normpath(wanted))
    inside = tuple(dict.fromkeys(p for p in tried if p != ".." and not p.startswith("../")))
    if not inside:
        raise RepositoryError(
            f"'{wanted}' leads out of the repository", remedy="include files of the repository only"
        )
    return inside


def includer(paths: Several[str], read: Read) -> Callable[[str, str], tuple[str, bytes]]:
    """What `read_zone` asks for included files of a revision."""

    def include(wanted: str, from_path: str) -> tuple[str, bytes]:
        tried = candidates(wanted, from_path)
        for path in tried:
            if path in paths:
                return path, read(path)
        raise RepositoryError(
            f"'{wanted}' is not in the repository", remedy=f"looked for {' and '.join(tried)}"
        )

    return include


class Reading:
    """What there is to read in a revision: `origins` has every zone file and its zone, `holders`
    the file that each zone (lower-cased) is read from, which is the first of several; `wanted` the
    zones whose files, any of them, `only` accepts. `faults` are findings about such files, by zone;
    `unplaced` those about files that are no zone's. `helpers` read parts of big files, see
    `read_zone`."""

    def __init__(
        self,
        paths: Iterable[str],
        read: Read,
        policy: Policy,
        *,
        only: Callable[[str], bool] | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        self.known = paths if isinstance(paths, frozenset) else frozenset(paths)
        self.origins, findings = zone_files(self.known, policy)
        self.holders: dict[bytes, str] = {}
        self.faults: dict[bytes, list[Finding]] = {}
        self.unplaced: list[Finding] = []
        for path, origin in self.origins.items():
            self.holders.setdefault(origin.lower(), path)
        asked = {
            origin.lower() for path, origin in self.origins.items() if only is None or only(path)
        }
        self.wanted = [origin for origin in self.holders if origin in asked]
        for found in findings:
            at = found.position.path
            if at in self.origins:
                self.faults.setdefault(self.origins[at].lower(), []).append(found)
            elif only is None or only(at):
                self.unplaced.append(found)
        self._read = read
        self._include = includer(self.known, read)
        self._helpers = helpers

    def zone(self, origin: bytes) -> Parsed:
        """Read the zone with this (lower-cased) origin."""
        path = self.holders[origin]
        parsed = _read(path, self.origins[path], self._read, self._include, self._helpers)
        parsed.findings += self.faults.get(origin, ())
        return parsed


def linked(links: Iterable[str], policy: Policy) -> list[Finding]:
    """Findings for symbolic links in the place of zone files. Nobody follows one: what it names
    may lie outside of the revision."""
    found: list[Finding] = []
    for path, origin in zone_files(links, policy)[0].items():
        message = "a symbolic link is no zone file, and the zone is not served"
        remedy = "put the file itself here; $INCLUDE lets zones share records"
        text = names.to_text(origin)
        item = finding("symbolic-link", Position(path), message, remedy, text)
        found += policy.zone(origin).apply([item])
    return found


def read_collection(
    paths: Iterable[str],
    read: Read,
    policy: Policy,
    *,
    only: Callable[[str], bool] | None = None,
    helpers: Helpers | None = None,
) -> Collection:
    """The zones of a revision; those alone whose zone file's path `only` accepts. Where two files
    hold one zone, the first is read and held back by a finding, whichever of them is wanted.
    `helpers` as in `Reading`."""
    reading = Reading(paths, read, policy, only=only, helpers=helpers)
    zones = {origin: reading.zone(origin) for origin in reading.wanted}
    return Collection(policy, reading.origins, zones, reading.unplaced)


def _read(
    path: str,
    origin: bytes,
    read: Read,
    include: Callable[[str, str], tuple[str, bytes]],
    helpers: Helpers | None,
) -> Parsed:
    try:
        content = read(path)
    except ZonecastError as error:
        zone = names.to_text(origin)
        message = f"cannot be read: {error.message}"
        parsed = Parsed(Zone(origin), files=(path,), serial_position=Position(path))
        parsed.places.files.append(path)
        parsed.findings.append(finding("unreadable", Position(path), message, error.remedy, zone))
        return parsed
    return read_zone(content, path=path, origin=origin, include=include, helpers=helpers)


def closure(path: str, paths: Several[str], read: Read) -> frozenset[str]:
    """A zone file and every path that its `$INCLUDE`s could mean, present or not: a change to any
    of them may change the zone. Found by a scan for plain `$INCLUDE` lines, without reading
    records; where one is written otherwise, by reading the zone."""
    found = {path}
    waiting = [path]
    for _ in range(MAX_INCLUDES):
        if not waiting:
            break
        current = waiting.pop()
        try:
            content = read(current)
        except ZonecastError:
            continue
        written = _included(content)
        if len(written) < len(_MENTION.findall(content)):
            # Written in a way that only the reader knows: let it say what is read.
            parsed = read_zone(
                read(path), path=path, origin=names.ROOT, include=includer(paths, read)
            )
            found.update(parsed.files)
        for wanted in written:
            try:
                tried = candidates(wanted, current)
            except RepositoryError:
                continue
            waiting += [p for p in tried if p in paths and p not in found]
            found.update(tried)
    return frozenset(found)


def _included(content: bytes) -> list[str]:
    """The names in plainly written `$INCLUDE` lines."""
    found = [match[1] or match[2] for match in _INCLUDE.finditer(content)]
    return [name.decode("ascii") for name in found if name.isascii() and b"\\" not in name]


def affected(changed: Several[str], paths: Iterable[str], read: Read, policy: Policy) -> set[str]:
    """The zone files of a revision that the changed paths (added, deleted or modified) touch: the
    file itself, something it includes, or the policy. Reads zone files to find what they include."""
    known = frozenset(paths)
    origins, _ = zone_files(known, policy)
    if POLICY_FILE in changed:
        return set(origins)
    if not changed:
        return set()
    wanted = frozenset(changed)
    return {
        path
        for path in origins
        if path in wanted or not wanted.isdisjoint(closure(path, known, read))
    }
