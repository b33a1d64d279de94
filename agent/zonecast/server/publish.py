"""From one commit to one store transaction: which zones to read, the gate, what is held back.

Each zone stands for itself: those that pass are published, the others keep their last good
version and are held with the findings that say why. Only zones whose files, includes or policy
changed since they were last published are read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zonecast.errors import ConfigError
from zonecast.protocol import catalog as rfc9432
from zonecast.repository import Repository
from zonecast.store.reader import Snapshot
from zonecast.store.schema import ZoneRecord
from zonecast.store.writer import WriteTransaction, ZonesWriter
from zonecast.zone import names
from zonecast.zone.changeset import Changeset
from zonecast.zone.collection import read_collection, zone_files
from zonecast.zone.findings import Finding, Position, errors
from zonecast.zone.gate import judge
from zonecast.zone.policy import POLICY_FILE, Policy
from zonecast.zone.rrset import Zone
from zonecast.zone.serial import is_greater

CATALOG_SOURCE = "catalog"


@dataclass(frozen=True)
class Job:
    """What the controller asks for. `name` is the repository's in status and store; `pulled` the
    zones that this agent gets from primaries; `catalog` lists the zones of all `catalog_names`."""

    name: str
    path: str
    commit: str
    catalog: bytes | None = None
    catalog_names: tuple[str, ...] = ()
    pulled: frozenset[bytes] = frozenset()


@dataclass
class Plan:
    """What a commit means for the store, before anything is written."""

    changesets: dict[bytes, Changeset] = field(default_factory=dict)
    adopted: dict[bytes, ZoneRecord] = field(default_factory=dict)
    removed: list[bytes] = field(default_factory=list)
    held: dict[bytes, list[Finding]] = field(default_factory=dict)
    paths: dict[bytes, str] = field(default_factory=dict)
    sources: dict[str, dict[str, str]] = field(default_factory=dict)
    policy: str | None = None
    policy_error: list[Finding] = field(default_factory=list)


def publish(job: Job, writer: ZonesWriter, now: float) -> dict[str, Any]:
    """Publish a commit; the result as the controller wants it.

    Raises RepositoryError where git cannot read the commit, StoreError where the store cannot be
    written; nothing is published then.
    """
    repository = Repository.open(job.path)
    with writer.snapshot() as snapshot:
        plan = make_plan(job, repository, snapshot)
    with writer.transaction(now) as transaction:
        return _write(job, plan, transaction, repository.commit_time(job.commit), now)


def make_plan(job: Job, repository: Repository, snapshot: Snapshot) -> Plan:
    """Read what changed in the commit and pass it through the gate."""
    listing = repository.listing(job.commit)
    published = snapshot.meta(_meta_key(job.name)) or {}
    plan = Plan(policy=listing.get(POLICY_FILE))
    try:
        policy = _policy(repository, listing, published)
    except ConfigError as error:
        plan.policy_error = [_policy_finding(error)]
        return plan
    blobs = repository.blobs
    files, findings = zone_files(listing, policy)
    known: dict[str, dict[str, str]] = snapshot.meta(_sources_key(job.name)) or {}
    if plan.policy != published.get("policy"):
        known = {}
    held = snapshot.held()
    changed = {
        path
        for path, origin in files.items()
        if origin.lower() in held
        or _differs(known.get(path), listing)
        or (record := snapshot.record(origin.lower())) is None
        or record.source != job.name
    }
    needed = [blob for path, blob in listing.items() if path in changed]
    contents = _Contents(listing, blobs(needed), repository)
    collection = read_collection(listing, contents.read, policy, only=changed.__contains__)
    for finding in errors([*findings, *collection.findings]):
        plan.held.setdefault(_held_key(finding), []).append(finding)
    plan.paths = {origin.lower(): path for path, origin in files.items()}
    plan.sources = {path: files_ for path, files_ in known.items() if path in files}
    for origin, parsed in collection.zones.items():
        old = snapshot.record(origin)
        if origin in job.pulled:
            plan.held.setdefault(origin, []).append(_owned_elsewhere(origin, parsed.files[0]))
        if origin in plan.held:
            continue
        verdict = judge(snapshot.zone(origin), parsed, policy.zone(origin))
        if not verdict.ok or verdict.changeset is None:
            plan.held[origin] = errors(verdict.findings)
            continue
        if verdict.changeset.changes_anything():
            plan.changesets[origin] = verdict.changeset
        elif old is not None:
            plan.adopted[origin] = old
        plan.sources[parsed.files[0]] = {path: listing[path] for path in parsed.files}
    plan.removed = [
        record.origin
        for record in snapshot.records()
        if record.source == job.name and record.origin.lower() not in plan.paths
    ]
    if policy.publish == "all-or-nothing" and plan.held:
        return Plan(held=plan.held, paths=plan.paths, policy_error=[_all_or_nothing(plan.held)])
    return plan


class _Contents:
    """The commit's files: those surely needed fetched at once, includes as they are met."""

    def __init__(
        self, listing: Mapping[str, str], blobs: dict[str, bytes], repository: Repository
    ) -> None:
        self._listing = listing
        self._blobs = blobs
        self._repository = repository

    def read(self, path: str) -> bytes:
        blob = self._listing[path]
        if blob not in self._blobs:
            self._blobs.update(self._repository.blobs([blob]))
        return self._blobs[blob]


