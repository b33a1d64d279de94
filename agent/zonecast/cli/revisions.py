"""The files of a revision, of the index or of a work tree, in the form that a collection reads."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from zonecast.cli.including import reader
from zonecast.errors import ConfigError, RepositoryError, remedy_for
from zonecast.server.reading import helpers
from zonecast.zone.collection import Collection, affected, read_collection, zone_files
from zonecast.zone.policy import POLICY_FILE, Policy, linked_policy

if TYPE_CHECKING:  # a tree without git is checked without loading it
    from zonecast.cli.checking.tree_state import TreeState
    from zonecast.repository import Listing, Repository


class Files:
    """The files below `prefix` ("" or "dir/") of something that has files: paths relative to the
    prefix, and their contents, each read once. `identify` gives a path's blob where that is known
    without reading the file; `links` are paths of symbolic links, which are no files; `cache` is
    the directory of `cli.checking.cache.Cache`, if there is one."""

    def __init__(
        self,
        paths: Iterable[str],
        fetch: Callable[[list[str]], dict[str, bytes]],
        identify: Callable[[str], str | None] | None = None,
        algorithm: str = "sha1",
        links: Iterable[str] = (),
        cache: Path | None = None,
    ) -> None:
        self.paths = frozenset(paths)
        self.links = frozenset(links)
        self.algorithm = algorithm
        self.cache = cache
        self._fetch = fetch
        self._identify = identify
        self._contents: dict[str, bytes] = {}
        self._blobs: dict[str, str] = {}

    def read(self, path: str) -> bytes:
        """A file's octets. Raises RepositoryError."""
        if path not in self._contents:
            if path not in self.paths:
                raise RepositoryError("no such file", where=path)
            self._contents |= self._fetch([path])
        return self._contents[path]

    def blob(self, path: str) -> str | None:
        """A file's id, the same for the same octets; None where there is no such file. Raises
        RepositoryError."""
        if path not in self.paths:
            return None
        found = self._blobs.get(path)
        if found is None:
            known = None if self._identify is None else self._identify(path)
            found = known or blob_id(self.read(path), self.algorithm)
            self._blobs[path] = found
        return found

    def is_steady(self, path: str) -> bool:
        """Whether what was read of a file is what its blob says: a work tree may change while it
        is looked at."""
        content = self._contents.get(path)
        return content is None or self.blob(path) == blob_id(content, self.algorithm)

    def policy(self, shown: str = POLICY_FILE) -> Policy:
        """The policy among the files, the defaults where there is none. Raises ConfigError, which
        calls the file `shown`."""
        if POLICY_FILE in self.links:
            raise linked_policy(shown)
        if POLICY_FILE not in self.paths:
            return Policy()
        return Policy.from_toml(self.read(POLICY_FILE), shown)

    def policy_or(self, otherwise: Policy) -> Policy:
        """The policy among the files; `otherwise` where it is broken, so that a commit that mends
        it can be judged."""
        try:
            return self.policy()
        except ConfigError:
            return otherwise

    def prefetch(self, paths: Iterable[str]) -> None:
        """Reads several files in one go."""
        wanted = [path for path in paths if path in self.paths and path not in self._contents]
        if wanted:
            self._contents |= self._fetch(wanted)


NO_FILES = Files((), lambda paths: {})


def blob_id(content: bytes, algorithm: str) -> str:
    """The id that git gives a file with this content."""
    return hashlib.new(algorithm, b"blob %d\0" % len(content) + content).hexdigest()


def _from_blobs(repository: Repository, listing: Listing, prefix: str) -> Files:
    blobs = {
        path.removeprefix(prefix): blob for path, blob in listing.items() if path.startswith(prefix)
    }

    def fetch(paths: list[str]) -> dict[str, bytes]:
        contents = repository.blobs([blobs[path] for path in paths])
        return {path: contents[blobs[path]] for path in paths}

    some = next(iter(blobs.values()), "")
    algorithm = "sha256" if len(some) == 64 else "sha1"
    links = {path.removeprefix(prefix) for path in listing.links if path.startswith(prefix)}
    cache = repository.places.common_dir / "zonecast"
    return Files(blobs, fetch, blobs.get, algorithm, links, cache)


def committed(repository: Repository, revision: str, prefix: str = "") -> Files:
    """The files of a commit. Raises RepositoryError where there is no such commit."""
    return _from_blobs(repository, repository.listing(repository.resolve(revision)), prefix)


def committed_or_none(repository: Repository, revision: str, prefix: str = "") -> Files:
    """The files of a commit; none where there is no such commit, as before the first one."""
    if not repository.commands.succeeds(
        "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}"
    ):
        return NO_FILES
    return committed(repository, revision, prefix)


def staged(repository: Repository, prefix: str = "") -> Files:
    """The files of the index."""
    return _from_blobs(repository, repository.staged_listing(), prefix)


def work_tree(top: Path, repository: Repository | None, state: TreeState | None = None) -> Files:
    """The files on disk below `top`: of a repository what git knows or would add, else all but
    those in directories whose name starts with a dot. Symbolic links are not followed. `state` is
    asked for what is known of files that were not touched since."""
    if repository is None:
        listed = set(_walk(top))
    else:
        options = ("-z", "--cached", "--others", "--exclude-standard", "--deduplicate")
        printed = repository.commands.run("-C", str(top), "ls-files", *options)
        listed = set(printed.decode("utf-8", "surrogateescape").split("\0")[:-1])
    found = {path for path in listed if _is_file(top / path)}
    links = {path for path in listed - found if (top / path).is_symlink()}

    def fetch(paths: list[str]) -> dict[str, bytes]:
        return {path: _read(top, path) for path in paths}

    if state is None:
        return Files(found, fetch, links=links)
    files = Files(found, fetch, state.blob, state.algorithm, links)
    state.watch(files.read)
    return files


def _walk(top: Path) -> Iterable[str]:
    for directory, inner, names in os.walk(top):
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in names:
            yield Path(directory, name).relative_to(top).as_posix()


def _is_file(path: Path) -> bool:
    return path.is_file() and not path.is_symlink()


def _read(top: Path, path: str) -> bytes:
    try:
        return (top / path).read_bytes()
    except OSError as error:
        raise RepositoryError(
            f"cannot be read: {error.strerror}", where=str(top / path), remedy=remedy_for(error)
        ) from None


def read_zones(
    files: Files, policy: Policy, only: Callable[[str], bool] | None = None
) -> Collection:
    """The zones among the files; those alone that `only` accepts."""
    wanted, _ = zone_files(files.paths, policy)
    files.prefetch(path for path in wanted if only is None or only(path))
    return read_collection(files.paths, files.read, policy, only=only, helpers=helpers())


def changed_between(old: Files, new: Files, looked_at: Iterable[str]) -> set[str]:
    """The paths that differ between two sets of files: of those in both, only the ones in
    `looked_at` are compared."""
    changed = set(old.paths ^ new.paths)
    common = [path for path in looked_at if path in old.paths and path in new.paths]
    if old.algorithm != new.algorithm:
        changed.update(path for path in common if old.read(path) != new.read(path))
    else:
        changed.update(path for path in common if old.blob(path) != new.blob(path))
    return changed


def touched_zones(changed: set[str], files: Files, policy: Policy) -> set[str]:
    """The zone files whose zone may differ where these paths changed."""
    if POLICY_FILE in changed or not changed:
        return affected(changed, files.paths, files.read, policy)
    wanted, _ = zone_files(files.paths, policy)
    return affected(changed, files.paths, reader(files, wanted), policy)
