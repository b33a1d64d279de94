"""What a commit means for the store: which zones to read, and what the gate and the safety rails
say of them.

Each zone stands for itself: those that pass get a changeset, the others keep their last good
version and are held with the findings that say why. Only zones whose files, includes or policy
changed since they were last published are read, and those that are held.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection as Several
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from zonecast import __version__
from zonecast.errors import ConfigError, RepositoryError
from zonecast.repository import Repository
from zonecast.server.publishing.claims import (
    CATALOG_SOURCE,
    claimed,
    elsewhere_key,
    is_catalog,
    meta_key,
    sources_key,
)
from zonecast.server.publishing.judging import Judge
from zonecast.server.publishing.refusals import (
    all_or_nothing,
    broken_policy,
    other_repository,
    policy_text,
    pulled_elsewhere,
)
from zonecast.server.publishing.safety import Safety, held_bases, read_policy
from zonecast.server.publishing.stepping import SMALLEST
from zonecast.server.reading import helpers
from zonecast.store.reader import Snapshot
from zonecast.store.schema import ZoneRecord
from zonecast.zone import names
from zonecast.zone.changeset import Changeset
from zonecast.zone.collection import closure, read_collection, zone_files
from zonecast.zone.findings import Finding, errors
from zonecast.zone.policy import POLICY_FILE, Floors, Policy

# Path → blob of everything that a zone file may include, itself too; None for what is not there.
Blobs = dict[str, str | None]


@dataclass(frozen=True)
class Job:
    """What the controller asks for. `commit_time` is in POSIX seconds; `name` is the repository's
    in status and store, `others` those of the other repositories, `primaries` those of the servers
    that zones are pulled from; `pulled` these zones, as far as they are known yet; `catalogs_of` has
    each repository's catalogs, and `handover` is for how many seconds one says where a zone of its
    own moved; `approved` says that a person approved the commit; `served` are the
    serials that secondaries have of zones that are new here, None before they were asked."""

    name: str
    commit: str
    commit_time: int
    catalogs_of: Mapping[str, tuple[bytes, ...]] = field(default_factory=dict)
    handover: float = 0.0
    others: tuple[str, ...] = ()
    primaries: tuple[str, ...] = ()
    pulled: frozenset[bytes] = frozenset()
    approved: bool = False
    floors: Floors = field(default_factory=Floors)
    served: Mapping[bytes, Several[int]] | None = field(default_factory=dict)

    @property
    def catalogs(self) -> frozenset[bytes]:
        """All catalogs that this agent publishes."""
        return frozenset(catalog for own in self.catalogs_of.values() for catalog in own)

    def serials(self, origin: bytes) -> Several[int]:
        """The serials that secondaries have of a zone."""
        return () if self.served is None else self.served.get(origin.lower(), ())


@dataclass
class Plan:
    """What a commit means for the store, before anything is written. `policy` is the policy
    file's blob, `policy_text` what it says; `inherited` are zones that are held back, of a source
    that is none any more, with their paths; `named` the zones whose source this repository is."""

    safety: Safety
    changesets: dict[bytes, Changeset] = field(default_factory=dict)
    adopted: dict[bytes, ZoneRecord] = field(default_factory=dict)
    inherited: dict[bytes, tuple[ZoneRecord, str]] = field(default_factory=dict)
    removed: list[bytes] = field(default_factory=list)
    held: dict[bytes, list[Finding]] = field(default_factory=dict)
    paths: dict[bytes, str] = field(default_factory=dict)
    named: set[bytes] = field(default_factory=set)
    sources: dict[str, Blobs] = field(default_factory=dict)
    policy: str | None = None
    policy_text: str = ""
    policy_error: list[Finding] = field(default_factory=list)


def make_plan(job: Job, repository: Repository, snapshot: Snapshot) -> Plan:
    """Read what changed in the commit and pass it through the gate."""
    listing = repository.listing(job.commit)
    published = snapshot.meta(meta_key(job.name)) or {}
    plan = Plan(_safety(job, repository, snapshot, published), policy=listing.get(POLICY_FILE))
    rewritten = plan.safety.history()
    if rewritten is not None:
        plan.policy_error = [rewritten]
        return plan
    try:
        plan.policy_text = policy_text(repository, listing, published)
        policy = read_policy(plan.policy_text)
    except ConfigError as error:
        plan.policy_error = [broken_policy(error)]
        return plan
    files, _ = zone_files(listing, policy)
    for path, origin in files.items():
        plan.paths.setdefault(origin.lower(), path)
    claims = claimed(snapshot, job.others)
    elsewhere = {*job.pulled, *job.catalogs, *claims}
    plan.named = plan.paths.keys() - elsewhere
    if plan.policy == published.get("policy"):
        known: dict[str, Blobs] = snapshot.meta(sources_key(job.name)) or {}
        plan.sources = {path: blobs for path, blobs in known.items() if path in files}
    changed = _changed(job, plan, files, listing, snapshot)
    contents = _Contents(listing, repository, changed)
    judge = Judge(snapshot, plan.safety, job.commit_time, job.serials)
    if published.get("program") == __version__:
        _take_steps(plan, changed, files, contents, judge, policy, elsewhere)
    # A file whose name is no zone's is no zone file, and is named all the same.
    collection = read_collection(
        listing,
        contents.read,
        policy,
        only=lambda path: path in changed or path not in files,
        helpers=helpers(),
    )
    for finding in errors(collection.unplaced):
        plan.held.setdefault(_held_key(finding), []).append(finding)
    for origin, parsed in collection.zones.items():
        if _is_elsewhere(plan, job, claims, origin, parsed.path):
            continue
        stopped, changeset = judge.whole(origin, parsed, policy.zone(origin))
        if changeset is None:
            plan.held[origin] = stopped
        else:
            _settle(plan, origin, changeset, snapshot)
            paths = closure(parsed.path, listing, contents.read)
            plan.sources[parsed.path] = {path: listing.get(path) for path in paths}
    _remove(plan, job, snapshot, elsewhere, first=not published)
    if policy.publish == "all-or-nothing" and plan.held:
        return Plan(plan.safety, held=plan.held, policy_error=[all_or_nothing(plan.held)])
    return plan


def _is_elsewhere(
    plan: Plan, job: Job, claims: Mapping[bytes, str], origin: bytes, path: str
) -> bool:
    """Whether a zone is pulled here, or another repository's: then it is held."""
    if origin in job.pulled or origin in job.catalogs:
        here = origin in job.catalogs
        plan.held[origin] = [pulled_elsewhere(origin, path, published_here=here)]
    elif origin in claims:
        key = elsewhere_key(job.name, origin)
        plan.held[key] = [other_repository(origin, path, claims[origin])]
        plan.sources.pop(path, None)
    else:
        return False
    return True


