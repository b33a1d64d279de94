"""Who waits at a terminal sees how far it is; nobody else does."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from check_support import AGENT, TOP, write


def on_a_terminal(cwd: Path, *arguments: str) -> tuple[str, str]:
    """What `zonecast check` prints, and what it writes to the terminal that is its standard error."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zonecast", "check", *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, "PYTHONPATH": str(AGENT), "TERM": "xterm"},
    )
    os.close(theirs)
    shown = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # the terminal's other end is closed
            break
        if not part:
            break
        shown += part
    os.close(ours)
    printed, _ = process.communicate(timeout=60)
    return printed.decode(), shown.decode()


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("many")
    write(top, {f"z{number}.example.zone": TOP for number in range(320)})
    return top


def test_a_bar_for_people(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    printed, shown = on_a_terminal(many)
    assert printed == "320 zones: 0 errors, 0 warnings, all fine\n"
    assert "320/320" in shown
    printed, shown = on_a_terminal(many)
    assert (printed, shown) == ("320 zones: 0 errors, 0 warnings, all fine\n", "")


def test_none_for_programs(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    printed, shown = on_a_terminal(many, "--format", "json")
    assert printed.startswith("{")
    assert shown == ""
