"""A stretch of a whole zone's messages, read by itself: what one process has another do for it.

Only where a stretch is what nearly every one is, plain records in canonical order, does it come to
a part; whoever asked reads any other again, and knows better what is wrong with it.
"""

from __future__ import annotations

import marshal
import re
from typing import NamedTuple

from zonecast.errors import ChangesetError, WireError
from zonecast.protocol.assembly import AssembledPart, Row
from zonecast.protocol.transfer_plain import Part, WholeIn
from zonecast.protocol.transfer_records import RecordReader
from zonecast.zone.rrset import RRset

# Type and class of a SOA record; and the same after the end of a name, with a TTL and a length that
# such a record may have.
_SOA = b"\x00\x06\x00\x01"
_SOA_RECORD = re.compile(rb"(?:[\xc0-\xff].|\x00)\x00\x06\x00\x01.{4}[\x00-\x02]", re.DOTALL)


class Message(NamedTuple):
    """A message with the position and number of its records."""

    octets: bytes
    position: int
    records: int

    def may_hold_soa(self) -> bool:
        """Whether a SOA record may be in it; false only if there is none."""
        return _SOA in self.octets and _SOA_RECORD.search(self.octets) is not None


def pack_task(origin: bytes, messages: list[Message]) -> bytes:
    """The task to read these messages about the zone at `origin`, as octets."""
    return marshal.dumps((origin, [tuple(message) for message in messages]))


def carry_out(task: bytes) -> bytes:
    """The octets for `unpack_part`, from those of a task."""
    origin, messages = marshal.loads(task)  # noqa: S302 - from the process that started this one
    part = read_part(origin, [Message(*message) for message in messages])
    return marshal.dumps(None if part is None else (part.lead, tuple(part.assembled), part.last))


def unpack_part(octets: bytes) -> Part | None:
    """The part that came of a task; None if it came to none, as where there are no octets."""
    found = marshal.loads(octets) if octets else None  # noqa: S302 - from a process of our own
    if found is None:
        return None
    lead, assembled, last = found
    return Part(lead, AssembledPart(*assembled), last)


def read_part(origin: bytes, messages: list[Message]) -> Part | None:
    """What these messages come to; None where something is wrong in them, or only odd."""
    return _PartReader(origin).read(messages)


class _PartReader(RecordReader):
    def __init__(self, origin: bytes) -> None:
        super().__init__(origin, WholeIn(origin, apart=True))
        self._in_whole = True

    def read(self, messages: list[Message]) -> Part | None:
        try:
            for message in messages:
                self._read_records(*message)
        except (WireError, ChangesetError):
            return None
        return self._whole.part()

    def _on_soa(self, soa: RRset) -> None:
        raise WireError("a SOA record in the middle of a zone")

    def _on_record(self, row: Row) -> None:
        self._whole.add(row)
