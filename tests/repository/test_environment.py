"""Which repository a command means: the environment's in a hook, the named one elsewhere."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from git_support import commit, git, make

from zonecast.repository import Repository, drop_inherited_environment


@pytest.fixture
def two(tmp_path: Path) -> tuple[Path, Path]:
    """Two repositories with different contents."""
    places = make(tmp_path / "here"), make(tmp_path / "there")
    for place in places:
        commit(place, {f"{place.name}.zone": b"x"})
    return places


def test_open_means_the_one_named(two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Pitfall: GIT_DIR, GIT_INDEX_FILE and friends are dropped where another repository is
    meant."""
    here, there = two
    for name, part in (
        ("GIT_DIR", ".git"),
        ("GIT_WORK_TREE", "."),
        ("GIT_INDEX_FILE", ".git/index"),
        ("GIT_OBJECT_DIRECTORY", ".git/objects"),
        ("GIT_COMMON_DIR", ".git"),
    ):
        monkeypatch.setenv(name, str(here / part))
    repository = Repository.open(there)
    assert repository.path == there
    assert set(repository.listing(repository.resolve("HEAD"))) == {"there.zone"}
    assert set(repository.staged_listing()) == {"there.zone"}


def test_discover_means_what_git_means(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pitfall: a hook keeps the environment that git set for it."""
    here, there = two
    monkeypatch.chdir(here)
    # As git sets it for a hook: relative to the directory that it starts the hook in.
    monkeypatch.setenv("GIT_INDEX_FILE", ".git/other")
    git(here, "read-tree", "--empty")
    (here / "zones").mkdir()
    (here / "zones" / "new.zone").write_text("x")
    git(here, "add", "zones")
    assert set(Repository.discover("zones").staged_listing()) == {"zones/new.zone"}
    monkeypatch.delenv("GIT_INDEX_FILE")
    assert set(Repository.discover("zones").staged_listing()) == {"here.zone"}
    monkeypatch.setenv("GIT_DIR", str(there / ".git"))
    assert set(Repository.discover().staged_listing()) == {"there.zone"}


def test_a_path_inside_leads_to_the_top(two: tuple[Path, Path]) -> None:
    here, _ = two
    (here / "zones" / "deep").mkdir(parents=True)
    for place in (here, here / "zones" / "deep", here / "here.zone"):
        found = Repository.discover(place)
        assert (found.path, found.bare) == (here, False)
        assert set(found.staged_listing()) == {"here.zone"}


def test_an_agent_forgets_the_hook_it_was_started_from(
    two: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = two
    monkeypatch.setenv("GIT_DIR", str(here / ".git"))
    monkeypatch.setenv("GIT_QUARANTINE_PATH", str(here))
    drop_inherited_environment()
    assert not {"GIT_DIR", "GIT_QUARANTINE_PATH"} & os.environ.keys()
    assert Repository.discover(there).path == there
