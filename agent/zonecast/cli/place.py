"""Where a command that is given a path works: the top of the zones, and git around it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from zonecast.errors import RepositoryError, UsageError
from zonecast.zone.policy import POLICY_FILE

if TYPE_CHECKING:  # a tree without git is checked without loading it
    from zonecast.repository import Repository


class Place(NamedTuple):
    """`top` is the directory that zone paths are relative to: the nearest with a policy at or
    above the path asked for, else the repository's top, else the path itself. `below` is what
    was asked for, relative to `top` ("" for all of it, "dir/" or a file). `prefix` is where
    `top` is in its repository ("" or "dir/")."""

    top: Path
    below: str
    repository: Repository | None
    prefix: str

    def includes(self, path: str) -> bool:
        """Whether a path, relative to `top`, was asked for."""
        return path == self.below or not self.below or path.startswith(self.below.rstrip("/") + "/")

    def display(self, path: str) -> str:
        """A path as seen from the current directory."""
        return os.path.relpath(self.top / path)

    def needs_repository(self) -> Repository:
        """The repository. Raises RepositoryError where there is none."""
        if self.repository is None:
            raise RepositoryError(
                "not in a git repository", where=str(self.top), remedy="run it inside one"
            )
        return self.repository


def find_place(path: Path) -> Place:
    """The place of a path. Raises UsageError where there is nothing at that path, RepositoryError
    where git refuses the repository around it."""
    if not path.exists():
        raise UsageError("no such file or directory", where=str(path))
    asked = path.resolve()
    directory = asked if asked.is_dir() else asked.parent
    repository = _repository(directory)
    bound = repository.path.resolve() if repository is not None else None
    top = _policy_directory(directory, bound) or bound or directory
    prefix = ""
    if bound is not None and top != bound:
        prefix = top.relative_to(bound).as_posix() + "/"
    below = asked.relative_to(top).as_posix() if asked != top and asked.is_relative_to(top) else ""
    return Place(top, below, repository, prefix)


def _repository(directory: Path) -> Repository | None:
    """The repository around a directory; None where nothing looks like one."""
    around = [directory, *directory.parents]
    bare = any((d / "HEAD").is_file() and (d / "objects").is_dir() for d in around)
    if not bare and "GIT_DIR" not in os.environ and not any((d / ".git").exists() for d in around):
        return None
    from zonecast.repository import Repository

    return Repository.discover(directory)


def _policy_directory(directory: Path, bound: Path | None) -> Path | None:
    for candidate in (directory, *directory.parents):
        if (candidate / POLICY_FILE).is_file():
            return candidate
        if candidate == bound:
            return None
    return None
