"""Which content the files of a work tree had when they were last looked at, so that one that was
not touched since need not be read: as git's index does it, and independent of git."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection
from pathlib import Path

from zonecast.cli.checking.cache import Cache
from zonecast.cli.revisions import blob_id

# A file changed so recently may change again and keep its size and its time, as the file system
# counts it: nanoseconds.
_RACY = 2_000_000_000


class TreeState:
    """What is known of the files below `top`. `now` in POSIX seconds; ids are made as git makes
    them with `algorithm`."""

    def __init__(self, cache: Cache, top: Path, algorithm: str, now: float) -> None:
        self.algorithm = algorithm
        self._cache = cache
        self._key = b"tree\0" + algorithm.encode() + os.fsencode(top)
        self._top = top
        self._settled = int(now * 1e9) - _RACY
        self._known = _decoded(cache.get([self._key]).get(self._key))
        self._seen: dict[str, list[object]] = {}
        self._changed = False
        self._read: Callable[[str], bytes] | None = None

    def watch(self, read: Callable[[str], bytes]) -> None:
        """Reads a file's octets, for those of which nothing is known."""
        self._read = read

    def blob(self, path: str) -> str | None:
        """The id of a file's content."""
        try:
            found = os.stat(self._top / path)  # noqa: PTH116 - a Path would be made twice
        except OSError:
            return None
        marks: list[object] = [found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino]
        before = self._known.get(path)
        if before is not None and before[:-1] == marks:
            self._seen[path] = before
            return str(before[-1])
        if self._read is None:
            return None
        blob = blob_id(self._read(path), self.algorithm)
        if found.st_mtime_ns < self._settled:
            self._seen[path] = [*marks, blob]
            self._changed = True
        return blob

    def keep(self, paths: Collection[str]) -> None:
        """Put what was seen into the cache; `paths` are all files that there are."""
        if self._changed:
            before = {path: known for path, known in self._known.items() if path in paths}
            kept = before | self._seen
            self._cache.put(self._key, json.dumps(kept).encode("ascii"))


def _decoded(octets: bytes | None) -> dict[str, list[object]]:
    try:
        found = json.loads(octets or b"{}")
        return {str(path): [*known] for path, known in found.items()}
    except (ValueError, TypeError, AttributeError, RecursionError):
        return {}
