"""Zone transfers in, sans-IO: messages go in, a complete result comes out or TransferError.

What a record means depends on where in the stream it stands. A SOA moves the machine, any other
record is filed under the state it is in:

    state     a SOA                                           another record
    --------  ----------------------------------------------  ---------------------------------
    FIRST     the version to come; → SECOND                   wrong: a transfer begins with SOA
    SECOND    the first SOA again: an empty zone, → DONE      a whole zone: → WHOLE, filed
              IXFR, our serial: a changeset begins, → DELETE
              else wrong
    WHOLE     the first SOA again: → DONE; another: wrong     filed as the zone's
    DELETE    the serial this changeset leads to; → ADD       filed as deleted
    ADD       the version to come was reached and this is     filed as added
              its SOA: → DONE
              the serial reached: the next changeset, → DELETE
              else wrong (a gap)
    DONE      wrong: the stream goes on after its end         the same

SECOND may last beyond the first message: over TCP a lone SOA with a serial that is not ours is
the start of a longer stream, and an answer in AXFR form may show itself in the second message
only. A lone SOA in the first answer to an IXFR query whose serial is not greater than ours is
the whole answer (RFC 1995 §2, §4). Any order of records and duplicates are accepted; records
outside the zone are left out (RFC 5936 §2.2, §3.5).

The caller checks signatures, and uses the result only once the last one was found right.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import Enum, auto
from functools import cached_property
from typing import NamedTuple

from zonecast.errors import ChangesetError, WireError, ZonecastError
from zonecast.protocol.assembly import AssembledZone, Row
from zonecast.protocol.compiled import group
from zonecast.protocol.question import CLASS_IN
from zonecast.protocol.sections import (
    OPCODE_MASK,
    QR,
    RCODES,
    TC,
    read_header,
    records_start,
)
from zonecast.protocol.transfer_part import Message
from zonecast.protocol.transfer_plain import WholeIn
from zonecast.protocol.transfer_records import RecordReader
from zonecast.protocol.transfer_shared import SHARED_FROM, Helpers, SharedReading
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset
from zonecast.zone.names import to_text
from zonecast.zone.rrset import RRset, Zone, soa_serial
from zonecast.zone.serial import is_greater


class TransferError(ZonecastError):
    """A transfer that did not lead to a new version. `rcode` is the primary's, 0 where the
    stream itself is wrong."""

    def __init__(self, message: str, *, where: str = "", remedy: str = "", rcode: int = 0) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.rcode = rcode


class Limits(NamedTuple):
    """The most that a primary can make us take: octets of messages and records."""

    octets: int = 4 << 30
    records: int = 20_000_000


class UpToDate(NamedTuple):
    """The primary has our version, or an older one."""

    soa: RRset


@dataclass(frozen=True)
class WholeZone:
    """The whole zone, whatever was asked, as the store takes it."""

    contents: AssembledZone

    @cached_property
    def zone(self) -> Zone:
        """The zone as a value."""
        return self.contents.zone()


class Changesets(NamedTuple):
    """What leads from the version we have to the primary's, in order."""

    changesets: list[Changeset]


Result = UpToDate | WholeZone | Changesets


class _State(Enum):
    FIRST = auto()
    SECOND = auto()
    WHOLE = auto()
    DELETE = auto()
    ADD = auto()
    DONE = auto()


