"""Reading published zones: one Snapshot is one consistent version of everything served."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from zonecast.protocol.compiled import group, read_entry, read_transfer_records
from zonecast.protocol.transfer_run import Run, read_run, run_octets
from zonecast.protocol.view import ZoneRef
from zonecast.store.journal import StoredChain, find_chain
from zonecast.store.schema import (
    CONTROL_DATABASES,
    LAYOUT_KEY,
    ZONES_DATABASES,
    HistoryRecord,
    RemovedZone,
    ZoneRecord,
    open_environment,
    removed_key,
)
from zonecast.zone import rdata as rd
from zonecast.zone.names import from_text, node_key
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, add_hashes, rrset_hash


class ZonesReader:
    """The `zones` environment opened for reading, and the set of expired zones.

    An open Snapshot keeps LMDB from reusing pages that were freed since: close it before
    blocking. Not for use by several threads.
    """

    def __init__(self, state_dir: Path, *, with_expired: bool = True) -> None:
        """Without `with_expired` the `control` environment is left alone: a process must not
        open it twice, and the controller has it open for writing."""
        self.environment, self._databases = open_environment(
            state_dir, "zones", ZONES_DATABASES, write=False
        )
        self._control: Any = None
        if with_expired:
            self._control, control = open_environment(
                state_dir, "control", CONTROL_DATABASES, write=False
            )
            self._expired_database = control["expired"]
            self._timers_database = control["timers"]
            self._audiences_database = control["audiences"]
            self._marks_database = control["marks"]
        self._expired: frozenset[bytes] = frozenset()
        self._expired_number = -1
        # Whether the expired zones are not the store's to say.
        self._told = not with_expired
        self._zones: dict[bytes, ZoneRef] = {}
        self._layout: bytes | None = b"never read"
        self._prefixes: dict[bytes, bytes] = {}
        self._version: tuple[int, frozenset[bytes]] = (-1, frozenset())
        self._memo: dict[Any, Any] = {}

    def begin(self) -> Snapshot:
        """A Snapshot of the newest version."""
        return self._snapshot(self.environment.begin(self._databases["answers"]))

    def renew(self, closed: Snapshot) -> Snapshot:
        """The same, and at less cost where nothing has changed since `closed` was made: then it is
        that one, open again."""
        transaction = self.environment.begin(self._databases["answers"])
        if transaction.id() == closed.number and self._read_expired() is closed.expired:
            closed.reopen(transaction)
            return closed
        return self._snapshot(transaction)

    def _snapshot(self, transaction: Any) -> Snapshot:
        layout = transaction.get(LAYOUT_KEY, db=self._databases["meta"])
        if layout != self._layout:
            prefixes = transaction.cursor(self._databases["prefixes"])
            self._zones = {origin: ZoneRef(origin, prefix) for origin, prefix in prefixes}
            self._layout = layout
        expired = self._read_expired()
        version = (transaction.id(), expired)
        if version != self._version:
            self._version, self._memo = version, {}
            self._prefixes = {
                zone.origin: zone.prefix
                for zone in self._zones.values()
                if zone.origin not in expired
            }
        return Snapshot(
            transaction,
            self._databases,
            self._zones,
            expired,
            deadline=self._read_deadline,
            audience=self._read_audience,
            memo=self._memo,
            prefixes=self._prefixes,
        )

    def tell_expired(self, expired: Iterable[str] | None) -> None:
        """Take these zones for expired, whatever the store says; None: those that it says. For a
        store that cannot be written."""
        self._told = expired is not None
        self._expired_number = -1
        if expired is not None:
            self._expired = frozenset(from_text(origin) for origin in expired)

    def _read_expired(self) -> frozenset[bytes]:
        if self._told:
            return self._expired
        # Beginning to read costs a quarter of asking for the environment's figures.
        transaction = self._control.begin()
        number = transaction.id()
        if number != self._expired_number:
            cursor = transaction.cursor(self._expired_database)
            expired = frozenset(cursor.iternext(values=False))
            if expired != self._expired:
                self._expired = expired
            self._expired_number = number
        transaction.abort()
        return self._expired

    def _read_deadline(self, origin: bytes) -> float | None:
        if self._control is None:
            return None
        with self._control.begin() as transaction:
            timers = transaction.get(origin, db=self._timers_database)
        deadline: float | None = None if timers is None else json.loads(timers)["expires-at"]
        return deadline

    def _read_audience(self, origin: bytes) -> frozenset[str] | None:
        if self._control is None:
            return None
        with self._control.begin() as transaction:
            secondaries = transaction.get(origin, db=self._audiences_database)
        return None if secondaries is None else frozenset(json.loads(secondaries))

    def mark(self, key: bytes) -> Any:
        """One of the controller's marks, None where there is none."""
        if self._control is None:
            return None
        with self._control.begin() as transaction:
            octets = transaction.get(key, db=self._marks_database)
        return None if octets is None else json.loads(octets)

    def close(self) -> None:
        """Close both environments; no Snapshot may be open."""
        self.environment.close()
        if self._control is not None:
            self._control.close()


