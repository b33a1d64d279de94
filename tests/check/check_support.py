"""Repositories of zone files, and `zonecast check` in a process that says which files it opens."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

AGENT = Path(__file__).resolve().parents[2] / "agent"
TOP = "$TTL 3600\n@ SOA ns hostmaster 2026112101 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"
RAISED = TOP.replace("2026112101", "2026112102")
OPENED = "opened "
# Files that were changed just now may change again unseen, and are not taken for settled.
SETTLED = 1_700_000_000

_TRACED = f"""
import sys
sys.addaudithook(
    lambda event, words: event == "open" and sys.stderr.write(f"{OPENED}{{words[0]}}\\n")
)
from zonecast.cli import main
main(sys.argv[1:])
"""


class Checked:
    """How `zonecast check` ended, what it printed, and the zone files that it opened."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.status = done.returncode
        self.output = done.stdout
        lines = done.stderr.splitlines()
        self.errors = [line for line in lines if not line.startswith(OPENED)]
        opened = [line.removeprefix(OPENED) for line in lines if line.startswith(OPENED)]
        self.opened = sorted({Path(name).name for name in opened if name.endswith(".zone")})


def check(cwd: Path, *arguments: str, **environment: str) -> Checked:
    """Run it in a directory."""
    done = subprocess.run(
        [sys.executable, "-c", _TRACED, "check", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(AGENT), **environment},
        timeout=60,
        check=False,
    )
    return Checked(done)


def git(cwd: Path, *words: str) -> str:
    """Git's output; the test fails where git does."""
    done = subprocess.run(
        ["git", *words], cwd=cwd, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout.strip()


def write(top: Path, files: dict[str, str]) -> None:
    """Files that were written long ago."""
    for path, text in files.items():
        file = top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (SETTLED, SETTLED))


def repository(top: Path, files: dict[str, str]) -> Path:
    """A repository with one commit of these files."""
    write(top, files)
    git(top, "init", "--quiet")
    git(top, "add", "--all")
    git(top, "commit", "--quiet", "-m", "first")
    return top


def lose_blobs(top: Path, git_dir: str = ".git") -> None:
    """Remove every blob: whoever wants to read a file of a commit finds that he cannot."""
    listed = git(top, "cat-file", "--batch-all-objects", "--batch-check")
    for line in listed.splitlines():
        name, kind, _ = line.split()
        if kind == "blob":
            (top / git_dir / "objects" / name[:2] / name[2:]).unlink()
