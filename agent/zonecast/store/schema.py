"""The two LMDB environments, their databases and the records in them.

`zones`
    zones      lower-cased origin → ZoneRecord as JSON
    prefixes   lower-cased origin → the zone's four-octet key prefix, for the workers' table
    answers    zone prefix + RRset key → answer entry
    transfer   zone prefix + node key of the first owner → a run of transfer records after their count, no SOA
    journal    zone prefix + sequence (8) → old serial (4), new serial (4), time (8), changeset
    history    zone prefix + sequence (8) → HistoryRecord as JSON
    held       lower-cased origin or a path → why a version is held back, as JSON
    meta       the format, counters, what was published from each repository, and removed zones' last serials

`control`
    timers     lower-cased origin → a zone's refresh state as JSON
    peers      secondary's name, 0x00, lower-cased origin → what it was told and seen serving
    expired    lower-cased origin → nothing: answered with SERVFAIL
    marks      durable marks of the controller (freezes, members waiting for removal) as JSON
    audiences  lower-cased origin → names of the secondaries that may have the zone, as JSON
    approvals  commit → who approved it, when, and where it was published, as JSON
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

import lmdb

from zonecast.errors import StoreError
from zonecast.store.versions import bring_up

ZONES_DATABASES: Final = (
    "zones",
    "prefixes",
    "answers",
    "transfer",
    "journal",
    "history",
    "held",
    "meta",
)
CONTROL_DATABASES: Final = ("timers", "peers", "expired", "marks", "audiences", "approvals")

# A sparse file: nothing is used until it is written. The first opener decides for everybody.
MAP_SIZE = 1 << 40
MAX_READERS = 4096

LAYOUT_KEY = b"layout"
NEXT_ID_KEY = b"next-zone-id"


@dataclass(frozen=True)
class ZoneRecord:
    """What the store knows of a zone besides its contents.

    `prefix` is the zone's four-octet key prefix; `published` POSIX seconds; `commit`
    the git commit it came from, "" where it was pulled; `source` the repository's name, "catalog"
    or the primary's name; `path` the file in the repository. Journal entries have the sequence
    numbers from `journal_first` up to, not including, `journal_next`.
    """

    prefix: bytes
    origin: bytes
    serial: int
    records: int
    published: float
    commit: str = ""
    source: str = ""
    path: str = ""
    journal_first: int = 0
    journal_next: int = 0
    journal_bytes: int = 0

    def encode(self) -> bytes:
        """As JSON."""
        fields = asdict(self)
        fields["prefix"] = self.prefix.hex()
        fields["origin"] = self.origin.hex()
        return json.dumps(fields, separators=(",", ":")).encode()

    @staticmethod
    def decode(octets: bytes) -> ZoneRecord:
        """From JSON."""
        fields = json.loads(octets)
        fields["prefix"] = bytes.fromhex(fields["prefix"])
        fields["origin"] = bytes.fromhex(fields["origin"])
        return ZoneRecord(**fields)


@dataclass(frozen=True)
class HistoryRecord:
    """One published version: serial, commit ("" where there is none), POSIX seconds, records."""

    serial: int
    commit: str
    published: float
    records: int


class RemovedZone(NamedTuple):
    """The last version of a zone that was removed: its serial, the sum of its records' hashes,
    and when it was removed, in POSIX seconds."""

    serial: int
    content_hash: int
    at: float


def removed_key(origin: bytes) -> str:
    """The key in `meta` of what is known of a zone that was removed."""
    return f"removed/{hashlib.sha256(origin.lower()).hexdigest()}"


def encode_json(value: Any) -> bytes:
    """A JSON value as the store keeps it."""
    return json.dumps(value, separators=(",", ":")).encode()


def open_environment(
    state_dir: Path, name: str, databases: tuple[str, ...], *, write: bool
) -> tuple[lmdb.Environment, dict[str, Any]]:
    """An LMDB environment and its databases by name. A writer creates what is missing.

    A process must open an environment once only. Raises StoreError.
    """
    path = state_dir / name
    try:
        if write:
            path.mkdir(mode=0o750, parents=True, exist_ok=True)
        environment = lmdb.open(
            str(path),
            map_size=MAP_SIZE,
            max_readers=MAX_READERS,
            max_dbs=len(databases),
            max_spare_txns=4,
            readonly=not write,
            mode=0o640,
        )
        handles = {
            database: environment.open_db(database.encode(), create=write) for database in databases
        }
    except (lmdb.Error, OSError) as error:
        raise StoreError(
            f"the store cannot be opened: {error}",
            where=str(path),
            remedy="check state-dir, its owner and the free space",
        ) from error
    return environment, handles


def store_file(state_dir: Path) -> Path:
    """The file that holds the zones."""
    return state_dir / "zones" / "data.mdb"


def prepare(state_dir: Path) -> None:
    """Create both environments where they are missing, so that read-only openers find them, and
    bring what an older program wrote into today's format.

    Raises StoreError for a store that a newer program wrote, or that cannot be opened or written.
    """
    environment, _ = open_environment(state_dir, "control", CONTROL_DATABASES, write=True)
    environment.close()
    environment, databases = open_environment(state_dir, "zones", ZONES_DATABASES, write=True)
    try:
        with environment.begin(write=True) as transaction:
            bring_up(transaction, databases, environment.path(), time.time())
    except lmdb.Error as error:
        raise StoreError(
            f"the store cannot be written: {error}",
            where=environment.path(),
            remedy="check its owner and the free space",
        ) from error
    finally:
        environment.close()
