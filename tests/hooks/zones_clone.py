"""A clone with our hooks, and the repository it pushes to: real git, real processes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

NAME = "zones/example.com.zone"
OTHER = "zones/example.net.zone"
ENFORCE = '[serial]\nmode = "enforce"\npolicy = "increment"\n'
FIX = '[serial]\nmode = "fix"\npolicy = "increment"\n'


def zone(serial: int, *records: str) -> str:
    """A zone that passes every check."""
    return (
        "$TTL 3600\n"
        f"@ IN SOA ns1 hostmaster ( {serial} ; serial\n"
        "    7200 900 1209600 300 )\n"
        "@ IN NS ns1\n"
        "ns1 IN A 192.0.2.1\n"
        "*.wild IN TXT wild\n" + "".join(f"{record}\n" for record in records)
    )


class Run:
    """How a command ended, and all it printed."""

    def __init__(self, done: subprocess.CompletedProcess[bytes]) -> None:
        self.status = done.returncode
        self.output = done.stdout.decode("utf-8", "replace")

    @property
    def ok(self) -> bool:
        return self.status == 0


def run(directory: Path, *words: str, stdin: bytes = b"") -> Run:
    """Run a command in a directory."""
    return Run(
        subprocess.run(
            words,
            cwd=directory,
            input=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
            timeout=60,
        )
    )


def zonecast(directory: Path, *words: str, stdin: bytes = b"") -> Run:
    """Run our own command."""
    return run(directory, sys.executable, "-P", "-m", "zonecast", *words, stdin=stdin)


class Clone:
    """A work tree."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def git(self, *words: str) -> str:
        """Git's output; the test fails where git does."""
        done = run(self.path, "git", *words)
        assert done.ok, done.output
        return done.output.strip()

    def try_git(self, *words: str) -> Run:
        """Git, which may fail."""
        return run(self.path, "git", *words)

    def zonecast(self, *words: str) -> Run:
        """Our command, inside the work tree."""
        return zonecast(self.path, *words)

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file of the work tree."""
        file = self.path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def read(self, path: str) -> str:
        """A file of the work tree."""
        return (self.path / path).read_bytes().decode()

    def stage(self, path: str, content: str | bytes) -> None:
        """Write and add."""
        self.write(path, content)
        self.git("add", "--", path)

    def commit(self, message: str = "a change") -> Run:
        """Commit what is staged, through the hook."""
        return self.try_git("commit", "--quiet", "-m", message)

    def commit_unchecked(self, files: dict[str, str], message: str = "unchecked") -> str:
        """Commit without the hook; the commit."""
        for path, content in files.items():
            self.write(path, content)
        if files:
            self.git("add", "--", *files)
        self.git("commit", "--quiet", "--no-verify", "-m", message)
        return self.git("rev-parse", "HEAD")

    def serial(self, revision: str = "", path: str = NAME) -> int:
        """A zone's serial in a revision ("" is the index)."""
        return int(re.findall(r"\( (\d+) ; serial", self.git("show", f"{revision}:{path}"))[0])

    def work_serial(self, path: str = NAME) -> int:
        """A zone's serial in the work tree."""
        return int(re.findall(r"\( (\d+) ; serial", self.read(path))[0])

    def push(self, *words: str) -> Run:
        """Push to the server."""
        return self.try_git("push", "--quiet", "origin", *(words or ("main",)))


def server_tip(clone: Clone, branch: str = "main") -> str:
    """The commit that the server has."""
    return clone.git("ls-remote", "origin", f"refs/heads/{branch}")[:40]
