"""Clones with and without a first commit, and a server that judges pushes."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import ENFORCE, FIX, NAME, OTHER, Clone, run, zone, zonecast


def _clone(path: Path, policy: str) -> Clone:
    path.mkdir()
    clone = Clone(path)
    clone.git("init", "--quiet")
    clone.commit_unchecked(
        {"zonecast.toml": policy, NAME: zone(10, "www A 192.0.2.80"), OTHER: zone(20)}
    )
    assert clone.zonecast("hook", "install").ok
    return clone


@pytest.fixture
def enforcing(tmp_path: Path) -> Clone:
    """Two zones, serials 10 and 20, with the hook in mode `enforce`."""
    return _clone(tmp_path / "clone", ENFORCE)


@pytest.fixture
def fixing(tmp_path: Path) -> Clone:
    """The same in mode `fix`."""
    return _clone(tmp_path / "clone", FIX)


@pytest.fixture
def pushing(enforcing: Clone, tmp_path: Path) -> Clone:
    """A clone without a hook of its own, whose first commit is on a server that judges pushes."""
    assert enforcing.zonecast("hook", "install", "--uninstall").ok
    server = tmp_path / "zones.git"
    assert run(tmp_path, "git", "init", "--quiet", "--bare", str(server)).ok
    installed = zonecast(tmp_path, "hook", "install", "--server", "--branch", "main", str(server))
    assert installed.ok, installed.output
    enforcing.git("remote", "add", "origin", str(server))
    pushed = enforcing.push()
    assert pushed.ok, pushed.output
    return enforcing
