"""From a plan to one store transaction: changed zones, catalogs, what is held back and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from zonecast import __version__
from zonecast.repository import Repository
from zonecast.server.publishing.asking import to_ask
from zonecast.server.publishing.catalogs import write_catalogs
from zonecast.server.publishing.claims import (
    former_name,
    meta_key,
    names_key,
    rename,
    sources_key,
)
from zonecast.server.publishing.history import remember
from zonecast.server.publishing.planning import Job, Plan, make_plan
from zonecast.store.writer import WriteTransaction, ZonesWriter
from zonecast.zone import names


def publish(job: Job, repository: Repository, writer: ZonesWriter, now: float) -> dict[str, Any]:
    """Publish a commit; the result as the controller wants it. Where secondaries have to be asked
    first which serials they have, nothing is published and it is "ask", with the names of the
    zones that need it, and "recall", with those that they may be brought from old to new by it.

    Raises RepositoryError where git cannot read the commit, StoreError where the store cannot be
    written; nothing is published then.
    """
    with writer.snapshot() as snapshot:
        former = former_name(job.name, job.others, job.commit, repository, snapshot)
    if former is not None:
        with writer.transaction(now) as transaction:
            rename(former, job.name, transaction)
    with writer.snapshot() as snapshot:
        questions = to_ask(job, repository, snapshot)
        if any(questions):
            asked = [[names.to_text(origin) for origin in origins] for origins in questions]
            return dict(zip(("ask", "recall"), asked, strict=True))
        plan = make_plan(job, repository, snapshot)
    with writer.transaction(now) as transaction:
        result = {"name": job.name, "former": former, **_write(job, plan, transaction, now)}
    # Answers come first: what follows takes a while, and may find nothing.
    remember(job, plan, repository, writer, now)
    return result


def _write(job: Job, plan: Plan, transaction: WriteTransaction, now: float) -> dict[str, Any]:
    """One transaction: changed zones, removed zones, catalogs, what is held and why."""
    _write_held(job, plan, transaction, now)
    before = transaction.snapshot.meta(names_key(job.name)) or []
    released = set() if plan.policy_error else {*before} - {o.hex() for o in plan.named}
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
        for record, path in plan.inherited.values():
            transaction.adopt(record, source=job.name, commit=record.commit, path=path)
        for origin in plan.removed:
            transaction.remove(origin)
        transaction.set_meta(
            meta_key(job.name),
            {
                "commit": job.commit,
                "published": now,
                "policy": plan.policy,
                "policy-text": plan.policy_text,
                # Another program may find more: what it judges first is read as a whole.
                "program": __version__,
            },
        )
        transaction.set_meta(sources_key(job.name), plan.sources)
        transaction.set_meta(names_key(job.name), sorted(origin.hex() for origin in plan.named))
    catalogs = write_catalogs(job, transaction, now)
    return {
        "commit": job.commit,
        "last": plan.safety.published if plan.policy_error else job.commit,
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
        "catalogs": [names.to_text(catalog) for catalog in catalogs.changed],
        "warnings": catalogs.warnings,
        "due": catalogs.due,
        "removed": [names.to_text(origin) for origin in plan.removed],
        "released": len(released),
        "held": sorted(key.decode("utf-8", "replace") for key in plan.held),
        "refused": [str(finding) for finding in plan.policy_error],
    }


def _write_held(job: Job, plan: Plan, transaction: WriteTransaction, now: float) -> None:
    findings = dict(plan.held)
    if plan.policy_error:
        findings[meta_key(job.name).encode()] = plan.policy_error
    before = transaction.snapshot.held()
    for key, reason in before.items():
        # A commit that is refused whole says nothing of the zones that were held before it.
        if plan.policy_error or key in findings:
            continue
        # A zone that moved here from another repository is not removed there any more.
        moved = key in plan.changesets or key in plan.adopted
        if reason["repository"] == job.name or (moved and _is_removal(reason)):
            transaction.hold(key, None)
    for key, found in findings.items():
        since = before[key]["since"] if key in before else now
        reason = {
            "repository": job.name,
            "commit": job.commit,
            "since": since,
            "base": plan.safety.base(key).table(),
            "findings": [
                {**finding._asdict(), "position": str(finding.position)} for finding in found
            ],
        }
        if key.startswith(b"elsewhere/"):
            reason["zone"] = found[0].zone
        transaction.hold(key, reason)


def _is_removal(reason: Mapping[str, Any]) -> bool:
    return any(finding["id"] == "zone-removed" for finding in reason["findings"])


def held_status(held: Mapping[bytes, Any]) -> Iterable[dict[str, Any]]:
    """What is held back, as `status` shows it: a zone, a file or a whole repository's commit."""
    for key, reason in held.items():
        if key == meta_key(reason["repository"]).encode():
            what = reason["repository"]
        elif "zone" in reason:
            what = reason["zone"]
        else:
            what = names.to_text(key) if b"\x00" in key else key.decode("utf-8", "replace")
        yield {"what": what, **reason}
