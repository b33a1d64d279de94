"""`zonecast bump` after what git did without asking a hook: merge, revert, cherry-pick."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import ENFORCE, NAME, OTHER, Clone, zone

RECORDS = [f"h{n} A 192.0.2.{n}" for n in range(1, 9)]


def version(serial: int, **changed: str) -> str:
    """The zone with some hosts' addresses changed."""
    lines = [f"{r.split()[0]} A {changed.get(r.split()[0], r.split()[2])}" for r in RECORDS]
    return zone(serial, *lines)


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Two zones, serials 10 and 20, and no hooks, as in a clone that installed none."""
    (tmp_path / "clone").mkdir()
    made = Clone(tmp_path / "clone")
    made.git("init", "--quiet", "--initial-branch", "main")
    made.commit_unchecked({"zonecast.toml": ENFORCE, NAME: version(10), OTHER: zone(20)})
    return made


def bump(clone: Clone) -> str:
    done = clone.zonecast("bump")
    assert done.ok, done.output
    return done.output.strip()


def test_a_clean_merge_of_one_serial_twice(clone: Clone) -> None:
    clone.git("branch", "other")
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("checkout", "--quiet", "other")
    clone.commit_unchecked({NAME: version(11, h8="192.0.2.98")})
    clone.git("merge", "--quiet", "--no-edit", "main")
    assert clone.git("status", "--porcelain") == ""
    assert bump(clone) == f"{NAME}: serial 11 → 12"
    assert clone.read(NAME) == version(12, h1="192.0.2.91", h8="192.0.2.98")
    assert bump(clone) == "no zone needs a new serial"
    assert (
        clone.zonecast("bump", "--against", "HEAD").output.strip() == "no zone needs a new serial"
    )


def test_a_merge_is_above_both_parents(clone: Clone) -> None:
    """The greater serial is in the parent that git did not take the line from."""
    clone.git("branch", "other")
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("checkout", "--quiet", "other")
    clone.commit_unchecked({NAME: version(40, h8="192.0.2.98")})
    clone.git("merge", "--quiet", "--no-edit", "-X", "theirs", "main")
    assert clone.work_serial() == 11
    assert bump(clone) == f"{NAME}: serial 11 → 41"


def test_a_merge_whose_zone_is_one_parents_keeps_its_serial(clone: Clone) -> None:
    clone.git("branch", "other")
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("checkout", "--quiet", "other")
    clone.commit_unchecked({OTHER: zone(21, "www A 192.0.2.1")})
    clone.git("merge", "--quiet", "--no-edit", "main")
    assert bump(clone) == "no zone needs a new serial"


@pytest.mark.parametrize("options", [("--no-edit",), ("--no-commit",)])
def test_a_revert_goes_up(clone: Clone, options: tuple[str, ...]) -> None:
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("revert", *options, "HEAD")
    assert clone.work_serial() == 10
    assert bump(clone) == f"{NAME}: serial 10 → 12"
    assert clone.read(NAME) == version(12)
    assert clone.serial() == 12, "staged"
    assert bump(clone) == "no zone needs a new serial"


def test_a_cherry_pick_goes_up(clone: Clone) -> None:
    """Both branches went to 11, and the picked change brings no serial of its own."""
    clone.git("checkout", "--quiet", "-b", "other")
    clone.commit_unchecked({NAME: version(11, h8="192.0.2.98")})
    clone.git("checkout", "--quiet", "main")
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("cherry-pick", "other")
    assert bump(clone) == f"{NAME}: serial 11 → 12"
    assert clone.read(NAME) == version(12, h1="192.0.2.91", h8="192.0.2.98")


def test_several_commits_since_the_branch_that_is_followed(clone: Clone) -> None:
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.commit_unchecked({OTHER: zone(21, "www A 192.0.2.1")})
    clone.git("branch", "published")
    clone.git("branch", "--quiet", "--set-upstream-to", "published")
    clone.git("revert", "--no-edit", "HEAD~1", "HEAD")
    clone.commit_unchecked({"README": "the reverts are no longer HEAD"})
    assert (clone.work_serial(), clone.work_serial(OTHER)) == (10, 20)
    assert sorted(bump(clone).splitlines()) == [
        f"{NAME}: serial 10 → 12",
        f"{OTHER}: serial 20 → 22",
    ]


def test_what_others_published_meanwhile_is_not_ours_to_raise(clone: Clone) -> None:
    clone.git("branch", "published")
    clone.git("branch", "--quiet", "--set-upstream-to", "published")
    clone.commit_unchecked({"README": "ours"})
    clone.git("checkout", "--quiet", "published")
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("checkout", "--quiet", "main")
    assert bump(clone) == "no zone needs a new serial"


def test_a_shallow_clone_has_no_parents_to_compare_with(clone: Clone, tmp_path: Path) -> None:
    clone.commit_unchecked({NAME: version(11, h1="192.0.2.91")})
    clone.git("clone", "--quiet", "--depth", "1", f"file://{clone.path}", str(tmp_path / "shallow"))
    shallow = Clone(tmp_path / "shallow")
    assert bump(shallow) == "no zone needs a new serial"
    shallow.write(NAME, version(11, h2="192.0.2.92"))
    assert bump(shallow).endswith(f"{NAME}: serial 11 → 12")
