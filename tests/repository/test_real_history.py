"""Real repositories, every commit: listed, read and compared without an error."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_support import git

from zonecast.repository import Repository, differing


@pytest.mark.parametrize(("name", "commits"), [("skopjehacklab", None), ("ffhl-dns", 60)])
def test_every_commit_can_be_read(
    shared_data: Path, tmp_path: Path, name: str, commits: int | None
) -> None:
    bundle = shared_data / "history" / f"{name}.bundle"
    git(tmp_path, "clone", "--quiet", "--bare", str(bundle), "zones.git")
    repository = Repository.open(tmp_path / "zones.git")
    history = git(repository.path, "rev-list", "--reverse", "--first-parent", "HEAD").split()
    assert len(history) > 20
    before: dict[str, str] = {}
    last: str | None = None
    for commit in history[-commits:] if commits else history:
        listing = repository.listing(commit)
        changed = repository.changed_paths(last, commit)
        # A changed path may be a symlink or submodule, which no listing holds.
        assert differing(before, listing) <= changed
        contents = repository.blobs(listing[path] for path in changed if path in listing)
        assert len(contents) <= len(changed)
        assert repository.commit_info(commit).id == commit
        before, last = listing, commit
    assert before
