"""The pre-receive hook: a push may become the published branch, or it is refused whole.

Judged are the zones that the push changes. They are compared with what the agent published, where
that answers, and with the branch's old tip where it does not.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from zonecast.cli.hooks.across import warn_across
from zonecast.cli.hooks.judgement import Judgement, Parent, judge_change, policy_deleted
from zonecast.cli.hooks.rails import judge_published, safety_for
from zonecast.cli.render import say
from zonecast.cli.revisions import NO_FILES, committed
from zonecast.errors import RejectedError, UsageError
from zonecast.repository import Repository
from zonecast.zone.policy import POLICY_FILE

if TYPE_CHECKING:  # pre-commit needs no configuration and no socket
    from zonecast.cli.hooks.published import Published

BRANCH_KEY = "zonecast.branch"
# Where the agent's status socket is, in git's configuration; NO_SOCKET: no agent is here.
SOCKET_KEY = "zonecast.socket"
NO_SOCKET = "none"


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
    from zonecast.cli.hooks.published import ask_published, other_branches

    ref = f"refs/heads/{branch}"
    updates = list(updates)
    for update in updates:
        if update.ref == ref:
            published = None
            if update.new is not None:
                published = ask_published(repository, branch, update.new)
            return judge_update(repository, update, branch, published)
    if any(update.ref.startswith("refs/heads/") for update in updates):
        wrong = other_branches(repository, branch)
        if wrong:
            say(f"zonecast: not judged: {wrong}", err=True)
    return None


def judge_update(
    repository: Repository, update: RefUpdate, branch: str, published: Published | None = None
) -> Judgement:
    """Judge one move of the published branch after what is `published`; raises as `judge_push`
    does."""
    if update.new is None:
        raise RejectedError(
            "this branch is published and is not deleted",
            where=branch,
            remedy="to take zones out of service, remove their files and push that",
        )
    new = committed(repository, update.new)
    old = NO_FILES if update.old is None else committed(repository, update.old)
    safety = safety_for(repository, update.new, update.old, old, published)
    settled = published is not None and published.settled == update.old
    # What the agent is about to publish must not be lost either.
    for commit in (safety.published, None if settled else update.old):
        rewritten = safety.without(commit)
        if rewritten is not None:
            return Judgement(unplaced=[rewritten])
    if published is not None and published.has_policy and POLICY_FILE not in new.paths | new.links:
        raise policy_deleted(str(published.commit)[:12])
    judgement = judge_change([Parent(old, repository.changed_paths(update.old, update.new))], new)
    serials = {} if published is None else published.serials(judgement.zones)
    judge_published(judgement, update.old, old, new, safety, settled=settled, serials=serials)
    warn_across(judgement, old, new, repository)
    judgement.beside += safety.strays()
    return judgement
