"""The index as the next commit sees it, and a blob replaced in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.errors import RepositoryError
from zonecast.repository import Repository
from zonecast.repository.index import is_temporary


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A repository with two files."""
    make(tmp_path)
    commit(tmp_path, {"a.zone": b"1\n", "b.zone": b"1\n"})
    return tmp_path


def _staged(place: Path) -> dict[str, bytes]:
    repository = Repository.open(place)
    listing = repository.staged_listing()
    contents = repository.blobs(listing.values())
    return {path: contents[blob] for path, blob in listing.items()}


def test_staged_is_not_the_work_tree(place: Path) -> None:
    (place / "a.zone").write_bytes(b"2\n")
    git(place, "add", "a.zone")
    (place / "a.zone").write_bytes(b"3\n")
    (place / "c.zone").write_bytes(b"1\n")
    git(place, "rm", "--quiet", "--cached", "b.zone")
    assert _staged(place) == {"a.zone": b"2\n"}


def test_what_is_only_announced_is_not_staged(place: Path) -> None:
    (place / "announced.zone").write_bytes(b"1\n")
    (place / "empty.zone").write_bytes(b"")
    git(place, "add", "--intent-to-add", "announced.zone")
    git(place, "add", "empty.zone")
    assert set(_staged(place)) == {"a.zone", "b.zone", "empty.zone"}


def test_conflicts_are_named(place: Path) -> None:
    git(place, "checkout", "--quiet", "-b", "other")
    commit(place, {"a.zone": b"2\n"})
    git(place, "checkout", "--quiet", "main")
    commit(place, {"a.zone": b"3\n"})
    with pytest.raises(AssertionError):
        git(place, "merge", "other")
    with pytest.raises(RepositoryError, match=r"a\.zone: .*conflicts"):
        Repository.open(place).staged_listing()


def test_replacing_a_blob_stages_nothing_else(place: Path) -> None:
    (place / "a.zone").write_bytes(b"held back\n")
    (place / "b.zone").write_bytes(b"held back\n")
    repository = Repository.open(place)
    repository.index.replace("a.zone", "100755", b"staged\r\n")
    assert _staged(place) == {"a.zone": b"staged\r\n", "b.zone": b"1\n"}
    assert git(place, "ls-files", "--stage", "a.zone").startswith("100755 ")
    assert (place / "a.zone").read_bytes() == b"held back\n"


def test_a_held_index_is_explained(place: Path) -> None:
    (place / ".git" / "index.lock").touch()
    with pytest.raises(RepositoryError, match="another git process"):
        Repository.open(place).index.replace("a.zone", "100644", b"x")


def test_the_index_of_a_partial_commit_is_known() -> None:
    assert is_temporary("/srv/zones/.git/next-index-4711.lock")
    assert not is_temporary("/srv/zones/.git/index")
    assert not is_temporary(".git/index.lock")
    assert not is_temporary("")
