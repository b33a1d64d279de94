"""Finished transfers are written together, and one that does not fit spoils no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from transfer_support import zone

from zonecast.errors import ChangesetError
from zonecast.server.pulling.write_queue import BATCH_RECORDS, WriteQueue
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.store.writer import WriteTransaction
from zonecast.zone.names import from_text
from zonecast.zone.rrset import Zone


def store(number: int):  # type: ignore[no-untyped-def]
    def write(transaction: WriteTransaction) -> None:
        transaction.replace(Zone(from_text(f"z{number}."), zone(1).rrsets))

    return write


def does_not_fit(transaction: WriteTransaction) -> None:
    store(999)(transaction)
    raise ChangesetError("does not fit")


def version(state_dir: Path) -> tuple[int, int]:
    """The store's number, and how many zones it holds."""
    reader = ZonesReader(state_dir)
    with reader.begin() as snapshot:
        found = snapshot.number, len(snapshot.zones)
    reader.close()
    return found


async def write_all(state_dir: Path, writes: list) -> list:  # type: ignore[type-arg]
    queue = WriteQueue(state_dir)
    waiting = [asyncio.create_task(queue.write(write, count)) for write, count in writes]
    await asyncio.sleep(0)
    running = asyncio.create_task(queue.run())
    results = await asyncio.gather(*waiting, return_exceptions=True)
    running.cancel()
    queue.close()
    return results


def test_small_zones_share_a_transaction(tmp_path: Path) -> None:
    prepare(tmp_path)
    before, _ = version(tmp_path)
    results = asyncio.run(write_all(tmp_path, [(store(n), 10) for n in range(50)]))
    assert results == [None] * 50
    assert version(tmp_path) == (before + 1, 50)


def test_a_large_zone_has_a_transaction_to_itself(tmp_path: Path) -> None:
    prepare(tmp_path)
    before, _ = version(tmp_path)
    writes = [(store(1), 10), (store(2), BATCH_RECORDS), (store(3), 10), (store(4), 10)]
    assert asyncio.run(write_all(tmp_path, writes)) == [None] * 4
    assert version(tmp_path) == (before + 3, 4)


def test_one_that_does_not_fit_spoils_no_other(tmp_path: Path) -> None:
    prepare(tmp_path)
    writes = [(store(1), 10), (does_not_fit, 10), (store(2), 10)]
    first, wrong, last = asyncio.run(write_all(tmp_path, writes))
    assert (first, last) == (None, None)
    assert isinstance(wrong, ChangesetError)
    reader = ZonesReader(tmp_path)
    with reader.begin() as snapshot:
        assert set(snapshot.zones) == {b"\x02z1\x00", b"\x02z2\x00"}
    reader.close()
