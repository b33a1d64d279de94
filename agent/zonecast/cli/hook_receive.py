"""The pre-receive hook: a push may become the published branch, or it is refused whole."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from zonecast.cli.hook_judgement import Judgement, Parent, judge_change
from zonecast.cli.revisions import NO_FILES, committed
from zonecast.errors import RejectedError, UsageError
from zonecast.repository import Repository
from zonecast.zone.findings import Finding

BRANCH_KEY = "zonecast.branch"


class RefUpdate(NamedTuple):
    """One line of a hook's input; `old` or `new` is None where the ref is made or deleted."""

    old: str | None
    new: str | None
    ref: str


def parse_updates(lines: Iterable[str]) -> list[RefUpdate]:
    """What git writes to pre-receive's standard input. Raises UsageError for anything else."""
    updates = []
    for line in lines:
        words = line.rstrip("\n").split(" ", 2)
        if len(words) != 3:
            raise UsageError(
                "expected 'OLD NEW REF' lines on standard input", remedy="git calls this hook"
            )
        old, new = (word if word.strip("0") else None for word in words[:2])
        updates.append(RefUpdate(old, new, words[2]))
    return updates


def published_branch(repository: Repository) -> str:
    """The branch that gates: `zonecast.branch` in the configuration, else the one HEAD names."""
    return repository.config(BRANCH_KEY) or repository.head_branch() or "main"


def judge_push(
    repository: Repository, updates: Iterable[RefUpdate], branch: str
) -> Judgement | None:
    """Judge a push of the published branch; None where it does not move that.

    Raises RejectedError for what no fixed zone would mend, ConfigError for a broken policy.
    """
    ref = f"refs/heads/{branch}"
    for update in updates:
        if update.ref == ref:
            return judge_update(repository, update, branch)
    return None


def judge_update(repository: Repository, update: RefUpdate, branch: str) -> Judgement:
    """Judge one move of the published branch; raises as `judge_push` does."""
    if update.new is None:
        raise RejectedError(
            "this branch is published and is not deleted",
            where=branch,
            remedy="to take zones out of service, remove their files and push that",
        )
    new = committed(repository, update.new)
    if update.old is None:
        return judge_change([Parent(NO_FILES, set(new.paths))], new)
    if not repository.is_ancestor(update.old, update.new):
        raise RejectedError(
            f"this push does not contain {update.old[:12]}, which is published",
            where=branch,
            remedy="git pull --rebase, then push without --force; to go back to old content, "
            "commit it again under a higher serial",
        )
    changed = repository.changed_paths(update.old, update.new)
    judgement = judge_change([Parent(committed(repository, update.old), changed)], new)
    for zone in judgement.zones.values():
        zone.serials = [_after_commit(found, update.old) for found in zone.serials]
    return judgement


def _after_commit(found: Finding, old: str) -> Finding:
    """The remedy of one who has committed already, for whom HEAD is no measure any more."""
    remedy = found.remedy.replace("zonecast bump ", f"zonecast bump --against {old[:12]} ")
    return found._replace(remedy=remedy)
