"""The index: what the next commit would hold, and a changed blob in it.

Never `git add`: it would stage what the person held back in the work tree.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import NamedTuple

from zonecast.errors import RepositoryError
from zonecast.repository.command import Commands, decode, encode
from zonecast.repository.history import FILE_MODES, LINK_MODE, Listing

# The empty file, in SHA-1 and in SHA-256 repositories.
EMPTY_BLOBS = frozenset(
    (
        "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391",
        "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813",
    )
)


class Entry(NamedTuple):
    """A file in the index: its mode ("100644" or "100755") and blob."""

    mode: str
    blob: str


class Index:
    """The index of a repository; in a hook, the one that git named for this commit."""

    def __init__(self, commands: Commands) -> None:
        self._commands = commands

    def entries(self) -> dict[str, Entry]:
        """Path and entry of each staged file: no symlinks, no submodules, and not what
        `git add --intent-to-add` only announced. Raises RepositoryError while a merge's
        conflicts are open."""
        return self._read()[0]

    def listing(self) -> Listing:
        """The same as a listing. Raises RepositoryError as `entries` does."""
        entries, links = self._read()
        found = Listing((path, entry.blob) for path, entry in entries.items())
        found.links = frozenset(links)
        return found

    def _read(self) -> tuple[dict[str, Entry], list[str]]:
        found: dict[str, Entry] = {}
        links: list[str] = []
        for line in self._commands.run("ls-files", "--stage", "-z").split(b"\x00"):
            facts, _, path = line.partition(b"\t")
            if not path:
                continue
            mode, blob, stage = facts.split(b" ")
            if stage != b"0":
                raise RepositoryError(
                    "has conflicts that are not resolved",
                    where=decode(path),
                    remedy="resolve them and 'git add' the file",
                )
            if mode in FILE_MODES:
                found[decode(path)] = Entry(mode.decode("ascii"), blob.decode("ascii"))
            elif mode == LINK_MODE:
                links.append(decode(path))
        for path_ in self._announced(found):
            del found[path_]
        return found, links

    def has_conflicts(self) -> bool:
        """Whether a merge's conflicts are open."""
        return bool(self._commands.run("ls-files", "--unmerged", "-z"))

    def _announced(self, entries: Mapping[str, Entry]) -> list[str]:
        """Paths that stand in the index with no content yet: an empty blob there, and invisible
        to a comparison with the empty tree. (The work tree is not asked: a look at a file there
        runs the filters that the repository's configuration names.)"""
        hollow = [path for path, entry in entries.items() if entry.blob in EMPTY_BLOBS]
        if not hollow:
            return []
        tree = decode(self._commands.run("hash-object", "-t", "tree", "--stdin", stdin=b""))
        there = self._commands.run(
            "diff-index", "--cached", "-z", "--name-only", "--no-renames", "--no-ext-diff",
            "--no-textconv", "--ita-invisible-in-index", tree.strip(),
        )  # fmt: skip
        added = set(decode(there).split("\x00"))
        return [path for path in hollow if path not in added]

    def replace(self, path: str, mode: str, content: bytes) -> None:
        """Stage `content` for `path`; the work tree's file is left alone.

        Raises RepositoryError, as while another git process holds the index.
        """
        # Without a path no filter (line endings, clean) is run over it.
        made = self._commands.run("hash-object", "-w", "-t", "blob", "--stdin", stdin=content)
        entry = f"{mode} {decode(made).strip()}\t{path}\x00"
        self._commands.run("update-index", "-z", "--index-info", stdin=encode(entry))

    def refresh(self) -> None:
        """Look at the work tree's files again. git does so itself before most commands, but
        `git merge --abort` takes a file that `replace` staged for one with changes."""
        self._commands.result("update-index", "-q", "--refresh", allowed=(0, 1))


def is_temporary(index_file: str) -> bool:
    """Whether this index (GIT_INDEX_FILE) is the throw-away one of `git commit -- FILE`: what is
    staged in it reaches the commit and not the index that stays."""
    return PurePath(index_file).name.startswith("next-index-")
