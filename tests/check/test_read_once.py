"""An unchanged zone file is not read again: what was found in it is remembered, by its content."""

from __future__ import annotations

from pathlib import Path

import pytest
from check_support import RAISED, TOP, check, git, lose_blobs, repository, write

# One with a warning of its own, one with one across zones, one with an include.
FILES = {
    "a.zone": f"{TOP}@ MX 10 gone\n",
    "b.zone": f"{TOP}www CNAME nowhere.c.\n",
    "c.zone": f"{TOP}$INCLUDE inc/mail\n",
    "inc/mail": "mail A 192.0.2.2\n",
}
ALL = ["a.zone", "b.zone", "c.zone"]


@pytest.fixture
def zones(tmp_path: Path) -> Path:
    return repository(tmp_path / "zones", FILES)


def test_a_work_tree_is_read_once(zones: Path) -> None:
    first = check(zones)
    assert (first.status, first.opened) == (0, ALL)
    assert "[mx-no-address]" in first.output
    assert "    @ MX 10 gone" in first.output
    assert "[dangling-target]" in first.output
    assert "    www CNAME nowhere.c." in first.output
    second = check(zones)
    assert (second.status, second.output, second.opened) == (0, first.output, [])


def test_so_is_one_without_git(tmp_path: Path) -> None:
    write(tmp_path / "zones", FILES)
    kept = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = check(tmp_path / "zones", **kept)
    assert first.opened == ALL
    second = check(tmp_path / "zones", **kept)
    assert (second.output, second.opened) == (first.output, [])
    assert [file.name for file in (tmp_path / "cache").iterdir()] == ["zonecast"]


@pytest.mark.parametrize("what", [["--rev", "HEAD"], ["--staged"]])
def test_blobs_are_read_once(zones: Path, what: list[str]) -> None:
    first = check(zones, *what)
    assert "[mx-no-address]" in first.output
    lose_blobs(zones)
    second = check(zones, *what)
    assert (second.status, second.output, second.errors) == (0, first.output, [])


def test_a_bare_repository_keeps_its_own(zones: Path, tmp_path: Path) -> None:
    git(zones, "clone", "--quiet", "--bare", ".", str(tmp_path / "bare.git"))
    bare = tmp_path / "bare.git"
    first = check(bare, "--rev", "HEAD")
    assert "[mx-no-address]" in first.output
    lose_blobs(bare, ".")
    assert check(bare, "--rev", "HEAD").output == first.output
    assert (bare / "zonecast").is_dir()


def test_what_one_work_tree_read_the_others_know(zones: Path, tmp_path: Path) -> None:
    first = check(zones, "--rev", "HEAD")
    git(zones, "worktree", "add", "--quiet", str(tmp_path / "second"))
    lose_blobs(zones)
    assert check(tmp_path / "second", "--rev", "HEAD").output == first.output


def test_a_changed_file_alone_is_read(zones: Path) -> None:
    check(zones)
    write(zones, {"a.zone": f"{TOP}@ MX 10 www.b.\n"})
    done = check(zones)
    assert (done.status, done.opened) == (1, ["a.zone"])
    assert "[serial-not-raised]" in done.output
    assert "[mx-no-address]" not in done.output
    assert "[target-is-alias]" in done.output
    write(zones, {"a.zone": f"{RAISED}@ MX 10 ns\n"})
    done = check(zones)
    assert (done.status, done.opened) == (0, ["a.zone"])
    git(zones, "commit", "--quiet", "-am", "second")
    check(zones)
    done = check(zones)
    assert (done.status, done.opened) == (0, [])


def test_a_changed_include_is_noticed(zones: Path) -> None:
    check(zones)
    write(zones, {"inc/mail": "mail A 192.0.2.999\n"})
    done = check(zones)
    assert (done.status, done.opened) == (1, ["c.zone"])
    assert "inc/mail:1:8: error: '192.0.2.999'" in done.output
    (zones / "inc/mail").unlink()
    assert "[include-failed]" in check(zones).output
    write(zones, FILES)
    assert check(zones).status == 0


def test_an_include_that_takes_anothers_place_is_noticed(tmp_path: Path) -> None:
    files = {"sub/a.zone": f"{TOP}$INCLUDE mail\n", "mail": "mail A 192.0.2.2\n"}
    top = repository(tmp_path / "zones", files)
    assert check(top).status == 0
    write(top, {"sub/mail": "broken A\n"})
    assert "sub/mail:1" in check(top).output


def test_a_changed_policy_judges_anew(zones: Path) -> None:
    assert check(zones).status == 0
    write(zones, {"zonecast.toml": '[checks]\nmx-no-address = "error"\n'})
    assert check(zones).status == 1
    write(zones, {"zonecast.toml": '[zone."a"]\nchecks.mx-no-address = "off"\n'})
    assert "[mx-no-address]" not in check(zones).output
    write(zones, {"zonecast.toml": '[checks]\ndangling-target = "off"\n'})
    assert "[dangling-target]" not in check(zones).output


def test_a_file_that_may_still_change_is_looked_at(zones: Path) -> None:
    (zones / "a.zone").write_text(f"{TOP}@ MX 10 gine\n")
    assert "gine.a." in check(zones).output
    (zones / "a.zone").write_text(f"{TOP}@ MX 10 gane\n")
    assert "gane.a." in check(zones).output


def test_two_files_of_one_zone_are_still_a_fault(zones: Path) -> None:
    check(zones)
    write(zones, {"sub/db.a": TOP})
    for _ in range(2):
        assert "[duplicate-zone]" in check(zones).output
    (zones / "sub/db.a").unlink()
    assert check(zones).status == 0
