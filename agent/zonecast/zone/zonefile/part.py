"""Reading one part of a zone file, in a process of its own: see `zonefile.sharing`."""

from __future__ import annotations

from collections.abc import Callable

from zonecast.zone.zonefile.context import State
from zonecast.zone.zonefile.packed import End, Piece, Task
from zonecast.zone.zonefile.reader import FileReader
from zonecast.zone.zonefile.records import EnoughError, Records

# RRsets that are read before they are passed on: no more than these are held.
PIECE = 1 << 14


class NotPlainSailingError(Exception):
    """Something about the part is for the process to read that reads the whole file."""


class _PartReader(FileReader):
    """Passes on what it read, piece by piece."""

    def __init__(self, task: Task, give: Callable[[bytes], None]) -> None:
        state = State(Records(task.zone, ""), None)
        state.default_ttl = task.default_ttl
        super().__init__(state, "", bytes(task.text), task.origin)
        self.before = task.before
        self._give = give

    def after_block(self, end: int, index: int) -> None:
        """Passes on the records, once there are enough."""
        if len(self.records.rrsets) >= PIECE:
            self.pass_on(index)

    def pass_on(self, lines: int | None) -> None:
        """Passes on the records that were read up to so many lines (None: all), and begins anew.
        Raises NotPlainSailingError."""
        records, places = self.records, self.records.places
        records.finish()
        if records.findings or records.soa_seen or records.has_generated:
            raise NotPlainSailingError
        piece = Piece(
            list(records.rrsets),
            [(*rrset,) for rrset in records.rrsets.values()],
            places.first.tobytes(),
            places.other_keys,
            places.other_rdatas,
            places.others.tobytes(),
            End(
                lines,
                self.origin,
                self.state.default_ttl,
                self.state.last_ttl,
                self.origin_place,
                self.owner,
                self.node,
            ),
        )
        self._give(piece.pack())
        self.records = self.state.records = Records(records.origin, "")


def read_part(octets: bytes, give: Callable[[bytes], None]) -> None:
    """Reads the part that a packed task says and gives packed pieces of it. Raises
    NotPlainSailingError; the pieces given before hold."""
    file = _PartReader(Task.unpack(octets), give)
    del octets  # which hold the text a second time
    try:
        file.read()
        file.pass_on(None)
    except EnoughError:
        raise NotPlainSailingError from None
