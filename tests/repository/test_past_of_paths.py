"""What was before each commit, in real repositories: the same as the commits' files say."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_support import git

from zonecast.repository import Repository
from zonecast.repository.history import before_each


@pytest.mark.parametrize("name", ["skopjehacklab", "ffhl-dns"])
def test_the_way_back_is_that_of_the_listings(shared_data: Path, tmp_path: Path, name: str) -> None:
    bundle = shared_data / "history" / f"{name}.bundle"
    git(tmp_path, "clone", "--quiet", "--bare", str(bundle), "zones.git")
    git(tmp_path / "zones.git", "config", "log.showRoot", "false")
    repository = Repository.open(tmp_path / "zones.git")
    commits = git(repository.path, "rev-list", "--first-parent", "HEAD").split()[:60]
    listings = [repository.listing(commit) for commit in commits]
    state: dict[str, str | None] = dict(listings[0])
    steps = before_each(repository.commands, commits[0], len(commits) - 1)
    for listing, before in zip(listings[1:], steps, strict=True):
        state |= before
        assert {path: blob for path, blob in state.items() if blob is not None} == listing

    path = max(listings[0], key=lambda path: sum(path in before for before in steps))
    of_it = before_each(repository.commands, commits[0], 10, [path])
    # A commit that changes another path as well says nothing of that.
    wanted = [{path: before[path]} for before in steps if path in before]
    assert of_it[: len(wanted)] == wanted[:10]