class TransferIn(RecordReader):
    """One transfer of the zone at `origin`. `serial` is what an IXFR query said that we have,
    None for an AXFR query. `helpers` read parts of a big zone."""

    def __init__(
        self,
        origin: bytes,
        query_id: int,
        serial: int | None,
        limits: Limits | None = None,
        helpers: Helpers | None = None,
    ) -> None:
        super().__init__(origin, WholeIn(origin))
        self.octets = 0
        self.records = 0
        self._query_id = query_id
        self._serial = serial
        self._limits = limits or Limits()
        self._state = _State.FIRST
        self._messages = 0
        self._target: RRset | None = None
        self._added: list[Row] = []
        self._deleted: list[Row] = []
        self._soas: list[RRset] = []
        self._changesets: list[Changeset] = []
        self._helpers = helpers
        self._shared: SharedReading | None = None

    def feed(self, message: bytes) -> Result | None:
        """Take the next message; the result once the stream is complete.

        Raises TransferError for a stream that is wrong, refused or beyond the limits, after which
        nothing of it may be used.
        """
        try:
            answers = self._check_header(message)
            self._read(message, answers)
            self._messages += 1
            if self._state is _State.DONE:
                return self._result()
        except (WireError, ChangesetError) as error:
            raise self._wrong(str(error)) from None
        if self._is_up_to_date():
            self._state = _State.DONE
            return UpToDate(self._version)
        return None

    @property
    def _version(self) -> RRset:
        assert self._target is not None
        return self._target

    def _is_up_to_date(self) -> bool:
        if self._state is not _State.SECOND or self._messages > 1 or self._serial is None:
            return False
        theirs = soa_serial(self._version.rdatas[0])
        return not is_greater(theirs, self._serial)

    def _wrong(self, text: str, rcode: int = 0) -> TransferError:
        return TransferError(text, where=f"transfer of {to_text(self._origin)}", rcode=rcode)

    def _check_header(self, message: bytes) -> int:
        """The number of answer records, once the message is one of this transfer."""
        header = read_header(message)
        self.octets += len(message)
        if self.octets > self._limits.octets:
            raise self._wrong(f"more than {self._limits.octets} octets")
        if self._state is _State.DONE:
            raise self._wrong("a message after the end of the transfer")
        if header.id != self._query_id:
            raise self._wrong("a message with another identifier than the query's")
        if not header.flags & QR or header.flags & OPCODE_MASK:
            raise self._wrong("a message that is not the answer to a query")
        if header.rcode:
            text = f"the primary answered {RCODES.get(header.rcode, header.rcode)}"
            raise self._wrong(text, header.rcode)
        if header.flags & TC:
            raise self._wrong("a truncated message inside a transfer")
        if header.questions > 1 or (not self._messages and header.questions != 1):
            raise self._wrong(f"a message with {header.questions} questions")
        if header.questions:
            self._check_question(message)
        if not header.answers:
            raise self._wrong("a message without records")
        return header.answers

    def _check_question(self, message: bytes) -> None:
        name, position = rd.read_name(message, 12)
        kind = rd.AXFR if self._serial is None else rd.IXFR
        if name.lower() != self._origin.lower() or message[position : position + 4] != struct.pack(
            ">HH", kind, CLASS_IN
        ):
            raise self._wrong("a message that answers another question")

    def _read(self, message: bytes, answers: int) -> None:
        position = records_start(message)
        self.records += answers
        if self.records > self._limits.records:
            raise self._wrong(f"more than {self._limits.records} records")
        self._take(Message(message, position, answers))

    def _take(self, message: Message) -> None:
        """Read a message, now or with others; what ends a transfer is read at once."""
        if self._in_whole and self.octets > SHARED_FROM and self._helpers is not None:
            if self._shared is None:
                self._shared = SharedReading(self._origin, self._whole, self._helpers)
            if not message.may_hold_soa():
                self._shared.take(message, self._read_message)
                return
            self._shared.finish(self._read_message)
        self._read_message(message)

    def _read_message(self, message: Message) -> None:
        self._read_records(*message)

    def _on_record(self, row: Row) -> None:
        state = self._state
        if state is _State.SECOND:
            self._state = state = _State.WHOLE
            self._in_whole = True
        if state is _State.WHOLE:
            self._whole.add(row)
        elif state is _State.ADD:
            self._added.append(row)
        elif state is _State.DELETE:
            self._deleted.append(row)
        elif state is _State.FIRST:
            raise self._wrong("the transfer does not begin with a SOA record")
        else:
            raise self._wrong("records after the end of the transfer")

    def _on_soa(self, soa: RRset) -> None:
        state = self._state
        if state is _State.FIRST:
            self._target = soa
            self._state = _State.SECOND
        elif state is _State.SECOND:
            self._on_second_soa(soa)
        elif state is _State.WHOLE:
            if not _same(soa, self._version):
                raise self._wrong("the last SOA record differs from the first")
            self._state = _State.DONE
            self._in_whole = False
        elif state is _State.DELETE:
            self._soas.append(soa)
            self._state = _State.ADD
        elif state is _State.ADD:
            self._on_soa_after_added(soa)
        else:
            raise self._wrong("records after the end of the transfer")

    def _on_second_soa(self, soa: RRset) -> None:
        if _same(soa, self._version):
            self._state = _State.DONE
            return
        begins = soa_serial(soa.rdatas[0])
        if self._serial is None:
            raise self._wrong("the last SOA record differs from the first")
        if begins != self._serial:
            raise self._wrong(f"the changes begin at serial {begins}, we have {self._serial}")
        if not is_greater(soa_serial(self._version.rdatas[0]), self._serial):
            raise self._wrong("the changes do not lead to a greater serial")
        self._soas.append(soa)
        self._state = _State.DELETE

    def _on_soa_after_added(self, soa: RRset) -> None:
        reached = self._soas[-1]
        self._close_changeset()
        if soa_serial(reached.rdatas[0]) == soa_serial(self._version.rdatas[0]):
            if not _same(soa, self._version):
                raise self._wrong("the last SOA record differs from the first")
            self._state = _State.DONE
        elif _same_serial(soa, reached):
            self._soas.append(soa)
            self._state = _State.DELETE
        else:
            raise self._wrong(
                f"a changeset ends at serial {soa_serial(reached.rdatas[0])},"
                f" the next begins at {soa_serial(soa.rdatas[0])}"
            )

    def _close_changeset(self) -> None:
        old, new = self._soas
        deleted, added = (
            tuple(rrset for _, rrset in sorted(group(rows).items()))
            for rows in (self._deleted, self._added)
        )
        self._changesets.append(Changeset(self._origin, old, new, deleted, added))
        self._soas, self._deleted, self._added = [], [], []

    def _result(self) -> Result:
        if self._changesets:
            return Changesets(self._changesets)
        return WholeZone(self._whole.finish(self._version))


def _same_serial(one: RRset, other: RRset) -> bool:
    return soa_serial(one.rdatas[0]) == soa_serial(other.rdatas[0])


def _same(one: RRset, other: RRset) -> bool:
    return rd.canonical(rd.SOA, one.rdatas[0]) == rd.canonical(rd.SOA, other.rdatas[0])
