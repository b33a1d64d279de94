"""Every way a branch moves changes something in the directories that are watched."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.repository import Repository


def _fingerprint(directories: list[Path]) -> set[tuple[str, int, int]]:
    entries = [e for d in directories for e in [d, *d.rglob("*")]]
    return {(str(e), e.stat().st_mtime_ns, e.stat().st_ino) for e in entries}


@pytest.mark.parametrize("kind", ["commit", "pushed", "packed", "worktree"])
def test_a_moved_branch_shows(tmp_path: Path, kind: str) -> None:
    clone = make(tmp_path / "clone")
    commit(clone, {"a": b"1"})
    bare = tmp_path / "zones.git"
    git(tmp_path, "clone", "--quiet", "--bare", "clone", "zones.git")
    watched = {"commit": clone, "packed": bare, "pushed": bare, "worktree": clone}[kind]
    if kind == "packed":
        git(bare, "pack-refs", "--all")
    if kind == "worktree":
        git(clone, "worktree", "add", "--quiet", "-b", "other", "../linked")
        watched = tmp_path / "linked"
    repository = Repository.open(watched)
    branch = "other" if kind == "worktree" else "main"
    directories = repository.watch_paths()
    before = _fingerprint(directories), repository.branch_tip(branch)
    if kind == "worktree":
        commit(watched, {"a": b"2"})
    else:
        commit(clone, {"a": b"2"})
        git(clone, "push", "--quiet", str(bare), "main")
    assert repository.branch_tip(branch) != before[1]
    assert _fingerprint(directories) != before[0]
    # Looking is no change: a watcher that looks when something changes would never rest.
    seen = _fingerprint(directories)
    repository.branch_tip(branch)
    assert _fingerprint(directories) == seen
