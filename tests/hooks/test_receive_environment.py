"""What surrounds pre-receive: git's quarantine, another user, several refs at once."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from zones_clone import NAME, OTHER, Clone, run, server_tip, zone

NOBODY = 65534


def _hook(server: Path) -> Path:
    return server / "hooks" / "pre-receive"


def _watched(server: Path, before: str = "", after: str = "") -> None:
    """Run shell lines around our hook."""
    hook = _hook(server)
    ours = hook.with_name("ours")
    hook.rename(ours)
    hook.write_text(
        f'#!/bin/sh\ninput=$(cat)\n{before}\nprintf "%s\\n" "$input" | {ours}\n'
        f"status=$?\n{after}\nexit $status\n"
    )
    hook.chmod(0o755)


def test_new_objects_are_seen_in_quarantine_and_nowhere_else(
    pushing: Clone, tmp_path: Path
) -> None:
    """Pitfall: in pre-receive new objects are only visible through the quarantine's variables:
    they are kept for this repository, and its objects vanish with a refused push."""
    server = tmp_path / "zones.git"
    # Without the variables that git set, the pushed commit does not exist.
    _watched(
        server,
        'set -- $input\n[ -n "$GIT_QUARANTINE_PATH" ] || echo no quarantine >&2\n'
        'env -u GIT_OBJECT_DIRECTORY -u GIT_QUARANTINE_PATH git cat-file -e "$2" 2>/dev/null'
        " && echo already here >&2",
    )
    bad = pushing.commit_unchecked({NAME: zone(10, "www A 192.0.2.81")})
    refused = pushing.push()
    assert "[serial-not-raised]" in refused.output
    assert "already here" not in refused.output
    assert "no quarantine" not in refused.output
    assert not run(server, "git", "cat-file", "-e", bad).ok
    good = pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    assert pushing.push().ok
    assert run(server, "git", "cat-file", "-e", good).ok


def test_the_hook_moves_no_ref(pushing: Clone, tmp_path: Path) -> None:
    """Pitfall: refs cannot be updated inside the hook; git refuses it, and ours does without."""
    server = tmp_path / "zones.git"
    _watched(
        server,
        after="set -- $input\ngit update-ref refs/heads/sneaked $2 2>&1 | sed 's/^/git: /' >&2",
    )
    before = run(server, "git", "for-each-ref").output
    tip = pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushed = pushing.push()
    assert pushed.ok, pushed.output
    assert "1 changed zone checked" in pushed.output
    assert "ref updates forbidden inside quarantine" in pushed.output
    after = run(server, "git", "for-each-ref").output
    assert after.splitlines() == [f"{tip} commit\trefs/heads/main"]
    assert len(before.splitlines()) == 1


def test_a_push_of_many_refs_is_judged_by_the_published_branch(pushing: Clone) -> None:
    """Pitfall: one push holds several commits, several branches and a deletion; only the published
    branch gates, and a force-push of another one passes."""
    pushing.commit_unchecked({NAME: "broken\n"})
    pushing.commit_unchecked({NAME: zone(11, "www A 192.0.2.81")})
    pushing.git("branch", "broken", "HEAD~1")
    assert pushing.push("broken", "broken:gone").ok
    pushing.git("branch", "--force", "broken", "HEAD~2")
    pushed = pushing.push("main", "+broken", ":gone", "main:new")
    assert pushed.ok, pushed.output
    assert "1 changed zone checked" in pushed.output
    tips = [server_tip(pushing, branch) for branch in ("main", "broken", "gone", "new")]
    head = pushing.git("rev-parse", "HEAD")
    assert tips == [head, pushing.git("rev-parse", "HEAD~2"), "", head]


@pytest.mark.skipif(os.geteuid() != 0, reason="pushing as another user takes root")
def test_another_user_pushes_through_the_group(pushing: Clone, tmp_path: Path) -> None:
    """Pitfall: one user pushes, another owns the repository and runs the agent: the group's
    permissions suffice, and the hook names its interpreter by an absolute path."""
    python = shutil.which(sys.executable) or sys.executable
    reachable = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
    # By a shell: what setpriv starts itself is still found with root's capabilities.
    importing = ["sh", "-c", 'exec "$0" -c "import zonecast"', python]
    if not run(tmp_path, *reachable, *importing).ok:
        pytest.skip("this interpreter is out of another user's reach")
    # Not below pytest's own directories, which every run shuts to others.
    with tempfile.TemporaryDirectory(prefix="zonecast-test-") as name:
        top = Path(name)
        top.chmod(0o755)
        for part in ("clone", "zones.git"):
            shutil.copytree(tmp_path / part, top / part, symlinks=True)
        _push_as_nobody(Clone(top / "clone"), top / "zones.git", reachable)


def _push_as_nobody(clone: Clone, server: Path, reachable: list[str]) -> None:
    top = server.parent
    run(server, "git", "config", "core.sharedRepository", "group")
    # root owns it, the group of those who push may write it.
    assert run(top, "chgrp", "-R", str(NOBODY), str(server)).ok
    assert run(top, "chmod", "-R", "g+rwX", str(server)).ok
    assert run(top, "chown", "-R", str(NOBODY), str(clone.path)).ok
    (top / ".gitconfig").write_text(
        "[safe]\n    directory = *\n[user]\n    name = x\n    email = x@example.com\n"
    )
    (top / ".gitconfig").chmod(0o644)
    assert f"interpreter={sys.executable}" in _hook(server).read_text()
    assert Path(sys.executable).is_absolute()
    git = [*reachable, "env", f"HOME={top}", "PATH=/usr/bin:/bin", "git", "-C", str(clone.path)]
    for serial, record, passes in ((10, "www A 192.0.2.81", False), (11, "www A 192.0.2.82", True)):
        clone.write(NAME, zone(serial, record))
        done = run(top, *git, "commit", "--quiet", "--no-verify", "--all", "-m", "change")
        assert done.ok, done.output
        pushed = run(top, *git, "push", "--quiet", "origin", "main")
        assert pushed.ok == passes, pushed.output
        assert ("[serial-not-raised]" in pushed.output) != passes, pushed.output
    assert OTHER in run(server, "git", "ls-tree", "-r", "--name-only", "main").output