def _safety(
    job: Job, repository: Repository, snapshot: Snapshot, published: Mapping[str, Any]
) -> Safety:
    try:
        policy = read_policy(published.get("policy-text", ""))
    except ConfigError:
        policy = Policy()  # published by a version that read it otherwise
    return Safety(
        repository,
        job.commit,
        published.get("commit"),
        policy,
        job.floors,
        job.approved,
        held_bases(snapshot.held(), job.name),
    )


def _remove(
    plan: Plan, job: Job, snapshot: Snapshot, elsewhere: Several[bytes], *, first: bool
) -> None:
    """The zones that the commit has no more, where the rails let them go. A repository takes what
    it names, though it is held, from a source that is none any more; the `first` commit published
    from it takes the rest as well: it may be a clone that is some commits old."""
    sources = {job.name, *job.others, *job.primaries, CATALOG_SOURCE}
    for record in snapshot.records():
        origin = record.origin.lower()
        ours = record.source == job.name
        if not ours and origin in elsewhere:
            continue
        if origin in plan.named:
            if origin in plan.held and not ours:
                plan.inherited[origin] = record, plan.paths[origin]
            continue
        left = first and record.source not in sources and not is_catalog(snapshot, record)
        if not (ours or left) or origin in plan.paths:
            continue
        path = record.path or names.to_text(record.origin).rstrip(".")
        stopped = plan.safety.removal(record.origin, path)
        if not stopped:
            plan.removed.append(record.origin)
        else:
            plan.held[origin] = stopped
            if not ours:
                plan.inherited[origin] = record, path


def _changed(
    job: Job,
    plan: Plan,
    files: Mapping[str, bytes],
    listing: Mapping[str, str],
    snapshot: Snapshot,
) -> set[str]:
    """The zone files to read: those that differ from what was last published from them in the
    file itself or in anything it may include, those held back, and those new to this source."""
    held = snapshot.held()
    changed = set()
    for path, origin in files.items():
        before = plan.sources.get(path)
        record = snapshot.record(origin.lower())
        if (
            before is None
            or any(listing.get(name) != blob for name, blob in before.items())
            or origin.lower() in held
            or record is None
            or record.source != job.name
        ):
            changed.add(path)
    return changed


def _take_steps(
    plan: Plan,
    changed: set[str],
    files: Mapping[str, bytes],
    contents: _Contents,
    judge: Judge,
    policy: Policy,
    elsewhere: Several[bytes],
) -> None:
    """Settle the big files that can be judged by what changed in them, and take them off. The
    zones in `elsewhere` are none of this repository's."""
    holders = Counter(origin.lower() for origin in files.values())
    for path in sorted(changed):
        origin = files[path].lower()
        blobs = plan.sources.get(path, {})
        published = blobs.get(path)
        # A file with includes, or of a zone that another file has too, is read as a whole.
        if published is None or len(blobs) > 1 or holders[origin] > 1 or origin in elsewhere:
            continue
        new = contents.read(path)
        old = contents.old(published) if len(new) >= SMALLEST else None
        changeset = old and judge.change(files[path], path, old, new, policy.zone(origin))
        if changeset:
            _settle(plan, origin, changeset, judge.snapshot)
            plan.sources[path] = {path: contents.blob(path)}
            changed.discard(path)


def _settle(plan: Plan, origin: bytes, changeset: Changeset, snapshot: Snapshot) -> None:
    """Note the changeset to a version that passed the gate."""
    if changeset.changes_anything():
        plan.changesets[origin] = changeset
    else:
        record = snapshot.record(origin)
        assert record is not None
        plan.adopted[origin] = record


class _Contents:
    """The commit's files: those surely needed fetched at once, includes as they are met."""

    def __init__(
        self, listing: Mapping[str, str], repository: Repository, needed: Iterable[str]
    ) -> None:
        self._listing = listing
        self._repository = repository
        self._blobs = repository.blobs([listing[path] for path in needed])

    def blob(self, path: str) -> str:
        """The blob of a file."""
        return self._listing[path]

    def old(self, blob: str) -> bytes | None:
        """What an earlier commit's file held, None where the repository has it no more."""
        try:
            return self._repository.blobs([blob])[blob]
        except RepositoryError:
            return None

    def read(self, path: str) -> bytes:
        """A file's octets."""
        blob = self._listing[path]
        if blob not in self._blobs:
            self._blobs.update(self._repository.blobs([blob]))
        return self._blobs[blob]


def _held_key(finding: Finding) -> bytes:
    if finding.zone:
        return names.from_text(finding.zone, names.ROOT).lower()
    return finding.position.path.encode("utf-8", "surrogateescape")
