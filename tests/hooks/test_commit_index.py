"""What is judged is the index: not the work tree, not HEAD alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import ENFORCE, NAME, OTHER, Clone, zone


def test_a_broken_work_tree_does_not_block(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(11, "www A 192.0.2.81"))
    enforcing.write(NAME, "broken ( for now\n")
    enforcing.write("zones/new.example.zone", "broken too\n")
    assert enforcing.commit().ok


def test_a_good_work_tree_does_not_excuse(enforcing: Clone) -> None:
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    enforcing.write(NAME, zone(11, "www A 192.0.2.81"))
    assert "[serial-not-raised]" in enforcing.commit().output


def test_the_first_commit(tmp_path: Path) -> None:
    clone = Clone(tmp_path)
    clone.git("init", "--quiet")
    assert clone.zonecast("hook", "install").ok
    clone.stage(NAME, "nonsense\n")
    assert clone.commit().status == 1
    clone.stage(NAME, zone(1))
    done = clone.commit()
    assert done.ok, done.output
    assert clone.serial("HEAD") == 1


def test_from_a_subdirectory_and_a_linked_worktree(enforcing: Clone, tmp_path: Path) -> None:
    enforcing.stage(NAME, zone(10, "www A 192.0.2.81"))
    sub = Clone(enforcing.path / "zones")
    assert "[serial-not-raised]" in sub.commit().output
    enforcing.git("reset", "--quiet", "--hard")
    enforcing.git("worktree", "add", "--quiet", "-b", "other", str(tmp_path / "linked"))
    linked = Clone(tmp_path / "linked")
    linked.stage(NAME, zone(10, "www A 192.0.2.81"))
    refused = linked.commit()
    assert refused.status == 1
    assert f"{NAME}:2:27" in refused.output
    linked.stage(NAME, zone(11, "www A 192.0.2.81"))
    assert linked.commit().ok


def test_a_merge_is_judged_after_both_parents(enforcing: Clone) -> None:
    enforcing.git("branch", "other")
    enforcing.commit_unchecked({NAME: zone(11, "www A 192.0.2.80", "ours A 192.0.2.2")})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({NAME: zone(15, "www A 192.0.2.80", "theirs A 192.0.2.3")})
    enforcing.git("checkout", "--quiet", "main")
    assert not enforcing.try_git("merge", "other").ok
    both = ("www A 192.0.2.80", "ours A 192.0.2.2", "theirs A 192.0.2.3")
    for serial in (11, 12, 15):
        enforcing.stage(NAME, zone(serial, *both))
        refused = enforcing.commit()
        assert refused.status == 1, serial
        assert "[serial-" in refused.output
    enforcing.stage(NAME, zone(15, *both))
    bumped = enforcing.zonecast("bump")
    assert "15 → 16" in bumped.output, bumped.output
    enforcing.git("add", NAME)
    assert enforcing.commit().ok
    assert enforcing.serial("HEAD") == 16


def test_a_merge_raises_above_both_parents(fixing: Clone) -> None:
    fixing.git("branch", "other")
    fixing.commit_unchecked({NAME: zone(11, "www A 192.0.2.80", "ours A 192.0.2.2")})
    fixing.git("checkout", "--quiet", "other")
    fixing.commit_unchecked({NAME: zone(15, "www A 192.0.2.80", "theirs A 192.0.2.3")})
    fixing.git("checkout", "--quiet", "main")
    assert not fixing.try_git("merge", "other").ok
    fixing.stage(NAME, zone(11, "www A 192.0.2.80", "ours A 192.0.2.2", "theirs A 192.0.2.3"))
    done = fixing.commit()
    assert done.ok, done.output
    assert fixing.serial("HEAD") == fixing.work_serial() == 16


def test_old_faults_of_either_side_do_not_block_a_merge(enforcing: Clone) -> None:
    enforcing.git("branch", "other")
    enforcing.commit_unchecked({OTHER: zone(21, "bad A 192.0.2.999"), "x": "1"})
    enforcing.git("checkout", "--quiet", "other")
    enforcing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81"), "x": "2"})
    enforcing.git("checkout", "--quiet", "main")
    assert not enforcing.try_git("merge", "other").ok
    enforcing.stage("x", "3")
    done = enforcing.commit()
    assert done.ok, done.output


@pytest.mark.parametrize("with_spaces", [False, True])
def test_names_that_git_quotes(enforcing: Clone, with_spaces: bool) -> None:
    name = 'zones/a "b"/grün/db.example.org' if with_spaces else "zones/\t/example.org.zone"
    enforcing.stage(name, zone(1))
    assert enforcing.commit().ok
    enforcing.stage(name, zone(1, "www A 192.0.2.1"))
    refused = enforcing.commit()
    assert "[serial-not-raised]" in refused.output
    enforcing.stage("zonecast.toml", ENFORCE.replace("enforce", "fix"))
    done = enforcing.commit()
    assert done.ok, done.output
    assert enforcing.git("status", "--porcelain") == ""
