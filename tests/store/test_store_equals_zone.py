"""Any sequence of changesets leaves the store with what the zone value says, compiled anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.protocol.compiled import compile_zone, read_transfer_records
from zonecast.protocol.view import ZoneRef
from zonecast.store.reader import Snapshot, ZonesReader, prefixed
from zonecast.store.runs import RUN_SIZE
from zonecast.store.schema import prepare
from zonecast.store.writer import JournalLimits, ZonesWriter
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone, make_rrset

ORIGIN = names.from_text("example.com.")
NAMES = ["a", "b", "A.b", "x.a.b", "c", "z.c", "*.c", "\\000.c", "\\001.c", "d.z.c", "e"]
HOST = names.from_text("host.example.net.")


def soa(serial: int) -> bytes:
    timers = b"".join(n.to_bytes(4, "big") for n in (serial, 3600, 600, 86400, 300))
    return HOST + HOST + timers


@st.composite
def zones(draw: st.DrawFn) -> dict[tuple[str, int], tuple[int, tuple[bytes, ...]]]:
    keys = draw(
        st.lists(
            st.tuples(
                st.sampled_from(NAMES),
                st.sampled_from([rd.A, rd.NS, rd.TXT, rd.DNAME, rd.DS, rd.CAA, rd.NSEC3]),
            ),
            unique=True,
            max_size=14,
        )
    )
    contents = {}
    for name, rtype in keys:
        ttl = draw(st.sampled_from([60, 300]))
        if rtype in (rd.NS, rd.DNAME):
            rdatas = (HOST, names.from_text("ns2.example.net."))[: 1 if rtype == rd.DNAME else 2]
        else:
            size = draw(st.sampled_from([4, 4, RUN_SIZE // 2]))
            rdatas = tuple(
                bytes((n,)) * size for n in draw(st.sets(st.integers(0, 9), min_size=1, max_size=3))
            )
        contents[name, rtype] = (ttl, rdatas)
    return contents


def build(contents: dict[tuple[str, int], tuple[int, tuple[bytes, ...]]], serial: int) -> Zone:
    rrsets = [make_rrset(b"", rd.SOA, 3600, [soa(serial)]), make_rrset(b"", rd.NS, 60, [HOST])]
    for (name, rtype), (ttl, rdatas) in contents.items():
        owner = names.from_text(name, ORIGIN)[: -len(ORIGIN)]
        rrsets.append(make_rrset(owner, rtype, ttl, rdatas))
    return Zone(ORIGIN, {rrset.key: rrset for rrset in rrsets})


def entries(snapshot: Snapshot, prefix: bytes) -> dict[bytes, bytes]:
    cursor = snapshot._transaction.cursor(snapshot._answers)
    return {key[len(prefix) :]: value for key, value in prefixed(cursor, prefix)}


@settings(max_examples=60, deadline=None)
@given(st.lists(zones(), min_size=1, max_size=5))
def test_every_version_is_stored_whole(versions: list) -> None:
    with tempfile.TemporaryDirectory() as directory:
        state = Path(directory)
        prepare(state)
        writer = ZonesWriter(state)
        other = build({("other", rd.A): (60, (b"1234",))}, 1)
        other.origin = names.from_text("example.aaa.")
        with writer.transaction(0.0) as transaction:
            transaction.replace(other)
        old: Zone | None = None
        for serial, contents in enumerate(versions, start=1):
            new = build(contents, serial)
            with writer.transaction(float(serial)) as transaction:
                record = transaction.apply(diff(old, new), commit=str(serial))
                ref_prefix = record.prefix
                snapshot = transaction.snapshot
                stored = transaction.snapshot.zone(ORIGIN)
                assert stored == new
                assert entries(snapshot, ref_prefix) == compile_zone(new)
                assert snapshot.content_hash(ZoneRef(ORIGIN, ref_prefix)) == new.content_hash()
                assert record.records == new.count()
            old = new
        with writer.transaction(0.0) as transaction:
            assert transaction.snapshot.zone(other.origin) == other
            assert transaction.remove(ORIGIN)
            assert not transaction.remove(ORIGIN)
            for database in ("answers", "transfer", "journal", "history"):
                cursor = transaction._cursor(database)
                assert not list(prefixed(cursor, ref_prefix)), database
        writer.close()


def test_runs_are_split_and_only_touched_runs_change(tmp_path: Path) -> None:
    prepare(tmp_path)
    writer = ZonesWriter(tmp_path)
    many = {(f"h{n}", rd.A): (60, (n.to_bytes(4, "big"),)) for n in range(5000)}
    with writer.transaction(0.0) as transaction:
        transaction.replace(build(many, 1))
    reader_writer_snapshot(writer, before := {})
    many[("h77", rd.A)] = (60, (b"zzzz",))
    with writer.transaction(0.0) as transaction:
        record = transaction.replace(build(many, 2))
        assert transaction.snapshot.zone(ORIGIN) == build(many, 2)
    reader_writer_snapshot(writer, after := {})
    assert len(before) > 5
    assert max(map(len, after.values())) <= RUN_SIZE * 2
    # The apex's run is read and written for the SOA's sake, but its octets are the same.
    assert sum(before.get(key) != run for key, run in after.items()) == 1
    with writer.environment.begin(write=True):
        pass
    assert record.journal_next == 1
    writer.close()


def reader_writer_snapshot(writer: ZonesWriter, into: dict[bytes, bytes]) -> None:
    with writer.transaction(0.0) as transaction:
        into.update(prefixed(transaction._cursor("transfer"), b"\x00\x00\x00\x01"))


def test_journal_leads_from_each_kept_serial_to_the_newest(tmp_path: Path) -> None:
    prepare(tmp_path)
    writer = ZonesWriter(tmp_path, JournalLimits(changesets=3, history=3))
    for serial in range(1, 7):
        with writer.transaction(0.0) as transaction:
            transaction.replace(build({("a", rd.A): (60, (serial.to_bytes(4, "big"),))}, serial))
    writer.close()
    reader = ZonesReader(tmp_path)
    with reader.begin() as snapshot:
        ref = snapshot.zones[ORIGIN]
        assert snapshot.journal(ref, 2) is None
        entries_from_3 = snapshot.journal(ref, 3)
        assert entries_from_3 is not None
        serials = [
            [r[3][-17] for r in read_transfer_records(entry) if r[1] == rd.SOA]
            for entry in entries_from_3
        ]
        assert serials == [[3, 4], [4, 5], [5, 6]]
        assert [h.serial for h in snapshot.history(ref)] == [6, 5, 4]
    reader.close()


def test_a_serial_that_goes_back_ends_the_journal(tmp_path: Path) -> None:
    prepare(tmp_path)
    writer = ZonesWriter(tmp_path)
    for serial in (5, 6, 3, 4):
        with writer.transaction(0.0) as transaction:
            transaction.replace(build({("a", rd.A): (60, (serial.to_bytes(4, "big"),))}, serial))
    writer.close()
    reader = ZonesReader(tmp_path)
    with reader.begin() as snapshot:
        ref = snapshot.zones[ORIGIN]
        assert snapshot.journal(ref, 5) is None
        assert snapshot.journal(ref, 6) is None
        assert len(snapshot.journal(ref, 3) or ()) == 1
    reader.close()
