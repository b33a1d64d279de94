"""The catalogs of a repository (RFC 9432): which zones each lists, with which properties.

A zone is in the catalog that its repository's policy names, else in the first one configured. One
that moves stays in the old catalog for a while with a `coo` that names the new one (§4.3.1), so that
each consumer hands it over, with its data, whichever of the two it hears of first.
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


@dataclass
class Written:
    """The catalogs that changed; what status has to say; when the first zone that moved leaves
    its old catalog, in POSIX seconds, None where none did."""

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
    for catalog in own:
        listings = {name: p.listing for name, p in placed.items() if p.catalog == catalog}
        listings |= _moved(job, catalog, listed[catalog], placed, transaction, now, written)
        if _write(job, catalog, listings, old[catalog], transaction):
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


def _moved(
    job: Job,
    catalog: bytes,
    listed: Mapping[bytes, Member],
    placed: Mapping[bytes, _Place],
    transaction: WriteTransaction,
    now: float,
    written: Written,
) -> dict[bytes, Listing]:
    """The members that another catalog of ours has now, for as long as this one says so."""
    key = f"moved/{names.to_text(catalog)}"
    since: dict[str, float] = transaction.snapshot.meta(key) or {}
    kept = {}
    found = {}
    for name in listed:
        place = placed.get(name)
        if place is None or place.catalog == catalog:
            continue
        began = since.get(name.hex(), now)
        due = began + job.handover
        if now < due:
            kept[name.hex()] = began
            found[name] = place.listing._replace(coo=place.catalog)
            written.due = due if written.due is None else min(due, written.due)
    if kept != since:
        transaction.set_meta(key, kept or None)
    return found


def _write(
    job: Job,
    catalog: bytes,
    listings: Mapping[bytes, Listing],
    old: Zone | None,
    transaction: WriteTransaction,
) -> bool:
    """Publish a catalog where it lists something else than `old`; whether it does."""
    snapshot = transaction.snapshot
    last = snapshot.removed(catalog) if old is None else old
    above = [*job.serials(catalog)]
    if last is not None and last.serial is not None:
        above.append(last.serial)
    serial = next_serial(above, "unixtime", job.commit_time)
    zone = build(catalog, listings, serial, old)
    record = snapshot.record(catalog)
    if zone is not old or record is None:
        transaction.replace(zone, source=CATALOG_SOURCE, commit=job.commit)
        return True
    if record.source != CATALOG_SOURCE:
        transaction.adopt(record, source=CATALOG_SOURCE, path="", commit=job.commit)
    return False
