"""A new repository made from files in memory: one commit on one branch, no work tree needed."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from git import Repo
from git.exc import GitError

from zonecast.errors import RepositoryError, remedy_for

COMMITTER = "zonecast <zonecast@localhost>"


def create_bare(
    path: Path, files: Mapping[str, bytes], message: str, now: float, branch: str = "main"
) -> str:
    """Make a bare repository whose `branch` holds `files`; its commit.

    Paths are plain (no quotes, no line ends). Raises RepositoryError where something is there
    already or git fails.
    """
    if path.exists() and any(path.iterdir()):
        raise RepositoryError("is not empty", where=str(path), remedy="name a new directory")
    text = message.encode()
    stream = [
        b"commit refs/heads/" + branch.encode(),
        f"committer {COMMITTER} {int(now)} +0000".encode(),
        b"data %d" % len(text),
        text,
    ]
    for name, content in sorted(files.items()):
        stream += [b"M 100644 inline " + name.encode(), b"data %d" % len(content), content]
    try:
        with tempfile.TemporaryFile() as source:
            source.write(b"\n".join(stream) + b"\n")
            source.seek(0)
            repository = Repo.init(path, bare=True, initial_branch=branch)
            repository.git.fast_import(quiet=True, istream=source)
            return str(repository.git.rev_parse(f"refs/heads/{branch}"))
    except (GitError, OSError) as error:
        remedy = (
            remedy_for(error)
            if isinstance(error, OSError)
            else "name a directory that is empty or not there yet"
        )
        raise RepositoryError(f"cannot be made: {error}", where=str(path), remedy=remedy) from error
