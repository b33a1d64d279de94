"""The journal of a lost store, from git: where a secondary has an older version of a zone, and git
has exactly one with that serial, it gets the changes (RFC 1995) and not the whole zone again.

Managed zones are left out: git does not hold their serials.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise

from zonecast.errors import ZonecastError
from zonecast.repository import Repository
from zonecast.server.publishing.past import Past
from zonecast.server.publishing.planning import Job, Plan
from zonecast.server.publishing.safety import read_policy
from zonecast.store.writer import ZonesWriter
from zonecast.zone.changeset import Changeset, diff
from zonecast.zone.policy import POLICY_FILE
from zonecast.zone.rrset import SOA_KEY, Zone
from zonecast.zone.serial import MODULUS, is_greater

log = logging.getLogger("zonecast.publishing")

# Records of the newest version.
LARGEST = 100_000
# Seconds for all zones: the secondaries wait to be told of them.
SECONDS = 20.0


def remember(job: Job, plan: Plan, repository: Repository, writer: ZonesWriter, now: float) -> None:
    """Write what leads from the versions that secondaries have to those just published first. They
    are published whatever comes of it: what fails is logged."""
    deadline = time.monotonic() + SECONDS
    try:
        # Found before the store is locked: it takes a while.
        recalled = dict(_recalled(job, plan, repository, deadline))
        if recalled:
            with writer.transaction(now) as transaction:
                for origin, changesets in recalled.items():
                    transaction.precede(origin, changesets)
    except Exception:
        log.exception("%s: the journal is not rebuilt from git's history", job.name)


def _recalled(
    job: Job, plan: Plan, repository: Repository, deadline: float
) -> Iterator[tuple[bytes, list[Changeset]]]:
    """The changesets that lead to each zone's published version, oldest first."""
    if not job.served or plan.policy_error:
        return
    policy = read_policy(plan.policy_text)
    for origin, changeset in plan.changesets.items():
        serials = {s for s in job.serials(origin) if is_greater(changeset.new_serial, s)}
        if (
            not serials
            or changeset.old_soa is not None
            or policy.zone(origin).serial.mode == "managed"
            or sum(len(rrset.rdatas) for rrset in changeset.added) > LARGEST
        ):
            continue
        if time.monotonic() > deadline:
            log.warning("%s: no time to rebuild the journals of all zones", job.name)
            return
        past = Past(repository, job.commit, plan.paths[origin], changeset.origin)
        try:
            tip = {**plan.sources[past.path], POLICY_FILE: plan.policy}
            found = past.find(serials, tip, lambda: time.monotonic() > deadline)
        except ZonecastError as error:
            log.warning("%s in git's history: %s", past.path, error)
            continue
        if found:
            yield origin, _chain(found, changeset)


def _chain(found: Mapping[int, Zone], first: Changeset) -> list[Changeset]:
    """From the oldest to the next one, and so on to the published version."""
    rrsets = {rrset.key: rrset for rrset in first.added}
    newest = Zone(first.origin, {**rrsets, SOA_KEY: first.new_soa})
    far = sorted(found, key=lambda serial: (first.new_serial - serial) % MODULUS, reverse=True)
    versions = [*(found[serial] for serial in far), newest]
    return [diff(old, new) for old, new in pairwise(versions)]
