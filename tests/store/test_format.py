"""A store that another version wrote: converted where that was older, refused where it was newer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_store_equals_zone import ORIGIN, build

from zonecast.errors import StoreError
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import ZONES_DATABASES, open_environment, prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import Zone


def version(serial: int) -> Zone:
    return build({("a", rd.A): (60, (serial.to_bytes(4, "big"),))}, serial)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A store with three versions of a zone."""
    prepare(tmp_path)
    writer = ZonesWriter(tmp_path)
    for serial in (1, 2, 3):
        with writer.transaction(serial) as transaction:
            transaction.replace(version(serial))
    writer.close()
    return tmp_path


def as_first_format(state: Path) -> None:
    """What the first format had more, and what it had not."""
    environment, databases = open_environment(state, "zones", ZONES_DATABASES, write=True)
    with environment.begin(write=True) as transaction:
        transaction.delete(b"format", db=databases["meta"])
        for key, value in list(transaction.cursor(databases["journal"])):
            transaction.put(key, value[:8] + value[16:], db=databases["journal"])
        for key, value in list(transaction.cursor(databases["zones"])):
            fields = {**json.loads(value), "content_hash": 7}
            transaction.put(key, json.dumps(fields).encode(), db=databases["zones"])
    environment.close()


def test_the_first_format_is_converted_with_zones_and_journal(state: Path) -> None:
    as_first_format(state)
    for _ in range(2):  # the second time there is nothing to do
        prepare(state)
        reader = ZonesReader(state)
        with reader.begin() as snapshot:
            assert snapshot.zone(ORIGIN) == version(3)
            chain = snapshot.journal(snapshot.zones[ORIGIN], 1)
            assert chain is not None
            whole = [len(entry) for entry in chain]
            assert len(whole) == 2
            record = snapshot.record(ORIGIN)
            assert record is not None
            assert record.journal_bytes == sum(whole)
        reader.close()
    writer = ZonesWriter(state)
    with writer.transaction(4.0) as transaction:
        assert transaction.replace(version(4)).journal_next == 3
    writer.close()


def test_a_newer_format_is_refused_and_left_as_it_is(state: Path) -> None:
    environment, databases = open_environment(state, "zones", ZONES_DATABASES, write=True)
    with environment.begin(write=True) as transaction:
        transaction.put(b"format", b"99", db=databases["meta"])
    environment.close()
    with pytest.raises(StoreError, match=r"format 99.*move this directory away"):
        prepare(state)
    environment, databases = open_environment(state, "zones", ZONES_DATABASES, write=False)
    with environment.begin() as transaction:
        assert transaction.get(b"format", db=databases["meta"]) == b"99"
        assert transaction.get(ORIGIN, db=databases["zones"]) is not None
    environment.close()
