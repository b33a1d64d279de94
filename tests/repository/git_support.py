"""Plain git for tests of the repository layer, and small repositories."""

from __future__ import annotations

import subprocess
from pathlib import Path


def git(directory: Path, *arguments: str | bytes, stdin: bytes = b"") -> str:
    """What git prints, without the last newline; the test fails where git does."""
    done = subprocess.run(
        ["git", *arguments], cwd=directory, input=stdin, capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode("utf-8", "surrogateescape").removesuffix("\n")


def make(directory: Path, *options: str) -> Path:
    """An empty repository."""
    directory.mkdir(parents=True, exist_ok=True)
    git(directory, "init", "--quiet", *options)
    return directory


def commit(directory: Path, files: dict[str, bytes], message: str = "a commit") -> str:
    """Commit these files, whatever else is there; the commit's id."""
    for path, content in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(content)
    git(directory, "add", "--all")
    git(directory, "commit", "--quiet", "--message", message)
    return git(directory, "rev-parse", "HEAD")
