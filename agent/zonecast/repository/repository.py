"""A repository, bare or not: its branches, and the files of a commit or of the index."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from zonecast.errors import RepositoryError
from zonecast.repository.command import Commands, decode, encode
from zonecast.repository.history import CommitInfo, Listing, parse_batch, parse_commit, parse_tree
from zonecast.repository.index import Index


class Places(NamedTuple):
    """Where a repository's parts are; `work_tree` is None in a bare one."""

    git_dir: Path
    common_dir: Path
    hooks: Path
    work_tree: Path | None


class Repository:
    """A git repository, SHA-1 or SHA-256.

    `path` opens it again: the top of its work tree, or its git directory where it has none.
    Paths of files are relative to the top; octets in them that are not UTF-8 are surrogates.
    Commits are ids, as `resolve` gives them.
    """

    def __init__(self, commands: Commands, places: Places) -> None:
        self.commands = commands
        self.places = places
        self.path = places.work_tree or places.git_dir
        self.index = Index(commands)
        # What an id names never changes, and each question is a process.
        self._commits: set[str] = set()
        self._listings: dict[str, Listing] = {}

    @classmethod
    def open(cls, path: str | Path) -> Repository:
        """The repository at `path` itself: a bare one, the top of a work tree, or its `.git`.

        Whoever names it trusts it, so its owner may be another user; an environment that names
        another repository is not heeded. Raises RepositoryError.
        """
        directory = Path(path).resolve()
        safe = [str(directory), str(directory / ".git")]
        if directory.name == ".git":
            safe.append(str(directory.parent))
        commands = Commands(str(directory), safe=safe, ceiling=str(directory.parent))
        return cls(commands, _places(commands))

    @classmethod
    def discover(cls, path: str | Path = ".") -> Repository:
        """The repository that `path` is in, as git finds it: by its environment (which a hook
        needs) before its directory, and with its rules about owners. Raises RepositoryError."""
        directory = Path(path).resolve()
        if directory.is_file():
            directory = directory.parent
        commands = Commands(str(directory), inherit=True)
        places = _places(commands)
        top = places.work_tree
        if top is not None and top != directory:
            commands = Commands(str(top), inherit=True)
        return cls(commands, places)

    @property
    def bare(self) -> bool:
        """Whether it has no work tree."""
        return self.places.work_tree is None

    def resolve(self, revision: str) -> str:
        """The commit id that `revision` names. Raises RepositoryError where there is none."""
        found = self._commit(revision)
        if found is None:
            raise RepositoryError(
                f"'{revision}' names no commit here",
                where=str(self.path),
                remedy="see 'git log --all --oneline'; a shallow clone may lack it",
            )
        return found

    def has_commit(self, commit: str) -> bool:
        """Whether a commit is here."""
        return self._commit(commit) is not None

    def head(self) -> str | None:
        """The commit that is checked out, None before the first one."""
        return self._commit("HEAD")

    def _commit(self, revision: str) -> str | None:
        if not revision or revision.startswith("-") or not revision.isprintable():
            return None
        if revision in self._commits:
            return revision
        found = self.commands.result(
            "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}", allowed=(0, 1, 128)
        )
        if found.status:
            return None
        commit = decode(found.stdout).strip()
        self._commits.add(commit)
        return commit

    def head_branch(self) -> str | None:
        """The branch that HEAD names, None where HEAD is a commit."""
        found = self.commands.result("symbolic-ref", "--quiet", "HEAD", allowed=(0, 1))
        name = decode(found.stdout).strip()
        return name.removeprefix("refs/heads/") if name.startswith("refs/heads/") else None

    def branch_tip(self, branch: str) -> str | None:
        """The commit at the tip of a local branch, None where there is no such branch."""
        ref = f"refs/heads/{branch.removeprefix('refs/heads/')}"
        listed = self.commands.text("for-each-ref", "--format=%(objectname) %(refname)", ref)
        for line in listed.splitlines():
            commit, _, name = line.partition(" ")
            if name == ref:
                return commit
        return None

    def merge_heads(self) -> list[str]:
        """The other parents of a merge that is under way."""
        try:
            content = (self.places.git_dir / "MERGE_HEAD").read_text("ascii")
        except FileNotFoundError:
            return []
        return content.split()

    def listing(self, commit: str) -> Listing:
        """The files of a commit. Raises RepositoryError."""
        if commit not in self._commits:  # a name, which may mean something else the next time
            return self._list(commit)
        if commit not in self._listings:
            self._listings[commit] = self._list(commit)
        return self._listings[commit].copy()

    def _list(self, commit: str) -> Listing:
        return parse_tree(self.commands.run("ls-tree", "-r", "-z", "--full-tree", commit))

    def staged_listing(self) -> Listing:
        """The same of the index. Raises RepositoryError while it holds conflicts."""
        return self.index.listing()

    def blobs(self, ids: Iterable[str]) -> dict[str, bytes]:
        """The contents of blobs, read by one process. Raises RepositoryError for a missing one."""
        found = {}
        for name, kind, content in self._objects(ids):
            if kind != "blob":
                raise RepositoryError(f"object {name} is a {kind}, no file", where=str(self.path))
            found[name] = content
        return found

    def sizes(self, ids: Iterable[str]) -> dict[str, int]:
        """The octets that each of these objects has; those that are not here are left out."""
        wanted = "".join(f"{name}\n" for name in dict.fromkeys(ids))
        printed = self.commands.run("cat-file", "--batch-check", "--buffer", stdin=encode(wanted))
        lines = (line.split() for line in decode(printed).splitlines())
        return {fields[0]: int(fields[2]) for fields in lines if len(fields) == 3}

    def _objects(self, ids: Iterable[str]) -> list[tuple[str, str, bytes]]:
        wanted = "".join(f"{name}\n" for name in dict.fromkeys(ids))
        if not wanted:
            return []
        output = self.commands.run("cat-file", "--batch", "--buffer", stdin=encode(wanted))
        return list(parse_batch(output))

    def changed_paths(self, old: str | None, new: str) -> set[str]:
        """Paths that differ between two commits, renames as both names; None is the empty tree."""
        if old is None:
            return set(self.listing(new))
        output = self.commands.run(
            "diff-tree", "-r", "-z", "--name-only", "--no-renames", "--no-ext-diff",
            "--no-textconv", old, new,
        )  # fmt: skip
        return {path for path in decode(output).split("\x00") if path}

    def is_ancestor(self, old: str, new: str) -> bool:
        """Whether `new` contains `old`. A shallow clone may not know that it does."""
        return self.commands.succeeds("merge-base", "--is-ancestor", old, new)

    def commit_info(self, commit: str) -> CommitInfo:
        """A commit's author, message, time and parents. Raises RepositoryError."""
        for name, kind, content in self._objects([commit]):
            if kind == "commit":
                return parse_commit(name, content)
        raise RepositoryError(f"'{commit}' is no commit", where=str(self.path))

    def commit_time(self, commit: str) -> int:
        """When a commit was made (its committer's clock), in POSIX seconds."""
        return self.commit_info(commit).committed

    def config(self, key: str) -> str | None:
        """The value of a configuration key, None where it is not set."""
        found = self.commands.result("config", "--get", key, allowed=(0, 1), options=())
        return None if found.status else decode(found.stdout).removesuffix("\n")

    def set_config(self, key: str, value: str | None) -> None:
        """Set a key in the repository's own configuration; None removes it. The file stays its
        owner's, for root may configure what the user that git runs as has to read."""
        file = self.places.common_dir / "config"
        before = file.stat()
        if value is None:
            self.commands.result("config", "--local", "--unset-all", key, allowed=(0, 5))
        else:
            self.commands.run("config", "--local", "--replace-all", key, value)
        if os.geteuid() == 0:
            os.chown(file, before.st_uid, before.st_gid)

    def watch_paths(self) -> list[Path]:
        """Directories in which, or below which, something changes when a branch moves. A hint:
        poll as well."""
        common = self.places.common_dir
        return [path for path in (common / "refs", common / "reftable") if path.is_dir()]


def differing(old: Mapping[str, str], new: Mapping[str, str]) -> set[str]:
    """Paths that are in one listing only, or with another blob."""
    return {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}


def _places(commands: Commands) -> Places:
    # The hooks' directory is what the configuration says, so it is not overridden here.
    printed = commands.run(
        "rev-parse", "--absolute-git-dir", "--git-common-dir", "--git-path", "hooks", "--show-cdup",
        options=(),
    )  # fmt: skip
    lines = decode(printed).splitlines()
    if len(lines) not in (3, 4):
        raise RepositoryError(
            "a newline in the repository's path is not supported", where=commands.directory
        )
    found = [Path(os.path.normpath(Path(commands.directory, line))) for line in lines]
    return Places(found[0], found[1], found[2], found[3] if len(lines) == 4 else None)
