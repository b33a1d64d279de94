"""Versions held open while transfers run: all transfers of one version share one transaction.

An open read transaction keeps LMDB from reusing pages freed since, so what is held is counted
and let go with the last transfer that uses it.
"""

from __future__ import annotations

from collections.abc import Iterator

from zonecast.protocol.condensing import Chain, shorten
from zonecast.protocol.transfer_run import Run
from zonecast.protocol.view import ZoneRef
from zonecast.store.reader import Snapshot, ZonesReader
from zonecast.zone.rrset import RRset

# Octets of condensed changesets that are kept, for the secondaries that all come at once.
KEPT_OCTETS = 8 << 20

_MEMO = b"ixf"  # every other key of a Snapshot's memo begins with a zone's four octets


class PinnedZone:
    """One zone of one Snapshot, as `protocol.transfer_out` wants it."""

    def __init__(self, snapshot: Snapshot, ref: ZoneRef) -> None:
        self._snapshot = snapshot
        self._ref = ref

    @property
    def soa(self) -> RRset:
        return self._snapshot.soa(self._ref)

    def runs(self) -> Iterator[Run]:
        """The zone's finished transfer records without the SOA."""
        return self._snapshot.transfer_runs(self._ref)

    def journal(self, serial: int) -> Chain | None:
        """What leads from `serial` to this version, condensed where that is shorter; None without
        such a history."""
        chain = self._snapshot.journal(self._ref, serial)
        if chain is None or len(chain) < 2:
            return chain
        memo: _Condensed = self._snapshot.memo.setdefault(_MEMO, _Condensed())
        return memo.shortened(self._ref.prefix + serial.to_bytes(4, "big"), chain)


class _Condensed:
    """What chains of one version of the store were condensed to, by zone and first serial; a chain
    that nothing makes shorter is found out once, too."""

    def __init__(self) -> None:
        self._kept: dict[bytes, Chain | None] = {}
        self._octets = 0

    def shortened(self, key: bytes, chain: Chain) -> Chain:
        if key not in self._kept:
            shorter = shorten(chain)
            if self._octets > KEPT_OCTETS:
                self._kept.clear()
                self._octets = 0
            self._kept[key] = None if shorter is chain else shorter
            self._octets += len(key) + (0 if shorter is chain else shorter.octets)
        return self._kept[key] or chain


class Versions:
    """The Snapshots in use by one stream worker, at most one for each version."""

    def __init__(self, reader: ZonesReader) -> None:
        self._reader = reader
        self._held: dict[tuple[int, frozenset[bytes]], tuple[Snapshot, int]] = {}

    def acquire(self) -> Snapshot:
        """A Snapshot of the newest version; give it back to `release`."""
        fresh = self._reader.begin()
        version = (fresh.number, fresh.expired)
        snapshot, uses = self._held.get(version, (fresh, 0))
        if snapshot is not fresh:
            fresh.close()
        self._held[version] = (snapshot, uses + 1)
        return snapshot

    def release(self, snapshot: Snapshot) -> None:
        """Let go of one use; the last one closes the Snapshot."""
        version = (snapshot.number, snapshot.expired)
        uses = self._held[version][1] - 1
        if uses:
            self._held[version] = (snapshot, uses)
        else:
            del self._held[version]
            snapshot.close()

    @property
    def held(self) -> int:
        """How many versions are held open."""
        return len(self._held)