class Snapshot:
    """One version of everything; a `protocol.view.View`. `number` is the version's number: two
    Snapshots with equal numbers (and expired sets) give equal answers."""

    def __init__(
        self,
        transaction: Any,
        databases: dict[str, Any],
        zones: Mapping[bytes, ZoneRef],
        expired: frozenset[bytes],
        *,
        deadline: Callable[[bytes], float | None] = lambda _: None,
        audience: Callable[[bytes], frozenset[str] | None] = lambda _: None,
        memo: dict[Any, Any] | None = None,
        prefixes: Mapping[bytes, bytes] | None = None,
    ) -> None:
        """`transaction` has the answers as its default database."""
        self.zones = zones
        self.prefixes = {} if prefixes is None else prefixes
        self.expired = expired
        self.number: int = transaction.id()
        self.memo: dict[Any, Any] = {} if memo is None else memo
        self._deadline = deadline
        # The secondaries that may have the zone at a lower-cased origin, None for all of them.
        self.audience = audience
        self._databases = databases
        self._answers = databases["answers"]
        self.reopen(transaction)

    def reopen(self, transaction: Any) -> None:
        """Go on with another transaction of the same version."""
        self._transaction = transaction
        self._cursor: Any = None
        # The answer entry under exactly a key, None where there is none: no call between.
        self.get: Callable[[bytes], bytes | None] = transaction.get

    def next_key(self, key: bytes) -> bytes | None:
        """The first answer entry's key that is not below `key`."""
        if self._cursor is None:
            self._cursor = self._transaction.cursor(self._answers)
        if not self._cursor.set_range(key):
            return None
        return self._cursor.key()  # type: ignore[no-any-return]

    def seek(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The first answer entry whose key is not below `key`."""
        if self._cursor is None:
            self._cursor = self._transaction.cursor(self._answers)
        if not self._cursor.set_range(key):
            return None
        return self._cursor.item()  # type: ignore[no-any-return]

    def seek_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The last answer entry whose key is below `key`."""
        if self._cursor is None:
            self._cursor = self._transaction.cursor(self._answers)
        cursor = self._cursor
        if not (cursor.prev() if cursor.set_range(key) else cursor.last()):
            return None
        return cursor.item()  # type: ignore[no-any-return]

    def expires_at(self, origin: bytes) -> float | None:
        """When the pulled zone at (lower-cased) `origin` expires here unless a primary confirms
        it, in POSIX seconds; None for a zone that is not pulled."""
        record = self.record(origin)
        ours = record is None or record.commit or record.path
        return None if ours else self._deadline(origin)

    def record(self, origin: bytes) -> ZoneRecord | None:
        """What is known of the zone at (lower-cased) `origin`."""
        octets = self._transaction.get(origin, db=self._databases["zones"])
        return None if octets is None else ZoneRecord.decode(octets)

    def records(self) -> Iterator[ZoneRecord]:
        """Every zone's record, by origin."""
        for octets in self._transaction.cursor(self._databases["zones"]).iternext(keys=False):
            yield ZoneRecord.decode(octets)

    def soa(self, ref: ZoneRef) -> RRset:
        """The zone's SOA. A stored zone has one."""
        entry = self.get(ref.prefix + SOA_KEY)
        assert entry is not None
        tail = read_entry(entry).records[0]
        return RRset(b"", rd.SOA, int.from_bytes(tail[4:8], "big"), (tail[10:],))

    def transfer_runs(self, ref: ZoneRef) -> Iterator[Run]:
        """The zone's finished transfer records in canonical order, run by run, without the SOA."""
        cursor = self._transaction.cursor(self._databases["transfer"])
        return (read_run(run) for _, run in prefixed(cursor, ref.prefix))

    def node(self, ref: ZoneRef, node: bytes) -> dict[bytes, RRset]:
        """The RRsets at a node, by RRset key."""
        cursor = self._transaction.cursor(self._databases["transfer"])
        found: dict[bytes, RRset] = {} if node else {SOA_KEY: self.soa(ref)}
        if find_run(cursor, ref.prefix, node):
            records = read_transfer_records(run_octets(cursor.value()))
            found |= group(record for record in records if node_key(record[0]) == node)
        return found

    def nodes(self, ref: ZoneRef, start: bytes) -> Iterator[bytes]:
        """The zone's nodes that have records besides the SOA, in order, from `start` on."""
        cursor = self._transaction.cursor(self._databases["transfer"])
        more = find_run(cursor, ref.prefix, start)
        while more and cursor.key().startswith(ref.prefix):
            last = None
            for record in read_transfer_records(run_octets(cursor.value())):
                node = node_key(record[0])
                if node >= start and node != last:
                    last = node
                    yield node
            more = cursor.next()

    def journal(self, ref: ZoneRef, serial: int) -> StoredChain | None:
        """The changesets that lead from `serial` to the newest version; None where the history
        does not reach back. To be read while this Snapshot is open."""
        database = self._databases["journal"]
        cursor = self._transaction.cursor(database)
        if not _last(cursor, ref.prefix):
            return None
        return find_chain(
            cursor, ref.prefix, serial, lambda key: self._transaction.get(key, db=database)
        )

    def history(self, ref: ZoneRef) -> Iterator[HistoryRecord]:
        """The zone's published versions, newest first."""
        cursor = self._transaction.cursor(self._databases["history"])
        more = _last(cursor, ref.prefix)
        while more and cursor.key().startswith(ref.prefix):
            yield HistoryRecord(**json.loads(cursor.value()))
            more = cursor.prev()

    def load(self, ref: ZoneRef) -> Zone:
        """The whole zone as a value."""
        rrsets = group(
            record
            for run in self.transfer_runs(ref)
            for record in read_transfer_records(run.octets)
        )
        soa = self.soa(ref)
        rrsets[SOA_KEY] = soa
        record = self.record(ref.origin)
        return Zone(ref.origin if record is None else record.origin, rrsets)

    def content_hash(self, ref: ZoneRef) -> int:
        """`Zone.content_hash` of the zone, found without holding all of it. Asked for where a zone
        is removed: kept up with every change it was a tenth of the time that receiving one takes."""
        total = rrset_hash(self.soa(ref))
        for run in self.transfer_runs(ref):
            total += sum(map(rrset_hash, group(read_transfer_records(run.octets)).values()))
        return add_hashes(total)

    def zone(self, origin: bytes) -> Zone | None:
        """The zone at `origin` as a value, None where it is not stored."""
        record = self.record(origin.lower())
        return None if record is None else self.load(ZoneRef(origin.lower(), record.prefix))

    def held(self) -> dict[bytes, Any]:
        """Why versions are held back, by lower-cased origin or path."""
        cursor = self._transaction.cursor(self._databases["held"])
        return {key: json.loads(value) for key, value in cursor}

    def meta(self, key: str) -> Any:
        """The JSON value under `key`, None where there is none."""
        octets = self._transaction.get(key.encode(), db=self._databases["meta"])
        return None if octets is None else json.loads(octets)

    def removed(self, origin: bytes) -> RemovedZone | None:
        """The last version of a zone that was removed, as far as that is kept."""
        known = self.meta(removed_key(origin))
        return None if known is None else RemovedZone(*known[1:])

    def metas(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """The JSON values under all keys that start with `prefix`."""
        cursor = self._transaction.cursor(self._databases["meta"])
        return (
            (key.decode(), json.loads(value)) for key, value in prefixed(cursor, prefix.encode())
        )

    def close(self) -> None:
        """End the read transaction."""
        self._cursor = None
        self._transaction.abort()

    def __enter__(self) -> Snapshot:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def find_run(cursor: Any, prefix: bytes, node: bytes) -> bool:
    """Put the cursor on the transfer run that has a node or would have it; False where the zone
    has no run."""
    place = prefix + node
    found = cursor.set_range(place)
    if not found or cursor.key() != place:
        found = cursor.prev() if found else cursor.last()
    if not found or not cursor.key().startswith(prefix):
        found = cursor.set_range(prefix) and cursor.key().startswith(prefix)
    return bool(found)


def prefixed(cursor: Any, prefix: bytes, start: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
    """The items whose key starts with `prefix`, those below `start` left out."""
    more = cursor.set_range(start or prefix)
    while more:
        key, value = cursor.item()
        if not key.startswith(prefix):
            return
        yield key, value
        more = cursor.next()


def _last(cursor: Any, prefix: bytes) -> bool:
    """Put the cursor on the last item whose key starts with `prefix`."""
    after = (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
    found = cursor.prev() if cursor.set_range(after) else cursor.last()
    return bool(found) and cursor.key().startswith(prefix)
