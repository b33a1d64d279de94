"""What secondaries are asked before a repository's first publication: the store may have been lost,
and they are the ones that know what was served."""

from __future__ import annotations

from typing import NamedTuple

from zonecast.errors import ConfigError, RepositoryError
from zonecast.repository import Listing, Repository
from zonecast.repository.history import before_each
from zonecast.server.publishing.claims import meta_key
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.refusals import policy_text
from zonecast.server.publishing.safety import read_policy
from zonecast.store.reader import Snapshot
from zonecast.zone.collection import affected, zone_files
from zonecast.zone.policy import POLICY_FILE, Policy

# How many commits of the branch are looked at for zones of which an older version may be served.
RECENT = 1000


class Questions(NamedTuple):
    """Zones whose serials are asked for: those that must go above them, as git does not hold
    theirs, and those that git may have the secondaries' versions of."""

    needed: list[bytes]
    useful: list[bytes]


def to_ask(job: Job, repository: Repository, snapshot: Snapshot) -> Questions:
    """What to ask before this job; nothing once the repository was published, or where its policy
    cannot be read. Raises RepositoryError."""
    nothing = Questions([], [])
    if job.served is not None or snapshot.meta(meta_key(job.name)):
        return nothing
    listing = repository.listing(job.commit)
    try:
        policy = read_policy(policy_text(repository, listing, {}))
    except ConfigError:
        return nothing  # it will be refused
    changed = _changed(job, repository, listing, policy)
    needed, useful = {}, {}
    for path, origin in zone_files(listing, policy)[0].items():
        key = origin.lower()
        if key in job.pulled or key in job.catalogs or snapshot.record(key) is not None:
            continue
        if policy.zone(origin).serial.mode == "managed":
            needed[key] = origin
        elif path in changed:
            useful[key] = origin
    own = job.catalogs_of.get(job.name, ())
    catalogs = [catalog for catalog in own if snapshot.record(catalog) is None]
    return Questions([*needed, *catalogs], [*useful])


def _changed(job: Job, repository: Repository, listing: Listing, policy: Policy) -> set[str]:
    """The zone files that were another way lately, themselves or in what they include."""
    try:
        recent = before_each(repository.commands, job.commit, RECENT)
    except RepositoryError:
        return set()  # a partial clone lacks what earlier commits had
    files = zone_files(listing, policy)[0]
    changed = {path for before in recent for path, blob in before.items() if blob is not None}
    changed.discard(POLICY_FILE)
    if changed <= files.keys():
        return changed
    contents = repository.blobs(listing[path] for path in files.keys() - changed)

    def read(path: str) -> bytes:
        blob = listing[path]
        if blob not in contents:
            contents.update(repository.blobs([blob]))
        return contents[blob]

    return affected(changed, listing, read, policy)
