"""Revisions, listings and contents, in every shape of repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.errors import RepositoryError
from zonecast.repository import Repository

SHAPES = ["plain", "bare", "dot-git", "worktree", "sha256", "sha256-bare", "shallow", "packed"]


@pytest.fixture(params=SHAPES)
def shaped(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Repository, str, str]:
    """A repository with two commits, in one of the shapes; both ids, the older first."""
    hash_function = "sha256" if request.param.startswith("sha256") else "sha1"
    origin = make(tmp_path / "origin", f"--object-format={hash_function}")
    old = commit(origin, {"zones/a.zone": b"one\n", "gone": b"x"})
    (origin / "gone").unlink()
    new = commit(origin, {"zones/a.zone": b"two\n", "zones/b.zone": b""}, "Grüße\n\nmore")
    shape = {
        "plain": lambda: origin,
        "sha256": lambda: origin,
        "dot-git": lambda: origin / ".git",
        "bare": lambda: _clone(origin, "--bare"),
        "sha256-bare": lambda: _clone(origin, "--bare"),
        "shallow": lambda: _clone(origin, "--depth=2"),
        "worktree": lambda: _worktree(origin),
        "packed": lambda: _packed(origin),
    }[request.param]
    return Repository.open(shape()), old, new


def _clone(origin: Path, option: str) -> Path:
    place = origin.parent / "clone"
    git(origin.parent, "clone", "--quiet", option, f"file://{origin}", str(place))
    return place


def _worktree(origin: Path) -> Path:
    git(origin, "worktree", "add", "--quiet", "--detach", "../linked")
    return origin.parent / "linked"


def _packed(origin: Path) -> Path:
    git(origin, "gc", "--quiet")
    git(origin, "pack-refs", "--all")
    return origin


def test_every_shape_reads_the_same(shaped: tuple[Repository, str, str]) -> None:
    """Pitfall: shallow and bare repositories both work."""
    repository, old, new = shaped
    assert repository.branch_tip("main") == new == repository.head()
    assert repository.resolve("main") == new
    assert repository.resolve(new[:10]) == new
    assert repository.resolve("main~1") == old
    listing = repository.listing(new)
    assert set(listing) == {"zones/a.zone", "zones/b.zone"}
    contents = repository.blobs(listing.values())
    assert {path: contents[blob] for path, blob in listing.items()} == {
        "zones/a.zone": b"two\n",
        "zones/b.zone": b"",
    }
    assert repository.changed_paths(old, new) == {"zones/a.zone", "zones/b.zone", "gone"}
    assert repository.changed_paths(None, old) == {"zones/a.zone", "gone"}
    assert repository.is_ancestor(old, new)
    assert repository.is_ancestor(new, new)
    assert not repository.is_ancestor(new, old)
    info = repository.commit_info(new)
    assert (info.subject, info.parents) == ("Grüße", (old,))
    assert info.author == "Test <test@example.com>"
    assert repository.commit_time(new) == int(
        git(repository.path, "show", "-s", "--format=%ct", new)
    )
    again = Repository.open(repository.path)
    assert again.listing(new) == listing


def test_before_the_first_commit(tmp_path: Path) -> None:
    repository = Repository.open(make(tmp_path))
    assert repository.head() is None
    assert repository.head_branch() == "main"
    assert repository.branch_tip("main") is None
    assert repository.staged_listing() == {}


def test_a_branch_is_its_whole_name(tmp_path: Path) -> None:
    make(tmp_path)
    tip = commit(tmp_path, {"a": b"1"})
    git(tmp_path, "branch", "feature/main")
    git(tmp_path, "tag", "v1")
    repository = Repository.open(tmp_path)
    assert repository.branch_tip("feature/main") == tip
    for name in ("feature", "mai", "m*", "main^{commit}", "v1", "--all", "../tags/v1"):
        assert repository.branch_tip(name) is None


@pytest.mark.parametrize("revision", ["nowhere", "", "--all", "HEAD^{tree}", "main\n", "main:a"])
def test_what_names_no_commit_is_refused_by_name(tmp_path: Path, revision: str) -> None:
    make(tmp_path)
    commit(tmp_path, {"a": b"1"})
    with pytest.raises(RepositoryError, match="names no commit"):
        Repository.open(tmp_path).resolve(revision)


def test_symlinks_and_submodules_are_no_files(tmp_path: Path) -> None:
    make(tmp_path)
    tip = commit(tmp_path, {"run.sh": b"#!/bin/sh\n", "a.zone": b"1"})
    (tmp_path / "b.zone").symlink_to("a.zone")
    (tmp_path / "run.sh").chmod(0o755)
    git(tmp_path, "update-index", "--add", "--cacheinfo", f"160000,{tip},sub")
    git(tmp_path, "add", "b.zone", "run.sh")
    git(tmp_path, "commit", "--quiet", "-m", "more")
    repository = Repository.open(tmp_path)
    assert set(repository.listing("HEAD")) == {"a.zone", "run.sh"}
    assert set(repository.staged_listing()) == {"a.zone", "run.sh"}


def test_any_octets_in_a_path_survive(tmp_path: Path) -> None:
    names = [b"caf\xe9.zone", b'quo"te\n.zone', "grün.zone".encode(), b"tab\there", b" "]
    make(tmp_path)
    for name in names:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(name)
    tip = commit(tmp_path, {})
    repository = Repository.open(tmp_path)
    listing = repository.listing(tip)
    assert sorted(os.fsencode(path) for path in listing) == sorted(names)
    assert repository.staged_listing() == listing
    assert repository.changed_paths(None, tip) == set(listing)
    contents = repository.blobs(listing.values())
    assert all(contents[blob] == os.fsencode(path) for path, blob in listing.items())


def test_a_missing_object_is_named(tmp_path: Path) -> None:
    make(tmp_path)
    tip = commit(tmp_path, {"a": b"1"})
    repository = Repository.open(tmp_path)
    blob = repository.listing(tip)["a"]
    (tmp_path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(RepositoryError, match=f"{blob} is missing"):
        repository.blobs([blob])


def test_a_shallow_clone_says_what_it_lacks(tmp_path: Path) -> None:
    """Pitfall: a shallow clone works, and says what it lacks."""
    origin = make(tmp_path / "origin")
    old = commit(origin, {"a": b"1"})
    new = commit(origin, {"a": b"2"})
    git(tmp_path, "clone", "--quiet", "--depth=1", f"file://{origin}", "clone")
    repository = Repository.open(tmp_path / "clone")
    assert repository.blobs(repository.listing(new).values())
    with pytest.raises(RepositoryError, match="shallow"):
        repository.resolve(old)


def test_a_commit_in_an_old_encoding(tmp_path: Path) -> None:
    make(tmp_path)
    git(tmp_path, "config", "i18n.commitEncoding", "ISO-8859-1")
    (tmp_path / "a").write_text("1")
    git(tmp_path, "add", "a")
    git(tmp_path, "commit", "--quiet", "--file=-", stdin="Grüße".encode("latin-1"))
    repository = Repository.open(tmp_path)
    assert repository.commit_info(repository.resolve("HEAD")).subject == "Grüße"


@pytest.mark.parametrize("where", ["nothing", "file", "plain"])
def test_what_is_no_repository_is_named(tmp_path: Path, where: str) -> None:
    place = tmp_path / where
    if where == "file":
        place.write_text("")
    elif where == "plain":
        # Inside a repository, and none itself: only discover looks above.
        make(tmp_path)
        place.mkdir()
        assert Repository.discover(place).path == tmp_path
    with pytest.raises(RepositoryError) as raised:
        Repository.open(place)
    assert str(place) in str(raised.value)
