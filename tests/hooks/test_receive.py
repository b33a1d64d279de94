"""pre-receive: the published branch moves to good zones, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from zones_clone import ENFORCE, NAME, OTHER, Clone, run, server_tip, zone, zonecast


def test_a_good_push_passes_and_says_little(pushing: Clone) -> None:
    commit = pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushed = pushing.push()
    assert pushed.ok, pushed.output
    assert [line.strip() for line in pushed.output.splitlines()] == [
        "remote: zonecast: 1 changed zone checked"
    ]
    assert server_tip(pushing) == commit


def test_a_push_without_a_serial_is_refused_and_the_remedy_works(pushing: Clone) -> None:
    before = server_tip(pushing)
    pushing.commit_unchecked({NAME: zone(10, "www A 192.0.2.81")})
    refused = pushing.push()
    assert not refused.ok
    assert f"remote: {NAME}:2:27: error:" in refused.output
    assert "[serial-not-raised]" in refused.output
    remedy = f"zonecast bump --above 10 {NAME}"
    assert remedy in refused.output
    assert server_tip(pushing) == before
    assert "10 → 11" in pushing.zonecast(*remedy.split()[1:]).output
    pushing.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    assert pushing.push().ok


def test_mode_fix_is_enforce_here(pushing: Clone) -> None:
    pushing.commit_unchecked({"zonecast.toml": ENFORCE.replace("enforce", "fix")})
    assert pushing.push().ok
    pushing.commit_unchecked({NAME: zone(10, "www A 192.0.2.81")})
    refused = pushing.push()
    assert not refused.ok
    assert "[serial-not-raised]" in refused.output


def test_mode_managed_has_no_serial_rule(pushing: Clone) -> None:
    policy = ENFORCE.replace("enforce", "managed")
    pushing.commit_unchecked({"zonecast.toml": policy, NAME: zone(10, "www A 192.0.2.81")})
    assert pushing.push().ok


def test_several_commits_count_as_one_step(pushing: Clone) -> None:
    pushing.commit_unchecked({NAME: "broken\n"})
    pushing.commit_unchecked({NAME: zone(10, "www A 192.0.2.81")})
    pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.82")})
    pushed = pushing.push()
    assert pushed.ok, pushed.output


def test_a_broken_zone_refuses_the_push_whole(pushing: Clone) -> None:
    before = server_tip(pushing)
    pushing.commit_unchecked(
        {NAME: zone(11, "www A 192.0.2.999"), OTHER: zone(21, "a A 192.0.2.1")}
    )
    pushing.git("branch", "topic")
    refused = pushing.push("main", "topic")
    assert not refused.ok
    assert f"{NAME}:7:" in refused.output
    assert "push refused" in refused.output
    assert server_tip(pushing) == before
    assert server_tip(pushing, "topic") == ""


def test_an_old_fault_elsewhere_does_not_block(pushing: Clone, tmp_path: Path) -> None:
    pushing.commit_unchecked({OTHER: "broken\n"})
    # As a history from before the hook has it.
    pushing.git("push", "--quiet", "origin", "main:refs/heads/import")
    tip = pushing.git("rev-parse", "HEAD")
    assert run(tmp_path / "zones.git", "git", "update-ref", "refs/heads/main", tip).ok
    pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushed = pushing.push()
    assert pushed.ok, pushed.output
    pushing.commit_unchecked({OTHER: "broken still\n"})
    assert not pushing.push().ok


def test_only_the_published_branch_gates(pushing: Clone) -> None:
    pushing.commit_unchecked({NAME: "broken\n", OTHER: zone(20, "www A 192.0.2.1")})
    pushing.git("tag", "v1")
    for refs in (["main:topic"], ["v1"], ["main:refs/notes/x"], ["+main~1:topic"], [":topic"]):
        pushed = pushing.push(*refs)
        assert pushed.ok, pushed.output
        assert "zonecast" not in pushed.output
    assert not pushing.push("main:topic2", "main").ok
    assert server_tip(pushing, "topic2") == ""


def test_the_first_push(enforcing: Clone, tmp_path: Path) -> None:
    enforcing.zonecast("hook", "install", "--uninstall")
    server = tmp_path / "zones.git"
    run(tmp_path, "git", "init", "--quiet", "--bare", str(server))
    assert zonecast(server, "hook", "install", "--server").ok
    enforcing.git("remote", "add", "origin", str(server))
    enforcing.commit_unchecked({NAME: "broken\n"})
    assert not enforcing.push().ok
    assert server_tip(enforcing) == ""
    enforcing.git("reset", "--quiet", "--hard", "HEAD~1")
    pushed = enforcing.push()
    assert pushed.ok, pushed.output
    assert "2 changed zones checked" in pushed.output


def test_deleting_the_branch_is_refused(pushing: Clone) -> None:
    before = server_tip(pushing)
    refused = pushing.push(":main")
    assert not refused.ok
    assert "is not deleted" in refused.output
    assert server_tip(pushing) == before


def test_deleting_the_policy_is_refused_by_name(pushing: Clone) -> None:
    pushing.git("rm", "--quiet", "zonecast.toml")
    pushing.git("commit", "--quiet", "--message", "no policy")
    refused = pushing.push()
    assert not refused.ok
    assert "remote: zonecast: zonecast.toml: this deletes the policy" in refused.output


def test_a_broken_policy_is_refused_and_a_mended_one_accepted(pushing: Clone) -> None:
    pushing.commit_unchecked({"zonecast.toml": "[serial\n"})
    refused = pushing.push()
    assert not refused.ok
    assert "zonecast.toml" in refused.output
    pushing.commit_unchecked({"zonecast.toml": ENFORCE})
    assert pushing.push().ok


def test_rewritten_history_is_refused(pushing: Clone) -> None:
    pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    assert pushing.push().ok
    before = server_tip(pushing)
    pushing.git("reset", "--quiet", "--hard", "HEAD~1")
    pushing.commit_unchecked({NAME: zone(12, "www A 192.0.2.82")})
    refused = pushing.push("+main")
    assert not refused.ok
    assert f"does not contain {before[:12]}" in refused.output
    assert "git pull --rebase" in refused.output
    assert server_tip(pushing) == before


def test_going_back_takes_a_higher_serial(pushing: Clone) -> None:
    """`git revert` lowers the serial, and secondaries would ignore the zone for ever."""
    pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    assert pushing.push().ok
    pushing.git("revert", "--no-edit", "HEAD")
    refused = pushing.push()
    assert not refused.ok
    assert "[serial-backwards]" in refused.output
    pushing.commit_unchecked({NAME: zone(12, "www A 192.0.2.80")})
    assert pushing.push().ok


def test_branches_that_chose_one_serial(pushing: Clone) -> None:
    """Two branches pick the same serial for different content; git merges them cleanly."""
    pushing.git("branch", "other")
    records = [f"host{number} A 192.0.2.{number}" for number in range(20)]
    pushing.commit_unchecked({NAME: zone(11, "first A 192.0.2.90", *records)})
    assert pushing.push().ok
    pushing.git("checkout", "--quiet", "-B", "other", "main~1")
    pushing.commit_unchecked({NAME: zone(10, *records)})
    pushing.commit_unchecked({NAME: zone(11, *records, "last A 192.0.2.91")})
    pushing.git("checkout", "--quiet", "main")
    pushing.try_git("merge", "--quiet", "-X", "ours", "other")
    pushing.commit_unchecked({NAME: zone(11, "first A 192.0.2.90", *records, "last A 192.0.2.91")})
    refused = pushing.push()
    assert not refused.ok
    assert "[serial-not-raised]" in refused.output


def test_a_changed_include_is_seen(pushing: Clone) -> None:
    pushing.commit_unchecked(
        {"a.inc": "@ MX 10 mx.example.org.\n", NAME: zone(11, "$INCLUDE a.inc")}
    )
    assert pushing.push().ok
    pushing.commit_unchecked({"a.inc": "@ MX 20 mx.example.org.\n"})
    refused = pushing.push()
    assert f"{NAME}:2:27: error:" in refused.output


@pytest.mark.parametrize("branch", ["live/zones", "näme"])
def test_another_branch_may_be_the_published_one(
    pushing: Clone, tmp_path: Path, branch: str
) -> None:
    server = str(tmp_path / "zones.git")
    installed = pushing.zonecast("hook", "install", "--server", "--branch", branch, server)
    assert branch in installed.output
    pushing.commit_unchecked({NAME: "broken\n"})
    assert pushing.push("main").ok
    refused = pushing.push(f"main:refs/heads/{branch}")
    assert not refused.ok
    assert f"{NAME}:1:" in refused.output


def test_packed_quarantine_and_sha256(tmp_path: Path) -> None:
    """A push too big to be unpacked is judged in quarantine; ids of either length."""
    clone = Clone(tmp_path / "clone")
    clone.path.mkdir()
    server = tmp_path / "zones.git"
    run(tmp_path, "git", "init", "--quiet", "--bare", "--object-format=sha256", str(server))
    assert zonecast(tmp_path, "hook", "install", "--server", "--socket", "none", str(server)).ok
    run(server, "git", "config", "receive.unpackLimit", "1")
    clone.git("init", "--quiet", "--object-format=sha256")
    clone.git("remote", "add", "origin", str(server))
    zones = {f"zones/z{number}.example.zone": zone(1) for number in range(150)}
    clone.commit_unchecked(zones)
    pushed = clone.push()
    assert pushed.ok, pushed.output
    assert "150 changed zones checked" in pushed.output
    clone.commit_unchecked({"zones/z7.example.zone": zone(1, "new A 192.0.2.1")})
    assert "z7.example.zone:2:27: error" in clone.push().output
    assert clone.push(":main").status == 1


@pytest.mark.skipif(os.geteuid() != 0, reason="giving files away takes root")
def test_the_repository_may_be_another_users(pushing: Clone, tmp_path: Path) -> None:
    """root installs the hook, the user `git` owns the repository and pushes into it."""
    server = tmp_path / "zones.git"
    assert run(tmp_path, "chown", "-R", "65534", str(server)).ok
    installed = zonecast(tmp_path, "hook", "install", "--server", "--branch", "main", str(server))
    assert installed.ok, installed.output
    owners = {path.stat().st_uid for path in [server, *server.rglob("*")]}
    assert owners == {65534}


@pytest.mark.parametrize("line", ["nonsense\n", "a b\n"])
def test_what_git_would_never_write_is_refused(pushing: Clone, line: str) -> None:
    done = pushing.zonecast("hook", "pre-receive")
    assert done.ok, "nothing on standard input: nothing to judge"
    done = zonecast(pushing.path, "hook", "pre-receive", stdin=line.encode())
    assert done.status == 2
    assert "Traceback" not in done.output
