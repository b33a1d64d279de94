"""Commits that git makes without asking pre-commit: each is asked about before it is pushed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from zones_clone import NAME, OTHER, Clone, run, server_tip, zone

WWW = "www A 192.0.2.80"


def _revert(clone: Clone) -> None:
    clone.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    assert clone.push().ok
    clone.git("revert", "--no-edit", "HEAD")


def _cherry_pick(clone: Clone) -> None:
    """A record from a branch that never raised its serial."""
    _branch(clone)
    clone.git("cherry-pick", "other")


def _rebase(clone: Clone) -> None:
    _branch(clone)
    clone.git("checkout", "--quiet", "other")
    clone.git("rebase", "--quiet", "main")
    clone.git("branch", "--force", "main", "other")
    clone.git("checkout", "--quiet", "main")


def _fast_forward(clone: Clone) -> None:
    _branch(clone)
    clone.git("merge", "--quiet", "--ff-only", "other")


def _branch(clone: Clone) -> None:
    """A branch `other` with a commit that nobody judged; `main` is checked out."""
    clone.git("checkout", "--quiet", "-b", "other")
    clone.commit_unchecked({NAME: zone(10, WWW, "new A 192.0.2.5")})
    clone.git("checkout", "--quiet", "main")


@pytest.mark.parametrize("make", [_revert, _cherry_pick, _rebase, _fast_forward])
def test_the_outgoing_range_is_judged(
    enforcing: Clone, tmp_path: Path, make: Callable[[Clone], None]
) -> None:
    """Pitfall: revert, cherry-pick and rebase run no pre-commit and a fast-forward runs nothing,
    so pre-push judges the outgoing range."""
    server = tmp_path / "forge.git"
    assert run(tmp_path, "git", "init", "--quiet", "--bare", str(server)).ok
    enforcing.git("remote", "add", "origin", str(server))
    assert enforcing.push().ok
    make(enforcing)
    before = server_tip(enforcing)
    assert enforcing.git("rev-parse", "HEAD") != before, "git made the commit unasked"
    refused = enforcing.push()
    assert not refused.ok
    assert f"{NAME}:2:27: error:" in refused.output
    assert server_tip(enforcing) == before


def test_a_clean_merge_runs_pre_merge_commit_alone(enforcing: Clone) -> None:
    """Pitfall: a clean merge runs only pre-merge-commit, so that one is installed as well."""
    hooks = enforcing.path / ".git" / "hooks"
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    enforcing.git("checkout", "--quiet", "-b", "other")
    enforcing.commit_unchecked({NAME: zone(10, "www A 192.0.2.81")})
    enforcing.git("checkout", "--quiet", "main")
    enforcing.commit_unchecked({OTHER: zone(21, "www A 192.0.2.81")})
    refused = enforcing.try_git("merge", "--no-edit", "other")
    assert not refused.ok
    assert "[serial-not-raised]" in refused.output
    enforcing.git("merge", "--abort")
    (hooks / "pre-merge-commit").unlink()
    assert enforcing.try_git("merge", "--no-edit", "other").ok, "and nothing else asks"
