"""What was found out about versions of zone files, kept between runs.

An SQLite file, in the repository's own git directory or in the user's cache directory. SQLite and
not LMDB: where the file is damaged it says so, while a damaged memory map ends the process; and
nothing here is asked often enough for the difference in speed to count. Each value carries a
checksum of itself and its key, so that nothing but what was put comes back. Whatever goes wrong
means "not known": no permission, a full disk, a lock held for long, a file that is none of ours.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

try:
    import sqlite3
except ImportError:  # a Python that was built without it
    sqlite3 = None  # type: ignore[assignment]

if TYPE_CHECKING:
    from zonecast.repository import Repository

FILE = "checked.sqlite"
_FORMAT = 1
_DAY = 86400
KEEP_DAYS = 30
LIMIT = 256 << 20  # octets of the whole file
LARGEST = 64 << 20  # octets of one value
_SUM = 16
_BATCH = 500
_TABLE = """
PRAGMA auto_vacuum = INCREMENTAL;
BEGIN IMMEDIATE;
CREATE TABLE IF NOT EXISTS seen (key BLOB PRIMARY KEY, used INTEGER NOT NULL, value BLOB NOT NULL);
CREATE INDEX IF NOT EXISTS seen_used ON seen (used);
"""

_DROP_OLDEST = "DELETE FROM seen WHERE key IN (SELECT key FROM seen ORDER BY used LIMIT ?)"
# Primary result codes that say that the file is none of ours, or is damaged: SQLITE_ERROR (no such
# table), CORRUPT, MISMATCH, FORMAT, NOTADB. All others pass: locked, read-only, full.
_DAMAGED = frozenset((1, 11, 20, 24, 26))


def cache_directory(repository: Repository | None, environment: Mapping[str, str]) -> Path | None:
    """Where the cache is: with the repository, which all its work trees share; else with the
    user. None where there is no such place."""
    if repository is not None:
        return repository.places.common_dir / "zonecast"
    given = environment.get("XDG_CACHE_HOME", "")
    if given.startswith("/"):
        return Path(given, "zonecast")
    home = environment.get("HOME", "")
    return Path(home, ".cache", "zonecast") if home.startswith("/") else None


class Cache:
    """The cache in a directory; one that knows nothing and keeps nothing where that is None or
    cannot be used. `now` in POSIX seconds decides what has been unused for long; the file stays
    below `limit` octets."""

    def __init__(self, directory: Path | None, now: float, limit: int = LIMIT) -> None:
        self._limit = limit
        self._today = int(now) // _DAY
        self._new: dict[bytes, bytes] = {}
        self._used: list[bytes] = []
        self._connection: sqlite3.Connection | None = None
        self._directory = directory

    def get(self, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """What is known under these keys."""
        found: dict[bytes, bytes] = {}
        wanted = list(keys)
        connection = self._open(make=False)
        if connection is None:
            return found
        for start in range(0, len(wanted), _BATCH):
            batch = wanted[start : start + _BATCH]
            marks = ",".join("?" * len(batch))
            # The words come from no input: as many question marks as there are keys.
            query = f"SELECT key, used, value FROM seen WHERE key IN ({marks})"  # noqa: S608
            try:
                rows = connection.execute(query, batch).fetchall()
            except sqlite3.Error as error:
                self._give_up(error)
                return {}
            for key, used, value in rows:
                if isinstance(value, bytes) and value[:_SUM] == _checksum(key, value[_SUM:]):
                    found[key] = value[_SUM:]
                    if used != self._today:
                        self._used.append(key)
        return found

    def put(self, key: bytes, value: bytes) -> None:
        """Keep a value, when `close` is called; none that is very large."""
        if self._directory is not None and len(value) <= LARGEST:
            self._new[key] = value

    def close(self) -> None:
        """Write what is new and forget what was not used for long."""
        connection = self._open(make=True) if self._new else self._connection
        if connection is not None and (self._new or self._used):
            try:
                self._write(connection)
            except sqlite3.Error as error:
                self._give_up(error)
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _write(self, connection: sqlite3.Connection) -> None:
        rows = [(k, self._today, _checksum(k, v) + v) for k, v in self._new.items()]
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT OR REPLACE INTO seen VALUES (?, ?, ?)", rows)
        used = [(self._today, key) for key in self._used]
        connection.executemany("UPDATE seen SET used = ? WHERE key = ?", used)
        connection.execute("DELETE FROM seen WHERE used < ?", (self._today - KEEP_DAYS,))
        connection.execute("COMMIT")
        count = connection.execute("SELECT count(*) FROM seen").fetchone()[0]
        while count and _octets(connection) > self._limit:
            connection.execute(_DROP_OLDEST, (count // 4 + 1,))
            count -= count // 4 + 1
        connection.executescript("PRAGMA incremental_vacuum;")

    def _open(self, *, make: bool) -> sqlite3.Connection | None:
        if self._connection is not None or self._directory is None or sqlite3 is None:
            return self._connection
        file = self._directory / FILE
        try:
            if make:
                _make_directory(self._directory)
            elif not file.is_file():
                return None
            # Twice: a file that is none of ours is removed, and another one begun.
            self._connection = _connect(file, make) or (_connect(file, make) if make else None)
        except OSError:
            self._directory = None
        except sqlite3.Error as error:
            self._give_up(error)
        return self._connection

    def _give_up(self, error: sqlite3.Error) -> None:
        """Go on without; a file that is damaged is removed, one that is locked is not."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        # Python's own errors, as of text that is none, have no code.
        code = getattr(error, "sqlite_errorcode", 1) & 0xFF
        if self._directory is not None and code in _DAMAGED:
            _remove(self._directory / FILE)
        self._directory = None


def _connect(file: Path, make: bool) -> sqlite3.Connection | None:
    """A connection; None where the file has another format, and is gone now."""
    connection = sqlite3.connect(file, timeout=0.5, isolation_level=None)
    connection.execute("PRAGMA trusted_schema = OFF")
    connection.execute("PRAGMA cell_size_check = ON")
    # A crash of the machine may leave nonsense: checksums tell, and nothing is lost.
    connection.execute("PRAGMA synchronous = OFF")
    version = connection.execute("PRAGMA user_version").fetchone()[0]
    if version == _FORMAT:
        return connection
    if version == 0 and make:
        connection.executescript(f"{_TABLE}PRAGMA user_version = {_FORMAT};\nCOMMIT;")
        _share(file, file.parent)
        return connection
    connection.close()
    if version != 0:
        _remove(file)
    return None


def _checksum(key: bytes, value: bytes) -> bytes:
    return hashlib.blake2b(key + value, digest_size=_SUM).digest()


def _octets(connection: sqlite3.Connection) -> int:
    pages, free, size = (
        connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * size)


def _make_directory(directory: Path) -> None:
    if not directory.is_dir():
        directory.mkdir(parents=True, exist_ok=True)
        _share(directory, directory.parent)


def _share(path: Path, above: Path) -> None:
    """Whoever may write above may write here: several users push to one repository, and root may
    be the first to look at one. In the user's own cache this changes nothing."""
    like = above.stat()
    mode = stat.S_IMODE(like.st_mode) & 0o2775
    try:
        path.chmod(mode if path.is_dir() else mode & 0o666)
        if os.geteuid() == 0:
            os.chown(path, like.st_uid, like.st_gid)
    except PermissionError:
        pass  # another user's, who made it at the same moment


def _remove(file: Path) -> None:
    for path in (file, file.with_name(f"{file.name}-journal")):
        try:
            path.unlink(missing_ok=True)
        except OSError:
            pass
