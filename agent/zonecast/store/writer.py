"""Writing published zones: a version becomes visible with the commit of one transaction, or not.

Publisher and pullers are the writers; LMDB lets one write at a time. Everything that a version
changes (contents, answers, journal, history) is in the same transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import lmdb

from zonecast.errors import ChangesetError, StoreError
from zonecast.protocol.assembly import AssembledZone, assemble, assembled
from zonecast.protocol.compiled import transfer_records
from zonecast.protocol.view import ZoneRef
from zonecast.store.entries import EntryEditor
from zonecast.store.journal import HEAD, entry_time, time_of
from zonecast.store.reader import Snapshot, prefixed
from zonecast.store.replacing import changes
from zonecast.store.runs import RunEditor, delete_prefixed
from zonecast.store.schema import (
    LAYOUT_KEY,
    NEXT_ID_KEY,
    ZONES_DATABASES,
    HistoryRecord,
    ZoneRecord,
    encode_json,
    open_environment,
    removed_key,
)
from zonecast.zone.changeset import Changeset, add_records, diff_rrset, remove_records
from zonecast.zone.rrset import RRset, Zone, node_of
from zonecast.zone.serial import is_greater

# The databases whose keys begin with a zone's prefix.
_BY_PREFIX = ("answers", "transfer", "journal", "history")


class JournalLimits(NamedTuple):
    """How much a zone keeps for IXFR: changesets, octets, and seconds since they were published (0:
    however long ago); of how many versions it is known what they were; of how many removed zones
    the last serial is kept."""

    changesets: int = 1000
    octets: int = 64 * 1024 * 1024
    age: float = 0.0
    history: int = 1000
    removed: int = 10_000


class ZonesWriter:
    """The `zones` environment opened for writing."""

    def __init__(self, state_dir: Path, limits: JournalLimits | None = None) -> None:
        self.environment, self._databases = open_environment(
            state_dir, "zones", ZONES_DATABASES, write=True
        )
        self._limits = limits or JournalLimits()

    @contextmanager
    def transaction(self, now: float) -> Iterator[WriteTransaction]:
        """One transaction: committed when the block ends, dropped whole when it raises.

        Waits for another writer. Raises StoreError when the disk is full or LMDB fails.
        """
        try:
            answers = self._databases["answers"]
            with self.environment.begin(answers, write=True) as transaction:
                yield WriteTransaction(transaction, self._databases, now, self._limits)
        except lmdb.Error as error:
            raise StoreError(
                f"the store cannot be written: {error}",
                where=self.environment.path(),
                remedy="check the free space; the last version keeps being served",
            ) from error

    def snapshot(self) -> Snapshot:
        """What is published now; `zones` and `expired` are empty. Close it before writing."""
        transaction = self.environment.begin(self._databases["answers"])
        return Snapshot(transaction, self._databases, {}, frozenset())

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()


class WriteTransaction:
    """What one store transaction may do. Reads see its own writes through `snapshot`."""

    def __init__(
        self, transaction: Any, databases: dict[str, Any], now: float, limits: JournalLimits
    ) -> None:
        self._transaction = transaction
        self._databases = databases
        self._now = now
        self._limits = limits
        self.snapshot = Snapshot(transaction, databases, {}, frozenset())

    @property
    def number(self) -> int:
        """The number that Snapshots of what this transaction commits will have."""
        return self.snapshot.number

    def adopt(self, record: ZoneRecord, *, source: str, path: str, commit: str) -> None:
        """Note that a zone whose contents stay as they are now comes from another source."""
        record = replace(record, source=source, path=path, commit=commit)
        self._put("zones", record.origin.lower(), record.encode())

    def apply(
        self, changeset: Changeset, *, source: str = "", commit: str = "", path: str = ""
    ) -> ZoneRecord:
        """Apply a changeset and append it to journal and history.

        Raises ChangesetError where it does not fit what is stored.
        """
        origin = changeset.origin.lower()
        record = self.snapshot.record(origin)
        if (None if record is None else record.serial) != changeset.old_serial:
            raise ChangesetError(
                f"the changeset starts from serial {changeset.old_serial},"
                f" the store has {None if record is None else record.serial}"
            )
        if record is None:
            new = assemble(changeset.origin, changeset.new_soa, changeset.added)
            return self._fill(new, source=source, commit=commit, path=path)
        changeset = self._edit(record.prefix, changeset)
        added = sum(len(r.rdatas) for r in changeset.added)
        deleted = sum(len(r.rdatas) for r in changeset.deleted)
        record = replace(
            record,
            serial=changeset.new_serial,
            records=record.records + added - deleted,
            published=self._now,
            commit=commit,
            source=source,
            path=path,
        )
        record = self._append_journal(record, changeset)
        self._append_history(record)
        self._put("zones", origin, record.encode())
        return record

    def precede(self, origin: bytes, changesets: Iterable[Changeset]) -> ZoneRecord:
        """Put changesets, oldest first, before a zone's first version, so that those who have an
        older one from before the store was lost can follow.

        Raises ChangesetError where they do not lead to that version, or it is not the first one.
        """
        record = self.snapshot.record(origin.lower())
        if record is None or record.journal_next:
            raise ChangesetError("there is no first version that they could lead to")
        wanted = None
        for changeset in changesets:
            if changeset.old_soa is None or wanted not in (None, changeset.old_soa):
                raise ChangesetError(f"nothing leads to serial {changeset.old_serial}")
            record, wanted = self._append_journal(record, changeset), changeset.new_soa
        if wanted != self.snapshot.soa(ZoneRef(origin.lower(), record.prefix)):
            raise ChangesetError("they lead to another version than the one that is stored")
        self._put("zones", origin.lower(), record.encode())
        return record

    def _fill(
        self,
        new: AssembledZone,
        *,
        source: str,
        commit: str,
        path: str,
        old: ZoneRecord | None = None,
    ) -> ZoneRecord:
        """Write a whole zone, in place of `old`. Its prefix is greater than all others, so everything
        is appended."""
        record = replace(
            self._new_record(new.origin),
            serial=new.serial,
            records=new.records,
            commit=commit,
            source=source,
            path=path,
        )
        prefix, origin = record.prefix, new.origin.lower()
        for database, items in (("transfer", new.runs), ("answers", new.answers())):
            self._cursor(database).putmulti(
                ((prefix + key, value) for key, value in items), append=True
            )
        if old is not None:
            for key, version in list(prefixed(self._cursor("history"), old.prefix)):
                self._put("history", prefix + key[len(prefix) :], version)
            for database in _BY_PREFIX:
                self._delete(database, old.prefix)
        self._append_history(record)
        self._put("zones", origin, record.encode())
        self._put("prefixes", origin, prefix)
        self._bump_layout()
        return record

    def replace(
        self, zone: Zone | AssembledZone, *, source: str = "", commit: str = "", path: str = ""
    ) -> ZoneRecord:
        """Make `zone` what is stored, by the changeset from the version stored now. Where that is
        most of the zone, or the serial does not go up, the journal starts anew: no client would
        want it, or can follow it backwards."""
        new = zone if isinstance(zone, AssembledZone) else assembled(zone)
        origin = new.origin.lower()
        stored = self.snapshot.record(origin)
        if stored is None:
            return self._fill(new, source=source, commit=commit, path=path)
        runs = [run for _, run in prefixed(self._cursor("transfer"), stored.prefix)]
        changeset = changes(self.snapshot.soa(ZoneRef(origin, stored.prefix)), runs, new)
        if changeset is None:
            return self._fill(new, source=source, commit=commit, path=path, old=stored)
        if not changeset.changes_anything():
            return stored
        record = self.apply(changeset, source=source, commit=commit, path=path)
        if not is_greater(record.serial, stored.serial):
            self._delete("journal", record.prefix)
            record = replace(record, journal_first=record.journal_next, journal_bytes=0)
            self._put("zones", origin, record.encode())
        return record

    def remove(self, origin: bytes) -> bool:
        """Remove a zone with its journal and history, all but its last serial; False where it was
        not stored."""
        record = self.snapshot.record(origin.lower())
        if record is None:
            return False
        content_hash = self.snapshot.content_hash(ZoneRef(origin.lower(), record.prefix))
        for database in _BY_PREFIX:
            self._delete(database, record.prefix)
        for database in ("zones", "prefixes"):
            self._transaction.delete(origin.lower(), db=self._databases[database])
        self._bump_layout()
        self._keep_serial(record, content_hash)
        return True

    def _keep_serial(self, record: ZoneRecord, content_hash: int) -> None:
        """Keep the serial of a zone that is removed, in the place of the oldest one."""
        number: int = self.snapshot.meta("removed-next") or 0
        place = f"removed-place/{number % self._limits.removed}"
        oldest: str | None = self.snapshot.meta(place)
        if oldest is not None and self.snapshot.meta(oldest)[0] == number - self._limits.removed:
            self.set_meta(oldest, None)
        key = removed_key(record.origin)
        self.set_meta(key, [number, record.serial, content_hash, self._now])
        self.set_meta(place, key)
        self.set_meta("removed-next", number + 1)

    def hold(self, key: bytes, reason: Any) -> None:
        """Note why what `key` names is held back (JSON); None clears it."""
        if reason is None:
            self._transaction.delete(key, db=self._databases["held"])
        else:
            self._put("held", key, encode_json(reason))

    def set_meta(self, key: str, value: Any) -> None:
        """Keep a JSON value under `key`; None deletes it."""
        if value is None:
            self._transaction.delete(key.encode(), db=self._databases["meta"])
        else:
            self._put("meta", key.encode(), encode_json(value))

    def _new_record(self, origin: bytes) -> ZoneRecord:
        octets = self._transaction.get(NEXT_ID_KEY, db=self._databases["meta"])
        number = 1 if octets is None else int(octets)
        self._put("meta", NEXT_ID_KEY, str(number + 1).encode())
        return ZoneRecord(number.to_bytes(4, "big"), origin, 0, 0, self._now)

    def _bump_layout(self) -> None:
        octets = self._transaction.get(LAYOUT_KEY, db=self._databases["meta"]) or b"0"
        self._put("meta", LAYOUT_KEY, str(int(octets) + 1).encode())

    def _edit(self, prefix: bytes, changeset: Changeset) -> Changeset:
        """Edit transfer and answer forms node by node; returns the changeset with every record in
        it whose TTL changes: a pulled one need not name those that stay where a record with another
        TTL is added to theirs (RFC 2181 §5.2)."""
        deleted: dict[bytes, RRset] = {}
        added: dict[bytes, RRset] = {}
        runs = RunEditor(self._cursor("transfer"), prefix)
        entries = EntryEditor(self._cursor("answers"), prefix)
        for node, (gone, come) in sorted(_by_node(changeset).items()):
            rrsets = runs.node(node)
            before = dict(rrsets)
            for rrset in gone:
                left = remove_records(rrsets.pop(rrset.key, None), rrset, changeset.origin)
                if left is not None:
                    rrsets[rrset.key] = left
            for rrset in come:
                rrsets[rrset.key] = add_records(rrsets.get(rrset.key), rrset, changeset.origin)
            for key in sorted(before.keys() | rrsets.keys()):
                diff_rrset(key, before.get(key), rrsets.get(key), deleted, added)
            soa = [] if node else [changeset.new_soa]
            entries.write_node(node, before.values(), [*rrsets.values(), *soa])
        runs.finish()
        return changeset._replace(deleted=tuple(deleted.values()), added=tuple(added.values()))

    def _append_journal(self, record: ZoneRecord, changeset: Changeset) -> ZoneRecord:
        if changeset.old_soa is None:
            return record
        octets = b"".join(
            transfer_records(rrset)
            for rrset in (
                changeset.old_soa,
                *changeset.deleted,
                changeset.new_soa,
                *changeset.added,
            )
        )
        serials = changeset.old_soa.rdatas[0][-20:-16] + changeset.new_soa.rdatas[0][-20:-16]
        key = record.prefix + record.journal_next.to_bytes(8, "big")
        self._put("journal", key, serials + entry_time(self._now) + octets)
        record = replace(
            record,
            journal_next=record.journal_next + 1,
            journal_bytes=record.journal_bytes + len(octets),
        )
        return self._trim_journal(record)

    def _trim_journal(self, record: ZoneRecord) -> ZoneRecord:
        """Drop the oldest changesets that are too many, too large together or too old."""
        first, held = record.journal_first, record.journal_bytes
        journal, limits = self._databases["journal"], self._limits
        while first < record.journal_next:
            key = record.prefix + first.to_bytes(8, "big")
            entry = self._transaction.get(key, db=journal) or b""
            if (
                record.journal_next - first <= limits.changesets
                and held <= limits.octets
                and (not limits.age or time_of(entry) >= self._now - limits.age)
            ):
                break
            self._transaction.delete(key, db=journal)
            held -= max(len(entry) - HEAD, 0)
            first += 1
        return replace(record, journal_first=first, journal_bytes=held)

    def _append_history(self, record: ZoneRecord) -> None:
        cursor = self._cursor("history")
        numbers = [int.from_bytes(key[4:], "big") for key, _ in prefixed(cursor, record.prefix)]
        number = numbers[-1] + 1 if numbers else 0
        for old in numbers[: len(numbers) + 1 - self._limits.history]:
            cursor.pop(record.prefix + old.to_bytes(8, "big"))
        entry = HistoryRecord(record.serial, record.commit, record.published, record.records)
        self._put("history", record.prefix + number.to_bytes(8, "big"), encode_json(entry.__dict__))

    def _cursor(self, database: str) -> Any:
        return self._transaction.cursor(self._databases[database])

    def _put(self, database: str, key: bytes, value: bytes) -> None:
        self._transaction.put(key, value, db=self._databases[database])

    def _delete(self, database: str, prefix: bytes) -> None:
        delete_prefixed(self._cursor(database), prefix)


def _by_node(changeset: Changeset) -> dict[bytes, tuple[list[RRset], list[RRset]]]:
    """The changeset's RRsets by node, the apex always among them: its SOA changes."""
    nodes: dict[bytes, tuple[list[RRset], list[RRset]]] = {b"": ([], [])}
    for index, rrsets in enumerate((changeset.deleted, changeset.added)):
        for rrset in rrsets:
            nodes.setdefault(node_of(rrset.key), ([], []))[index].append(rrset)
    return nodes
