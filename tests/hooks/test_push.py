"""pre-push: what the server would refuse is refused before it is sent."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import NAME, OTHER, Clone, run, server_tip, zone, zonecast


@pytest.fixture
def outgoing(enforcing: Clone, tmp_path: Path) -> Clone:
    """A clone with its hooks and a server without any, like a forge."""
    server = tmp_path / "forge.git"
    assert run(tmp_path, "git", "init", "--quiet", "--bare", str(server)).ok
    enforcing.git("remote", "add", "origin", str(server))
    pushed = enforcing.push()
    assert pushed.ok, pushed.output
    assert "2 changed zones checked" in pushed.output
    return enforcing


def test_what_no_commit_hook_saw_is_seen(outgoing: Clone) -> None:
    before = server_tip(outgoing)
    outgoing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    outgoing.git("revert", "--no-edit", "HEAD")
    outgoing.commit_unchecked({NAME: zone(10, "www A 192.0.2.82")})
    refused = outgoing.push()
    assert not refused.ok
    assert f"{NAME}:2:27: error:" in refused.output
    remedy = f"zonecast bump --above 10 {NAME}"
    assert remedy in refused.output
    assert server_tip(outgoing) == before
    assert outgoing.zonecast(*remedy.split()[1:]).ok
    outgoing.git("commit", "--quiet", "--all", "--amend", "--no-edit")
    pushed = outgoing.push()
    assert pushed.ok, pushed.output
    assert "1 changed zone checked" in pushed.output


def test_old_faults_and_other_branches_pass(outgoing: Clone) -> None:
    outgoing.commit_unchecked({OTHER: "broken\n"})
    pushed = outgoing.push("main:topic", "main:refs/tags/v1")
    assert pushed.ok, pushed.output
    assert "zonecast" not in pushed.output
    assert outgoing.push("--no-verify", "main").ok
    outgoing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushed = outgoing.push("main", ":topic")
    assert pushed.ok, pushed.output
    assert "1 changed zone checked" in pushed.output
    assert server_tip(outgoing, "topic") == ""
    assert outgoing.push().ok, "nothing to push"


def test_rewritten_or_unknown_history_is_refused(outgoing: Clone, tmp_path: Path) -> None:
    outgoing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    assert outgoing.push().ok
    outgoing.git("reset", "--quiet", "--hard", "HEAD~1")
    outgoing.commit_unchecked({NAME: zone(12, "www A 192.0.2.82")})
    refused = outgoing.push("+main")
    assert not refused.ok
    assert "git pull --rebase" in refused.output
    run(tmp_path, "git", "clone", "--quiet", "forge.git", "elsewhere")
    elsewhere = Clone(tmp_path / "elsewhere")
    elsewhere.commit_unchecked({NAME: zone(13, "www A 192.0.2.83")})
    assert elsewhere.push().ok
    refused = outgoing.push("+main")
    assert not refused.ok
    assert "is not here to compare with" in refused.output


def test_the_published_branch_is_the_remotes_or_the_one_named(
    outgoing: Clone, tmp_path: Path
) -> None:
    outgoing.commit_unchecked({NAME: "broken\n"})
    outgoing.git("update-ref", "refs/remotes/origin/live", "HEAD")
    outgoing.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/live")
    assert outgoing.push("main").ok
    assert not outgoing.push("main:live").ok
    assert not outgoing.push("main:live", "main:topic").ok
    assert outgoing.zonecast("hook", "install", "--branch", "zones/production").ok
    assert outgoing.push("main:live").ok
    assert not outgoing.push("main:refs/heads/zones/production").ok
    assert not outgoing.try_git("push", str(tmp_path / "forge.git"), "main:zones/production").ok


def test_a_hook_already_there_reads_the_refs_first(outgoing: Clone) -> None:
    assert outgoing.zonecast("hook", "install", "--uninstall").ok
    own = outgoing.path / ".git" / "hooks" / "pre-push"
    own.write_text(
        '#!/bin/sh\nwhile read -r from new to old; do echo "mine: $to of $1"; done >&2\n'
    )
    own.chmod(0o755)
    assert outgoing.zonecast("hook", "install").ok
    outgoing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushed = outgoing.push()
    assert "mine: refs/heads/main of origin" in pushed.output
    assert "1 changed zone checked" in pushed.output
    assert "mine" not in outgoing.push().output, "with nothing to push there is nothing to read"


@pytest.mark.parametrize("line", ["nonsense\n", "a b c\n"])
def test_what_git_would_never_write_is_refused(outgoing: Clone, line: str) -> None:
    done = zonecast(outgoing.path, "hook", "pre-push", "origin", "url", stdin=line.encode())
    assert done.status == 2
    assert "Traceback" not in done.output
