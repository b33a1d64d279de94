"""Which zone files include others. What a change touches depends on it, and of thousands of files
hardly any does: of a repository with many zones, the blobs that do not are remembered."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zonecast.cli.revisions import Files

# Zone files from which on it is worth the while, and new blobs from which on it is to write.
MANY = 500
_ENOUGH = 50


def reader(files: Files, zone_files: Collection[str]) -> Callable[[str], bytes]:
    """What reads a file where nothing but its `$INCLUDE`s is looked for: a zone file without a
    mention of one may come back empty. Raises RepositoryError."""
    if files.cache is None or len(zone_files) < MANY:
        files.prefetch(zone_files)
        return files.read
    silent = _silent(files, zone_files)
    return lambda path: b"" if path in silent else files.read(path)


def _silent(files: Files, paths: Collection[str]) -> frozenset[str]:
    """The files that do not mention `$INCLUDE`."""
    from zonecast.cli.checking.cache import Cache  # for big repositories alone

    ids = {path: bytes.fromhex(blob) for path in paths if (blob := files.blob(path))}
    size = len(next(iter(ids.values()), b""))
    key = b"blobs of %d octets that include nothing, 1" % size
    cache = Cache(files.cache, time.time())
    kept = cache.get([key]).get(key, b"")
    known = {kept[at : at + size] for at in range(0, len(kept), size)} if kept else set()
    new = [path for path, blob in ids.items() if blob not in known]
    files.prefetch(new)
    found = {path for path in new if b"$INCLUDE" not in files.read(path).upper()}
    silent = found.union(path for path, blob in ids.items() if blob in known)
    if len(found) >= _ENOUGH:
        cache.put(key, b"".join(sorted({ids[path] for path in silent})))
    cache.close()
    return frozenset(silent)
