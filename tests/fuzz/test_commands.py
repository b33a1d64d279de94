"""Mutated zone files through the commands themselves, in a real repository: an error says where,
nothing is written where something is wrong, and what is written are a serial's digits."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from seeds import zones
from targets import PATH, TOP
from test_targets import EDITS, Edit, mutated

from zonecast.cli import main

POLICY = b'[serial]\nmode = "fix"\npolicy = "increment"\n'
PLACE = re.compile(r"^zones/example\.com\.zone(:\d+:\d+)?: ", re.MULTILINE)
STARTS = st.sampled_from([TOP + zone for zone in zones()] + list(zones()))
FEW = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def git(*words: str, stdin: bytes = b"") -> str:
    done = subprocess.run(["git", *words], input=stdin, capture_output=True, check=True)
    return done.stdout.decode().strip()


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A zone file in a repository, committed; the current directory is the repository."""
    monkeypatch.chdir(tmp_path)
    git("init", "--quiet")
    (tmp_path / "zones").mkdir()
    (tmp_path / PATH).write_bytes(TOP)
    (tmp_path / "zonecast.toml").write_bytes(POLICY)
    git("add", "--all")
    git("commit", "--quiet", "--message", "first")
    return tmp_path / PATH


def invoke(*words: str, stdin: bytes = b"") -> Result:
    done = CliRunner().invoke(main, words, input=stdin)
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exc_info
    assert done.exit_code in (0, 1), done.output
    return done


def only_digits_differ(before: bytes, after: bytes) -> bool:
    """Whether `after` is `before` with one number in it replaced."""
    start = 0
    while start < min(len(before), len(after)) and before[start] == after[start]:
        start += 1
    end = 0
    while end < min(len(before), len(after)) - start and before[-end - 1] == after[-end - 1]:
        end += 1
    return all(
        not part or part.isdigit()
        for part in (text[start : len(text) - end] for text in (before, after))
    )


@pytest.mark.parametrize("command", [("bump",), ("hook", "pre-commit")])
def test_a_file_is_left_alone_or_its_serial_raised(file: Path, command: tuple[str, ...]) -> None:
    @FEW
    @given(STARTS, EDITS)
    def any_file(start: bytes, edits: list[Edit]) -> None:
        content = mutated(start, edits)
        file.write_bytes(content)
        git("add", PATH)
        staged = git("rev-parse", f":{PATH}")
        done = invoke(*command)
        after = file.read_bytes()
        if done.exit_code:
            assert PLACE.search(done.output), done.output
            assert after == content
            assert git("rev-parse", f":{PATH}") == staged
        else:
            assert only_digits_differ(content, after)
            # The same in the index.
            assert git("hash-object", "--no-filters", PATH) == git("rev-parse", f":{PATH}")

    any_file()


def test_a_push_is_judged(file: Path) -> None:
    old = git("rev-parse", "HEAD")
    policy = git("rev-parse", "HEAD:zonecast.toml")

    @FEW
    @given(STARTS, EDITS)
    def any_file(start: bytes, edits: list[Edit]) -> None:
        blob = git("hash-object", "-w", "--stdin", stdin=mutated(start, edits))
        zones_tree = git("mktree", stdin=b"100644 blob %b\texample.com.zone\n" % blob.encode())
        lines = f"040000 tree {zones_tree}\tzones\n100644 blob {policy}\tzonecast.toml\n"
        tree = git("mktree", stdin=lines.encode())
        new = git("commit-tree", "-p", old, "-m", "pushed", tree)
        line = f"{old} {new} refs/heads/main\n".encode()
        done = invoke("hook", "pre-receive", "--branch", "main", stdin=line)
        assert PLACE.search(done.output) or done.exit_code == 0, done.output

    any_file()


def test_the_comparison_can_fail() -> None:
    assert only_digits_differ(b"a 10 b", b"a 11 b")
    assert only_digits_differ(b"a 9 b", b"a 10 b")
    assert not only_digits_differ(b"a 9 b", b"a 10 c")
    assert not only_digits_differ(b"a b", b"a c")
