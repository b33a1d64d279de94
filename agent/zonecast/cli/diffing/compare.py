"""What differs between two sets of zones: which came, went, changed, were moved or renamed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Literal, NamedTuple

from zonecast.cli.revisions import Files, changed_between, read_zones, touched_zones
from zonecast.errors import UsageError
from zonecast.zone import names
from zonecast.zone.changeset import diff
from zonecast.zone.collection import zone_files
from zonecast.zone.differences import Difference, differences, removal
from zonecast.zone.findings import errors
from zonecast.zone.policy import Policy
from zonecast.zone.renames import find_renames, relocated
from zonecast.zone.rrset import Zone

Status = Literal["added", "removed", "changed", "renamed", "moved", "unreadable"]


class Counts(NamedTuple):
    """How many records were added and deleted, have another TTL, and SOAs other fields."""

    added: int = 0
    deleted: int = 0
    ttl: int = 0
    soa: int = 0


class ZoneDifference(NamedTuple):
    """What happened to one zone; `old_zone` and `similarity` (per cent) where it was renamed.

    A serial is None on the side where there is no such zone, where its SOA cannot be read, or
    where the agent assigns it; a path on a side without files. `broken` are the paths that have
    errors, so that the records may not be all.
    """

    zone: str
    status: Status
    old_serial: int | None
    new_serial: int | None
    old_path: str | None
    new_path: str | None
    records: list[Difference]
    broken: list[str]
    old_zone: str | None = None
    similarity: int | None = None

    @property
    def counts(self) -> Counts:
        """How many records of each kind."""
        return counts([self])


class Comparison(NamedTuple):
    """The zones that differ, and the files that no zone can be read from."""

    zones: list[ZoneDifference]
    unplaced: list[str]


class Version(NamedTuple):
    """One side's version of a zone; `zone` is None where its SOA cannot be read."""

    zone: Zone | None
    path: str | None = None
    broken: bool = False


Versions = Mapping[bytes, Version]


def counts(zones: Iterable[ZoneDifference]) -> Counts:
    """How many records of each kind, of several zones."""
    kinds = Counter(record.kind for item in zones for record in item.records)
    return Counts(kinds["add"], kinds["delete"], kinds["ttl"], kinds["soa"])


def compare_files(before: Files, after: Files, only: frozenset[bytes]) -> Comparison:
    """What differs between the zones in two sets of files, of `only` where that is not empty.
    Raises UsageError for one of `only` that is in neither."""
    new_policy = after.policy()
    old_policy = before.policy_or(new_policy)
    placed = [
        zone_files(files.paths, policy)[0].values()
        for files, policy in ((before, old_policy), (after, new_policy))
    ]
    _must_exist(only, {origin.lower() for origins in placed for origin in origins})
    changed = changed_between(before, after, before.paths & after.paths)
    sides = ((before, old_policy), (after, new_policy))
    # Both versions of a zone are read where either is touched: it may have moved.
    touched = frozenset(
        zone_files([path], policy)[0][path].lower()
        for files, policy in sides
        for path in touched_zones(changed, files, policy)
    )
    read = [_versions(files, policy, only, touched, changed) for files, policy in sides]
    (old, old_unplaced), (new, new_unplaced) = read
    return Comparison(compare(old, new), sorted(old_unplaced | new_unplaced))


def compare_served(
    served: Callable[[Iterable[bytes]], Mapping[bytes, Zone]],
    after: Files,
    only: frozenset[bytes],
) -> Comparison:
    """What would change of what is served, if these files were published. `served` gives the
    zones that are, of those in the files and others from the same source. Raises UsageError for
    one of `only` that is neither in the files nor served."""
    policy = after.policy()
    versions, unplaced = _versions(after, policy, only, None, after.paths)
    before = {
        origin: Version(zone)
        for origin, zone in served(versions.keys() | only).items()
        if not only or origin in only
    }
    _must_exist(only, before.keys() | versions.keys())
    found = []
    for item in compare(before, versions):
        zone = names.from_text(item.zone, names.ROOT)
        if policy.zone(zone).serial.mode == "managed" and item.status == "changed":
            # The file's serial is nobody's: the agent assigns the next one.
            if not item.records and not item.broken:
                continue
            found.append(item._replace(new_serial=None))
        else:
            found.append(item)
    return Comparison(found, sorted(unplaced))


