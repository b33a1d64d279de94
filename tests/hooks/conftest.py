"""Clones with and without a first commit, and a server that judges pushes.

Each is made once in a run and copied for a test that asks for it.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from zones_clone import ENFORCE, FIX, NAME, OTHER, Clone, run, zone, zonecast


def _clone(path: Path, policy: str) -> Clone:
    path.mkdir(parents=True)
    clone = Clone(path)
    clone.git("init", "--quiet")
    clone.commit_unchecked(
        {"zonecast.toml": policy, NAME: zone(10, "www A 192.0.2.80"), OTHER: zone(20)}
    )
    return clone


def _copy(template: Path, path: Path) -> Clone:
    shutil.copytree(template, path, symlinks=True)
    # git would take every copied file for one that may have changed.
    clone = Clone(path)
    clone.git("update-index", "-q", "--refresh")
    return clone


@pytest.fixture(scope="session")
def _enforcing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = _clone(tmp_path_factory.mktemp("enforcing") / "clone", ENFORCE)
    assert clone.zonecast("hook", "install").ok
    return clone.path


@pytest.fixture(scope="session")
def _fixing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    clone = _clone(tmp_path_factory.mktemp("fixing") / "clone", FIX)
    assert clone.zonecast("hook", "install").ok
    return clone.path


@pytest.fixture(scope="session")
def _pushing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a clone and the server that it pushed to."""
    top = tmp_path_factory.mktemp("pushing")
    clone = _clone(top / "clone", ENFORCE)
    server = str(top / "zones.git")
    assert run(top, "git", "init", "--quiet", "--bare", server).ok
    # No agent publishes it: those that may run on this machine are nobody's to ask.
    options = ("--server", "--branch", "main", "--socket", "none")
    installed = zonecast(top, "hook", "install", *options, server)
    assert installed.ok, installed.output
    # Relative, so that a copy pushes to the copy beside it.
    clone.git("remote", "add", "origin", "../zones.git")
    pushed = clone.push()
    assert pushed.ok, pushed.output
    return top


@pytest.fixture
def enforcing(_enforcing: Path, tmp_path: Path) -> Clone:
    """Two zones, serials 10 and 20, with the hooks in mode `enforce`."""
    return _copy(_enforcing, tmp_path / "clone")


@pytest.fixture
def fixing(_fixing: Path, tmp_path: Path) -> Clone:
    """The same in mode `fix`."""
    return _copy(_fixing, tmp_path / "clone")


@pytest.fixture
def pushing(_pushing: Path, tmp_path: Path) -> Clone:
    """A clone without a hook of its own, whose first commit is on a server that judges pushes."""
    shutil.copytree(_pushing / "zones.git", tmp_path / "zones.git")
    return _copy(_pushing / "clone", tmp_path / "clone")
