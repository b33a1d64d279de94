"""The pre-push hook: what would be refused at the other end is refused before it is sent."""

from __future__ import annotations

from collections.abc import Iterable

from zonecast.cli.hooks.judgement import Judgement
from zonecast.cli.hooks.receive import BRANCH_KEY, RefUpdate, judge_update
from zonecast.errors import RejectedError, UsageError
from zonecast.repository import Repository

DEFAULT_BRANCH = "main"


def parse_outgoing(lines: Iterable[str]) -> list[RefUpdate]:
    """What git writes to pre-push's standard input, as the other end will see it. Raises
    UsageError for anything else."""
    updates = []
    for line in lines:
        # What is pushed may be named by words (":/a message"), the other three are single.
        words = line.rsplit(" ", 3)
        if len(words) != 4:
            raise UsageError(
                "expected 'LOCAL-REF NEW REMOTE-REF OLD' lines on standard input",
                remedy="git calls this hook",
            )
        new, old = (word if word.strip("0") else None for word in (words[1], words[3]))
        updates.append(RefUpdate(old, new, words[2]))
    return updates


def outgoing_branch(repository: Repository, remote: str) -> str:
    """The branch that is published from `remote`: `zonecast.branch` in the configuration, else
    the one that the remote's HEAD named when it was cloned, else main."""
    configured = repository.config(BRANCH_KEY)
    if configured:
        return configured
    prefix = f"refs/remotes/{remote}/"
    named = repository.commands.result(
        "symbolic-ref", "--quiet", f"{prefix}HEAD", allowed=(0, 1, 128)
    ).stdout.decode("utf-8", "surrogateescape")
    return named.strip().removeprefix(prefix) or DEFAULT_BRANCH


def judge_outgoing(
    repository: Repository, updates: Iterable[RefUpdate], branch: str
) -> Judgement | None:
    """Judge the published branch's next tip after the remote's; None where the push does not
    move that branch, or deletes it (which is for the other end to refuse).

    Raises RejectedError and ConfigError as `judge_push` does.
    """
    ref = f"refs/heads/{branch}"
    for update in updates:
        if update.ref != ref or update.new is None:
            continue
        if update.old is not None and not repository.has_commit(update.old):
            raise RejectedError(
                f"the remote has {update.old[:12]}, which is not here to compare with",
                where=branch,
                remedy="git pull --rebase, then push again",
            )
        return judge_update(repository, update, branch)
    return None