def _must_exist(only: Iterable[bytes], known: AbstractSet[bytes]) -> None:
    missing = sorted(names.to_text(origin) for origin in only if origin not in known)
    if missing:
        raise UsageError(
            f"no such zone on either side: {', '.join(missing)}",
            where="--zone",
            remedy="without --zone every zone that differs is shown",
        )


def _versions(
    files: Files,
    policy: Policy,
    only: frozenset[bytes],
    touched: frozenset[bytes] | None,
    nameless: AbstractSet[str],
) -> tuple[Versions, set[str]]:
    """The `touched` zones (None: all) that are among `only`, and which of the `nameless` paths
    ought to hold a zone and have no zone's name."""
    origins, _ = zone_files(files.paths, policy)

    def wanted(path: str) -> bool:
        if path not in origins:
            return not only and path in nameless
        origin = origins[path].lower()
        return (touched is None or origin in touched) and (not only or origin in only)

    collection = read_zones(files, policy, wanted)
    versions = {
        origin: Version(
            None if parsed.zone.soa is None else parsed.zone,
            parsed.path,
            bool(errors(parsed.findings)),
        )
        for origin, parsed in collection.zones.items()
    }
    return versions, {found.position.path for found in collection.unplaced}


def compare(before: Versions, after: Versions) -> list[ZoneDifference]:
    """What differs between two sets of zones by lower-cased origin, in canonical order of names."""
    gone = {origin: before[origin] for origin in before.keys() - after.keys()}
    come = {origin: after[origin] for origin in after.keys() - before.keys()}
    renames = find_renames(_readable(gone), _readable(come))
    found = {rename.new: _renamed(gone[rename.old], come[rename.new]) for rename in renames}
    similar = {rename.new: rename.similarity for rename in renames}
    for origin, item in found.items():
        found[origin] = item._replace(similarity=similar[origin])
    told = {rename.old for rename in renames} | similar.keys()
    for origin in (before.keys() | after.keys()) - told:
        single = _zone_difference(origin, before.get(origin), after.get(origin))
        if single is not None:
            found[origin] = single
    return [found[origin] for origin in sorted(found, key=names.node_key)]


def _readable(versions: Versions) -> dict[bytes, Zone]:
    return {origin: side.zone for origin, side in versions.items() if side.zone is not None}


def _renamed(old: Version, new: Version) -> ZoneDifference:
    assert old.zone is not None
    assert new.zone is not None
    origin = new.zone.origin
    records = differences(diff(relocated(old.zone, origin), new.zone))
    item = _told(origin, "renamed", old, new, records)
    return item._replace(old_zone=names.to_text(old.zone.origin))


def _zone_difference(
    origin: bytes, old: Version | None, new: Version | None
) -> ZoneDifference | None:
    if any(side is not None and side.zone is None for side in (old, new)):
        # With one version alone nothing can be said of any record.
        return _told(origin, "unreadable", old, new, [])
    if old is None or new is None:
        one = old or new
        assert one is not None
        assert one.zone is not None
        making = diff(None, one.zone)
        if new is None:
            return _told(origin, "removed", old, new, removal(making))
        return _told(origin, "added", old, new, differences(making))
    assert old.zone is not None
    assert new.zone is not None
    records = differences(diff(old.zone, new.zone))
    if records or old.zone.serial != new.zone.serial:
        return _told(origin, "changed", old, new, records)
    if old.broken or new.broken:
        return _told(origin, "unreadable", old, new, [])
    if None not in (old.path, new.path) and old.path != new.path:
        return _told(origin, "moved", old, new, [])
    return None


def _told(
    origin: bytes,
    status: Status,
    old: Version | None,
    new: Version | None,
    records: list[Difference],
) -> ZoneDifference:
    return ZoneDifference(
        names.to_text(origin),
        status,
        None if old is None or old.zone is None else old.zone.serial,
        None if new is None or new.zone is None else new.zone.serial,
        None if old is None else old.path,
        None if new is None else new.path,
        records,
        [side.path for side in (old, new) if side is not None and side.path and side.broken],
    )
