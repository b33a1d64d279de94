"""The catalogs of a repository (RFC 9432): which zones each lists, with which properties.

A zone is in the catalog that its repository's policy names, else in the first one configured. One
that moves (§4.3.1) first gets a `coo` in the old catalog, a moment later it is in the new one, and
at last it leaves the old. A consumer may look for the `coo` only when the new catalog changes (BIND
does), so the new one changes once more then, for who has not moved the zone by that time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from zonecast.errors import ConfigError
from zonecast.protocol.catalog import CatalogError, Listing, Member, build, members
from zonecast.server.publishing.claims import CATALOG_SOURCE, meta_key
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.safety import read_policy
from zonecast.store.reader import Snapshot
from zonecast.store.writer import WriteTransaction
from zonecast.zone import names
from zonecast.zone.policy import Policy
from zonecast.zone.rrset import Zone
from zonecast.zone.serial import next_serial

# Of the time that a zone is in both catalogs: how long before, in seconds and as a share of that
# time, the old one says so, and the greatest.
_AHEAD = 0.1
_AHEAD_AT_MOST = 30.0


@dataclass
class Written:
    """The catalogs that changed; what status has to say; when the next step of a zone that moves
    is due, in POSIX seconds, None where none does."""

    changed: list[bytes] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    due: float | None = None


class _Place(NamedTuple):
    catalog: bytes
    listing: Listing


def write_catalogs(job: Job, transaction: WriteTransaction, now: float) -> Written:
    """Publish each catalog of the job's repository whose members changed; `now` is in POSIX
    seconds."""
    written = Written()
    own = job.catalogs_of.get(job.name, ())
    if not own:
        return written
    snapshot = transaction.snapshot
    old = {catalog: snapshot.zone(catalog) for catalog in own}
    listed = {catalog: _members(zone) for catalog, zone in old.items()}
    placed = _places(job, snapshot, listed, written)
    moves = [_moves(job, c, listed, placed, transaction, now) for c in own]
    early = {name for move in moves for name in move.early}
    again = {catalog for move in moves for catalog in move.again}
    written.due = min((move.due for move in moves if move.due is not None), default=None)
    for catalog, move in zip(own, moves, strict=True):
        listings = {n: p.listing for n, p in placed.items() if p.catalog == catalog}
        listings = {n: listing for n, listing in listings.items() if n not in early} | move.leaving
        if _write(job, catalog, listings, old[catalog], transaction, anew=catalog in again):
            written.changed.append(catalog)
    return written


def _members(zone: Zone | None) -> Mapping[bytes, Member]:
    try:
        return {} if zone is None else members(zone)
    except CatalogError:
        return {}


def _places(
    job: Job,
    snapshot: Snapshot,
    listed: Mapping[bytes, Mapping[bytes, Member]],
    written: Written,
) -> dict[bytes, _Place]:
    """Every zone that a catalog of ours lists. One of a source that is none any more stays where
    it is listed until it is removed or taken over."""
    policies: dict[str, Policy] = {}
    configured = {job.name, *job.others}
    found = {}
    for record in snapshot.records():
        origin, source = record.origin.lower(), record.source
        allowed: tuple[bytes, ...] = job.catalogs_of.get(source, ())
        if source not in configured and origin not in job.pulled and origin not in job.catalogs:
            allowed = tuple(c for c, known in listed.items() if _stays(known.get(origin)))
        if not allowed:
            continue
        if source not in policies:
            policies[source] = _policy(snapshot, source)
        policy = policies[source].zone(origin)
        catalog = policy.catalog if policy.catalog in allowed else allowed[0]
        if policy.catalog is not None and policy.catalog != catalog and source == job.name:
            written.warnings.append(
                f"{names.to_text(origin)} is listed in {names.to_text(catalog)}: its policy names "
                f"{names.to_text(policy.catalog)}, which 'catalog' of [[repository]] {source} does"
                " not"
            )
        groups = tuple(group.encode() for group in policy.groups)
        found[origin] = _Place(catalog, Listing(groups, None, policy.reset))
    return found


def _stays(member: Member | None) -> bool:
    return member is not None and member.coo is None


def _policy(snapshot: Snapshot, source: str) -> Policy:
    """The policy that was last published from a repository."""
    published = snapshot.meta(meta_key(source)) or {}
    try:
        return read_policy(published.get("policy-text", ""))
    except ConfigError:
        return Policy()  # published by a version that read it otherwise


@dataclass
class _Moves:
    """Of one catalog: the members that it gives away, those of them that the new catalog is not
    to list yet, the catalogs to publish once more, and when the next step is due."""

    leaving: dict[bytes, Listing] = field(default_factory=dict)
    early: set[bytes] = field(default_factory=set)
    again: set[bytes] = field(default_factory=set)
    due: float | None = None


def _moves(
    job: Job,
    catalog: bytes,
    listed: Mapping[bytes, Mapping[bytes, Member]],
    placed: Mapping[bytes, _Place],
    transaction: WriteTransaction,
    now: float,
) -> _Moves:
    """The members of a catalog that another one of ours has now, or is to have."""
    key = f"moved/{names.to_text(catalog)}"
    since: dict[str, float] = transaction.snapshot.meta(key) or {}
    moves = _Moves()
    kept = {}
    for name in listed[catalog]:
        place = placed.get(name)
        if place is None or place.catalog == catalog:
            continue
        began = since.get(name.hex(), now)
        due = began + min(_AHEAD * job.handover, _AHEAD_AT_MOST)
        # One that moves back is still listed there.
        if now < due and name not in listed.get(place.catalog, {}):
            moves.early.add(name)
        else:
            due = began + job.handover
        if now < due:
            kept[name.hex()] = began
            moves.leaving[name] = place.listing._replace(coo=place.catalog)
            moves.due = due if moves.due is None else min(due, moves.due)
        else:
            moves.again.add(place.catalog)
    if kept != since:
        transaction.set_meta(key, kept or None)
    return moves


def _write(
    job: Job,
    catalog: bytes,
    listings: Mapping[bytes, Listing],
    old: Zone | None,
    transaction: WriteTransaction,
    *,
    anew: bool,
) -> bool:
    """Publish a catalog where it lists something else than `old`, or `anew`; whether it is."""
    snapshot = transaction.snapshot
    last = snapshot.removed(catalog) if old is None else old
    above = [*job.serials(catalog)]
    if last is not None and last.serial is not None:
        above.append(last.serial)
    serial = next_serial(above, "unixtime", job.commit_time)
    zone = build(catalog, listings, serial, None if anew else old)
    record = snapshot.record(catalog)
    if zone is not old or record is None:
        transaction.replace(zone, source=CATALOG_SOURCE, commit=job.commit)
        return True
    if record.source != CATALOG_SOURCE:
        transaction.adopt(record, source=CATALOG_SOURCE, path="", commit=job.commit)
    return False
