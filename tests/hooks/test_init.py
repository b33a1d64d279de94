"""`zonecast init`: a repository ready for a first zone; what is there is kept."""

from __future__ import annotations

from pathlib import Path

from zones_clone import NAME, Clone, zone, zonecast

from zonecast.cli.init import POLICY
from zonecast.zone.policy import Policy


def test_from_nothing_to_a_first_commit(tmp_path: Path) -> None:
    made = zonecast(tmp_path, "init", "deep/zones")
    assert made.ok, made.output
    clone = Clone(tmp_path / "deep" / "zones")
    assert clone.git("symbolic-ref", "--short", "HEAD") == "main"
    clone.stage(NAME, "broken\n")
    clone.git("add", "--all")
    assert clone.commit().status == 1
    clone.stage(NAME, zone(1))
    assert clone.commit().ok
    clone.stage(NAME, zone(1, "www A 192.0.2.1"))
    assert clone.commit().ok
    assert clone.serial("HEAD") > 1, "the default is fix"


def test_again_changes_nothing(tmp_path: Path) -> None:
    assert zonecast(tmp_path, "init", "zones").ok
    (tmp_path / "zones" / "zonecast.toml").write_text("# mine\n")
    hook = (tmp_path / "zones" / ".git" / "hooks" / "pre-commit").read_text()
    again = zonecast(tmp_path, "init", "zones")
    assert again.ok
    assert "made" not in again.output
    assert (tmp_path / "zones" / "zonecast.toml").read_text() == "# mine\n"
    assert (tmp_path / "zones" / ".git" / "hooks" / "pre-commit").read_text() == hook


def test_an_existing_repository_keeps_its_history(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    clone.git("init", "--quiet", "--initial-branch=trunk")
    commit = clone.commit_unchecked({NAME: zone(1)})
    assert zonecast(tmp_path, "init", ".").ok
    assert clone.git("rev-parse", "trunk") == commit


def test_a_place_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = zonecast(tmp_path, "init", "file/zones")
    assert done.status == 3
    assert "file/zones" in done.output


def test_the_policy_written_is_the_default() -> None:
    assert Policy.from_toml(POLICY.encode(), "zonecast.toml") == Policy()
