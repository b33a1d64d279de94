"""A zone's journal is bounded by count, octets and age, and what it keeps leads to the newest."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pytest
from test_store_equals_zone import ORIGIN, build

from zonecast.store.reader import ZonesReader, prefixed
from zonecast.store.schema import prepare
from zonecast.store.writer import JournalLimits, ZonesWriter
from zonecast.zone import rdata as rd

OCTETS = 1000  # of the record that every version replaces


def kept_of(state: Path, limits: JournalLimits, times: Iterable[float]) -> list[int]:
    """The serials that the journal begins at, after versions 1, 2, 3… published at these times."""
    prepare(state)
    writer = ZonesWriter(state, limits)
    serial = 0
    for serial, now in enumerate(times, start=1):
        rdata = bytes((serial,)) * OCTETS
        with writer.transaction(now) as transaction:
            record = transaction.replace(build({("a", rd.TXT): (60, (rdata,))}, serial))
    with writer.transaction(0.0) as transaction:
        entries = list(prefixed(transaction._cursor("journal"), record.prefix))
    writer.close()
    assert record.journal_next - record.journal_first == len(entries)
    reader = ZonesReader(state)
    with reader.begin() as snapshot:
        ref = snapshot.zones[ORIGIN]
        chains = {begin: snapshot.journal(ref, begin) for begin in range(1, serial)}
    kept = [begin for begin, chain in chains.items() if chain is not None]
    for begin in kept:
        assert len(chains[begin] or ()) == serial - begin
    assert record.journal_bytes == max((c.octets for c in chains.values() if c), default=0)
    reader.close()
    return kept


@pytest.mark.parametrize(
    ("limits", "times", "kept"),
    [
        (JournalLimits(), range(8), [1, 2, 3, 4, 5, 6, 7]),
        (JournalLimits(changesets=3), range(8), [5, 6, 7]),
        (JournalLimits(octets=5 * OCTETS), range(8), [6, 7]),  # each deletes one and adds one
        (JournalLimits(octets=OCTETS), range(8), []),
        (JournalLimits(age=10), (0, 1, 2, 3, 13, 14), [4, 5]),
        (JournalLimits(age=10), (0, 1, 2, 3, 100), [4]),
        (JournalLimits(age=10, changesets=1), (0, 1, 2, 3), [3]),
        (JournalLimits(changesets=0), range(4), []),
    ],
)
def test_the_oldest_changesets_go(
    tmp_path: Path, limits: JournalLimits, times: Iterable[float], kept: list[int]
) -> None:
    assert kept_of(tmp_path, limits, times) == kept
