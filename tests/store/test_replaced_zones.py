"""A whole new version in place of a stored one: as a changeset, or where most of it changes anew."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from test_store_equals_zone import ORIGIN, build, entries, zones

from zonecast.protocol.assembly import assembled
from zonecast.protocol.compiled import compile_zone
from zonecast.store import replacing
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone


def runs_of(zone: Zone) -> list[bytes]:
    return [run for _, run in assembled(zone).runs]


@settings(max_examples=100, deadline=None)
@given(zones(), zones())
def test_the_changes_are_the_difference(first: dict, second: dict) -> None:
    old, new = build(first, 1), build(second, 2)
    assert old.soa is not None
    assert replacing.changes(old.soa, runs_of(old), assembled(new)) == diff(old, new)


def many(first: int, last: int, serial: int) -> Zone:
    rdata = {f"h{n}": (n.to_bytes(4, "big") * 50,) for n in range(first, last)}
    return build({(name, rd.TXT): (60, rdatas) for name, rdatas in rdata.items()}, serial)


@pytest.mark.parametrize(
    ("new", "journal"),
    [
        (many(0, 100, 2), True),  # little beside what any zone may change
        (many(0, 20_000, 2), False),  # so much more that it need not be looked at
        (many(3000, 9000, 2), True),  # of both together less than half
        (many(5000, 15_000, 2), False),  # as many records, and half are others
    ],
)
def test_most_of_a_zone_is_written_anew(tmp_path: Path, new: Zone, journal: bool) -> None:
    old = many(0, 100, 1) if new.count() < 1000 or new.count() > 15_000 else many(0, 10_000, 1)
    prepare(tmp_path)
    writer = ZonesWriter(tmp_path)
    with writer.transaction(1.0) as transaction:
        before = transaction.replace(old)
        other = build({("other", rd.A): (60, (b"1234",))}, 1)
        other.origin = names.from_text("example.aaa.")
        transaction.replace(other)
    with writer.transaction(2.0) as transaction:
        record = transaction.replace(new, source="ns1")
        for database in ("answers", "transfer", "journal", "history"):
            cursor = transaction._cursor(database)
            found = {key[:4] for key, _ in cursor}
            assert (before.prefix in found) == journal, database
    writer.close()
    reader = ZonesReader(tmp_path)
    with reader.begin() as snapshot:
        assert snapshot.zone(ORIGIN) == new
        assert snapshot.zone(other.origin) == other
        ref = snapshot.zones[ORIGIN]
        assert ref.prefix == record.prefix
        assert entries(snapshot, ref.prefix) == compile_zone(new)
        assert snapshot.record(ORIGIN) == record
        assert (record.serial, record.records, record.source) == (2, new.count(), "ns1")
        assert (snapshot.journal(ref, 1) is not None) == journal
        assert [version.serial for version in snapshot.history(ref)] == [2, 1]
    reader.close()


@settings(max_examples=40, deadline=None)
@given(zones(), zones())
def test_written_anew_or_changed_it_is_the_new_version(first: dict, second: dict) -> None:
    old, new = build(first, 1), build(second, 2)
    with tempfile.TemporaryDirectory() as directory, pytest.MonkeyPatch.context() as patch:
        patch.setattr(replacing, "FEW", 500)
        prepare(Path(directory))
        writer = ZonesWriter(Path(directory))
        for version in (old, new, new):
            with writer.transaction(0.0) as transaction:
                record = transaction.replace(version)
        with writer.transaction(0.0) as transaction:
            assert transaction.snapshot.zone(ORIGIN) == new
            assert entries(transaction.snapshot, record.prefix) == compile_zone(new)
        writer.close()
