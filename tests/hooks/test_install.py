"""Hooks are put in place beside what is there, again and again, and taken away again."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from zones_clone import NAME, Clone, run, zone, zonecast


@pytest.fixture
def plain(tmp_path: Path) -> Clone:
    """A clone without any hook, one zone committed."""
    clone = Clone(tmp_path / "clone")
    clone.path.mkdir()
    clone.git("init", "--quiet")
    clone.commit_unchecked({NAME: zone(10), "zonecast.toml": '[serial]\nmode = "enforce"\n'})
    return clone


def _hook(clone: Clone) -> Path:
    return clone.path / ".git" / "hooks" / "pre-commit"


def _own_hook(clone: Clone, body: str) -> str:
    script = f"#!/bin/sh\n{body}\n"
    _hook(clone).write_text(script)
    _hook(clone).chmod(0o755)
    return script


def _configuration(clone: Clone) -> dict[str, bytes]:
    """Every file of a repository that an installation may touch."""
    top = clone.path / ".git"
    files = [top / "config", *(top / "hooks").iterdir(), *(top / "info").glob("*")]
    return {str(path.relative_to(top)): path.read_bytes() for path in files}


@pytest.mark.parametrize("attributes", [None, b"", b"*.zone merge=mine\n*.x -text", b"\r\n"])
def test_undo_restores_every_octet(plain: Clone, attributes: bytes | None) -> None:
    file = plain.path / ".git" / "info" / "attributes"
    if attributes is not None:
        file.write_bytes(attributes)
    for name in ("pre-commit", "pre-merge-commit", "pre-push"):
        _hook(plain).with_name(name).write_bytes(b"#!/bin/sh\n# mine, no newline at the end")
    before = _configuration(plain)
    assert plain.zonecast("hook", "install", "--branch", "live").ok
    installed = _configuration(plain)
    assert plain.zonecast("hook", "install").ok
    assert _configuration(plain) == installed, "a second time changes nothing"
    driver = plain.git("check-attr", "merge", NAME, "README").splitlines()
    mine = attributes is not None and b"mine" in attributes
    assert driver == [
        f"{NAME}: merge: {'mine' if mine else 'zonecast'}",
        "README: merge: unspecified",
    ]
    assert plain.zonecast("hook", "install", "--uninstall").ok
    assert _configuration(plain) == before


def test_nothing_is_installed_where_a_hook_cannot_be(plain: Clone) -> None:
    for name in ("pre-push", "pre-push.kept-by-zonecast"):
        _hook(plain).with_name(name).write_text("#!/bin/sh\n")
    before = _configuration(plain)
    assert plain.zonecast("hook", "install").status == 3
    assert _configuration(plain) == before


def test_install_and_undo_leave_no_trace(plain: Clone) -> None:
    before = sorted((plain.path / ".git" / "hooks").iterdir())
    assert plain.zonecast("hook", "install").ok
    assert plain.zonecast("hook", "install").ok
    assert (
        f"'{sys.executable}'" in _hook(plain).read_text()
        or sys.executable in _hook(plain).read_text()
    )
    plain.stage(NAME, zone(10, "www A 192.0.2.1"))
    assert plain.commit().status == 1
    undone = plain.zonecast("hook", "install", "--uninstall")
    assert undone.ok
    assert "removed" in undone.output
    assert sorted((plain.path / ".git" / "hooks").iterdir()) == before
    assert plain.commit().ok
    assert "left alone" in plain.zonecast("hook", "install", "--uninstall").output


def test_a_hook_already_there_runs_first_and_comes_back(plain: Clone) -> None:
    script = _own_hook(plain, 'echo "mine: $#"; [ ! -e refuse ]')
    assert plain.zonecast("hook", "install").ok
    assert plain.zonecast("hook", "install").ok, "a second time it is ours that is there"
    plain.stage(NAME, zone(10, "www A 192.0.2.1"))
    refused = plain.commit()
    assert "mine: 0" in refused.output
    assert "[serial-not-raised]" in refused.output
    plain.stage(NAME, zone(11, "www A 192.0.2.1"))
    plain.write("refuse", "")
    refused = plain.commit()
    assert not refused.ok
    assert "zonecast" not in refused.output
    (plain.path / "refuse").unlink()
    assert plain.commit().ok
    assert plain.zonecast("hook", "install", "--uninstall").ok
    assert _hook(plain).read_text() == script
    assert list(_hook(plain).parent.glob("*zonecast*")) == []


def test_a_hook_that_git_ignores_stays_ignored(plain: Clone) -> None:
    _own_hook(plain, "exit 1")
    _hook(plain).chmod(0o644)
    assert plain.zonecast("hook", "install").ok
    plain.stage("README", "x")
    assert plain.commit().ok
    assert plain.zonecast("hook", "install", "--uninstall").ok
    assert _hook(plain).stat().st_mode & 0o777 == 0o644


def test_two_older_hooks_are_not_lost(plain: Clone) -> None:
    kept = _own_hook(plain, "echo one")
    assert plain.zonecast("hook", "install").ok
    newer = _own_hook(plain, "echo two")
    refused = plain.zonecast("hook", "install")
    assert refused.status == 3
    assert "merge the two by hand" in refused.output
    assert _hook(plain).read_text() == newer
    assert _hook(plain).with_name("pre-commit.kept-by-zonecast").read_text() == kept


def test_a_server_hook_shares_its_input(tmp_path: Path, plain: Clone) -> None:
    server = tmp_path / "zones.git"
    assert run(tmp_path, "git", "init", "--quiet", "--bare", str(server)).ok
    own = server / "hooks" / "pre-receive"
    own.write_text('#!/bin/sh\nwhile read old new ref; do echo "mine: $ref"; done\n')
    own.chmod(0o755)
    assert zonecast(server, "hook", "install", "--server", "--branch", "main").ok
    plain.git("remote", "add", "origin", str(server))
    plain.git("branch", "topic")
    pushed = plain.push("main", "topic")
    assert pushed.ok, pushed.output
    assert "mine: refs/heads/main" in pushed.output
    assert "mine: refs/heads/topic" in pushed.output
    assert "1 changed zone checked" in pushed.output
    undone = zonecast(server, "hook", "install", "--server", "--uninstall")
    assert undone.ok, undone.output
    assert "mine" in own.read_text()
    assert run(server, "git", "config", "zonecast.branch").status == 1


def test_core_hooks_path_is_followed(plain: Clone) -> None:
    plain.git("config", "core.hooksPath", ".husky")
    assert plain.zonecast("hook", "install").ok
    assert (plain.path / ".husky" / "pre-commit").exists()
    assert not _hook(plain).exists()
    plain.stage(NAME, zone(10, "www A 192.0.2.1"))
    assert plain.commit().status == 1
    assert plain.zonecast("hook", "install", "--uninstall").ok
    assert not (plain.path / ".husky" / "pre-commit").exists()


def test_a_hooks_directory_of_all_repositories_is_not_touched(
    plain: Clone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "gitconfig"
    config.write_text(f"[core]\n    hooksPath = {tmp_path / 'shared'}\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    refused = plain.zonecast("hook", "install")
    assert refused.status == 3
    assert "git config core.hooksPath" in refused.output
    assert not (tmp_path / "shared").exists()


def test_a_vanished_interpreter_is_explained(plain: Clone) -> None:
    """Pitfall: hooks name their interpreter by an absolute path, and say where it is gone."""
    assert plain.zonecast("hook", "install").ok
    script = _hook(plain).read_text().replace(sys.executable, "/nowhere/python")
    _hook(plain).write_text(script)
    plain.stage("README", "x")
    refused = plain.commit()
    assert refused.status == 1
    assert "/nowhere/python" in refused.output
    assert "zonecast hook install" in refused.output


@pytest.mark.parametrize("link", [True, False])
def test_an_interpreter_that_the_user_may_not_reach_is_not_said_to_be_gone(
    plain: Clone, link: bool
) -> None:
    with tempfile.TemporaryDirectory(prefix="zonecast-closed-") as made:
        top = Path(made)
        for name in ("open", "closed", "closed/bin"):
            (top / name).mkdir()
            (top / name).chmod(0o755)
        top.chmod(0o755)
        (top / "closed" / "bin" / "python").symlink_to(sys.executable)
        (top / "open" / "python").symlink_to("../closed/bin/python")
        (top / "closed").chmod(0o600)
        used = top / "open" / "python" if link else top / "closed" / "bin" / "python"
        assert plain.zonecast("hook", "install").ok
        script = top / "hook"
        script.write_text(_hook(plain).read_text().replace(sys.executable, str(used)))
        # Nothing is closed to root.
        user = "nobody" if os.geteuid() == 0 else None
        done = subprocess.run(
            ["sh", str(script)], user=user, cwd="/", capture_output=True, text=True, check=False
        )
        (top / "closed").chmod(0o700)
        assert done.returncode == 1
        assert f" may not enter (x) {top / 'closed'}, which leads to" in done.stderr
        assert "is gone" not in done.stderr
        # It is gone indeed, or a link to itself.
        (top / "closed" / "bin" / "python").unlink()
        (top / "closed").chmod(0o755)
        (top / "closed" / "bin" / "python").symlink_to("python")
        for _ in range(2):
            done = subprocess.run(
                ["sh", str(script)], user=user, cwd="/", capture_output=True, text=True, check=False
            )
            assert f"{used}, which this hook was installed with, is gone" in done.stderr
            (top / "closed" / "bin" / "python").unlink(missing_ok=True)


def test_nothing_in_the_repository_is_imported(plain: Clone) -> None:
    assert plain.zonecast("hook", "install").ok
    for module in ("zonecast", "click", "git", "tomli"):
        plain.stage(f"{module}.py", "open('imported', 'w').close()\n")
    assert plain.commit().ok
    assert not (plain.path / "imported").exists()


def test_wrong_usage_is_said(plain: Clone, tmp_path: Path) -> None:
    run(tmp_path, "git", "init", "--quiet", "--bare", "bare.git")
    bare = plain.zonecast("hook", "install", str(tmp_path / "bare.git"))
    assert bare.status == 2
    assert "--server" in bare.output
    assert plain.zonecast("hook", "install", "--branch", "a..b").status == 2
    named = plain.zonecast("hook", "install", "--server", "--branch", "a..b", str(plain.path))
    assert named.status == 2
    nowhere = zonecast(tmp_path, "hook", "install")
    assert nowhere.status == 3
    assert "Traceback" not in nowhere.output


def test_a_path_with_quotes_and_spaces(tmp_path: Path) -> None:
    clone = Clone(tmp_path / 'it\'s a "dir"')
    clone.path.mkdir()
    clone.git("init", "--quiet")
    assert clone.zonecast("hook", "install").ok
    clone.stage(NAME, "broken\n")
    refused = clone.commit()
    assert refused.status == 1
    assert f"{NAME}:1:" in refused.output