def _policy(
    repository: Repository, listing: Mapping[str, str], published: Mapping[str, Any]
) -> Policy:
    blob = listing.get(POLICY_FILE)
    if blob is not None:
        return Policy.from_toml(repository.blobs([blob])[blob], POLICY_FILE)
    if published.get("policy"):
        raise ConfigError(
            "the commit deletes the policy that was published",
            where=POLICY_FILE,
            remedy=f"restore it with: git checkout {published['commit'][:12]} -- {POLICY_FILE}",
        )
    return Policy()


def _policy_finding(error: ConfigError) -> Finding:
    return Finding(
        "policy", "error", Position(error.where or POLICY_FILE), error.message, error.remedy
    )


def _owned_elsewhere(origin: bytes, path: str) -> Finding:
    text = names.to_text(origin)
    return Finding(
        "zone-pulled",
        "error",
        Position(path),
        f"this agent pulls {text} from a primary",
        "remove the file, or the zone from [[zone]] and [[catalog]]",
        text,
    )


def _all_or_nothing(held: Mapping[bytes, list[Finding]]) -> Finding:
    first = next(iter(held.values()))[0]
    return Finding(
        "all-or-nothing",
        "error",
        first.position,
        f'{len(held)} zones fail and the policy says publish = "all-or-nothing"',
        "mend what is held, or set publish to each-zone",
    )


def _differs(files: Mapping[str, str] | None, listing: Mapping[str, str]) -> bool:
    return files is None or any(listing.get(path) != blob for path, blob in files.items())


def _held_key(finding: Finding) -> bytes:
    if finding.zone:
        return names.from_text(finding.zone, names.ROOT).lower()
    return finding.position.path.encode("utf-8", "surrogateescape")


def _meta_key(name: str) -> str:
    return f"repository/{name}"


def _sources_key(name: str) -> str:
    return f"sources/{name}"


def _write(
    job: Job, plan: Plan, transaction: WriteTransaction, commit_time: int, now: float
) -> dict[str, Any]:
    """One transaction: changed zones, removed zones, the catalog, what is held and why."""
    _write_held(job, plan, transaction, now)
    if not plan.policy_error:
        for origin, changeset in plan.changesets.items():
            transaction.apply(
                changeset, source=job.name, commit=job.commit, path=plan.paths[origin]
            )
        for origin, record in plan.adopted.items():
            if (record.source, record.path) != (job.name, plan.paths[origin]):
                transaction.adopt(
                    record, source=job.name, commit=job.commit, path=plan.paths[origin]
                )
        for origin in plan.removed:
            transaction.remove(origin)
        transaction.set_meta(
            _meta_key(job.name), {"commit": job.commit, "published": now, "policy": plan.policy}
        )
        transaction.set_meta(_sources_key(job.name), plan.sources)
    listed = _write_catalog(job, transaction, commit_time)
    return {
        "commit": job.commit,
        "number": transaction.number,
        "published": [
            {
                "zone": names.to_text(origin),
                "old": changeset.old_serial,
                "serial": changeset.new_serial,
                "deleted": sum(len(r.rdatas) for r in changeset.deleted),
                "added": sum(len(r.rdatas) for r in changeset.added),
            }
            for origin, changeset in plan.changesets.items()
            if not plan.policy_error
        ],
        "catalog": None if listed is None else names.to_text(listed),
        "removed": [names.to_text(origin) for origin in plan.removed],
        "held": sorted(key.decode("utf-8", "replace") for key in plan.held),
        "refused": [str(finding) for finding in plan.policy_error],
    }


def _write_held(job: Job, plan: Plan, transaction: WriteTransaction, now: float) -> None:
    findings = dict(plan.held)
    if plan.policy_error:
        findings[_meta_key(job.name).encode()] = plan.policy_error
    before = transaction.snapshot.held()
    for key, reason in before.items():
        # A commit that is refused whole says nothing of the zones that were held before it.
        if reason["repository"] == job.name and key not in findings and not plan.policy_error:
            transaction.hold(key, None)
    for key, found in findings.items():
        since = before[key]["since"] if key in before else now
        reason = {
            "repository": job.name,
            "commit": job.commit,
            "since": since,
            "findings": [
                {**finding._asdict(), "position": str(finding.position)} for finding in found
            ],
        }
        transaction.hold(key, reason)


def _write_catalog(job: Job, transaction: WriteTransaction, commit_time: int) -> bytes | None:
    """Publish the catalog where its members changed; its origin then."""
    if job.catalog is None:
        return None
    snapshot = transaction.snapshot
    members = [r.origin.lower() for r in snapshot.records() if r.source in job.catalog_names]
    old = snapshot.zone(job.catalog)
    serial = commit_time
    if old is not None and old.serial is not None and not is_greater(serial, old.serial):
        serial = (old.serial + 1) % (1 << 32) or 1
    zone = rfc9432.build(job.catalog, members, serial, old)
    record = snapshot.record(job.catalog)
    if zone is old and record is not None and record.source == CATALOG_SOURCE:
        return None
    if zone is old and record is not None:
        transaction.adopt(record, source=CATALOG_SOURCE, path="", commit=job.commit)
        return None
    transaction.replace(zone, source=CATALOG_SOURCE, commit=job.commit)
    return job.catalog


def held_status(held: Mapping[bytes, Any]) -> Iterable[dict[str, Any]]:
    """What is held back, as `status` shows it."""
    for key, reason in held.items():
        name = key.decode("utf-8", "replace")
        if b"\x00" in key and not key.startswith(b"repository/"):
            name = names.to_text(key)
        yield {"what": name, **reason}


__all__ = ["Job", "Zone", "held_status", "publish"]
