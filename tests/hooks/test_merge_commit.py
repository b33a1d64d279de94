"""pre-merge-commit: a merge without conflicts is judged too, after all of its parents."""

from __future__ import annotations

from zones_clone import NAME, OTHER, Clone, zone

INC = [f"host{number} A 192.0.2.{number}\n" for number in range(10, 20)]


def _includes_only(clone: Clone) -> None:
    """Two branches change one include in two places and raise to the same serial: git merges
    the include, and the zone file is the same on both sides."""
    clone.commit_unchecked({"a.inc": "".join(INC), NAME: zone(11, "$INCLUDE a.inc")})
    clone.git("branch", "other")
    clone.commit_unchecked({"a.inc": "a A 192.0.2.2\n" + "".join(INC)})
    clone.commit_unchecked({NAME: zone(12, "$INCLUDE a.inc")})
    clone.git("checkout", "--quiet", "other")
    clone.commit_unchecked({"a.inc": "".join(INC) + "z A 192.0.2.3\n"})
    clone.commit_unchecked({NAME: zone(12, "$INCLUDE a.inc")})
    clone.git("checkout", "--quiet", "main")


def test_a_merged_include_is_refused_until_bumped(enforcing: Clone) -> None:
    _includes_only(enforcing)
    refused = enforcing.try_git("merge", "--no-edit", "other")
    assert not refused.ok
    assert f"{NAME}:2:27: error" in refused.output
    assert "[serial-not-raised]" in refused.output
    assert "merge refused" in refused.output
    bumped = enforcing.zonecast("bump")
    assert "12 → 13" in bumped.output, bumped.output
    enforcing.git("add", NAME)
    assert enforcing.try_git("commit", "--no-edit").ok
    assert enforcing.serial("HEAD") == 13
    assert len(enforcing.git("rev-list", "--parents", "-1", "HEAD").split()) == 3


def test_a_merged_include_is_raised_and_the_merge_finished_by_commit(fixing: Clone) -> None:
    """Pitfall: a merge needs a serial above every parent's also where only an include merged."""
    _includes_only(fixing)
    stopped = fixing.try_git("merge", "--no-edit", "other")
    assert not stopped.ok, "git would commit the tree from before the serial was raised"
    assert f"{NAME}: serial 12 → 13" in stopped.output
    assert "finish with: git commit --no-edit" in stopped.output
    done = fixing.try_git("commit", "--no-edit")
    assert done.ok, done.output
    assert fixing.serial("HEAD") == fixing.work_serial() == 13
    assert fixing.git("status", "--porcelain") == ""
    assert len(fixing.git("rev-list", "--parents", "-1", "HEAD").split()) == 3


def test_a_merge_that_was_stopped_can_be_aborted(fixing: Clone) -> None:
    _includes_only(fixing)
    before = fixing.git("rev-parse", "HEAD")
    assert not fixing.try_git("merge", "--no-edit", "other").ok
    fixing.git("merge", "--abort")
    assert fixing.git("rev-parse", "HEAD") == before
    assert fixing.git("status", "--porcelain") == ""


def test_a_good_merge_goes_through(enforcing: Clone) -> None:
    enforcing.git("branch", "other")
    enforcing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({OTHER: zone(21, "www A 192.0.2.81")})
    enforcing.git("checkout", "--quiet", "main")
    done = enforcing.try_git("merge", "--no-edit", "other")
    assert done.ok, done.output
    assert (enforcing.serial("HEAD"), enforcing.serial("HEAD", OTHER)) == (11, 21)


def test_every_parent_of_an_octopus_counts(enforcing: Clone) -> None:
    _includes_only(enforcing)
    enforcing.git("branch", "one", "main")
    enforcing.git("reset", "--quiet", "--hard", "main~2")
    enforcing.commit_unchecked({"main.txt": "main"})
    refused = enforcing.try_git("merge", "--no-edit", "one", "other")
    assert not refused.ok
    assert "the zone changed and its serial is still 12" in refused.output
