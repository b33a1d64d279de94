"""NOTIFY messages and when to send them again (RFC 1996), sans-IO.

A NOTIFY goes to each secondary on its own: one that does not answer delays no other, and is told
again with growing pauses until it answers. A newer version takes the place of one not yet told.

Not implemented: NOTIFY for anything but SOA.
"""

from __future__ import annotations

from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from zonecast.errors import WireError
from zonecast.protocol.compiled import record_tails
from zonecast.protocol.question import CLASS_IN, NotAnAnswerError, find_soa, question
from zonecast.protocol.sections import (
    AA,
    HEADER,
    OPCODE_MASK,
    OPCODE_NOTIFY,
    QR,
    RCODES,
    read_header,
    read_question,
)
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, soa_serial

# Seconds between sending and sending again: doubled each time from the first to the last.
FIRST_PAUSE = 2.0
LAST_PAUSE = 900.0


class Notify(NamedTuple):
    """A NOTIFY as received: the zone's origin as written, and the serial of the SOA that came as
    a hint, None without one."""

    query_id: int
    origin: bytes
    serial: int | None


def build_notify(query_id: int, origin: bytes, soa: RRset | None) -> bytes:
    """A NOTIFY for the zone at `origin`, with its new SOA as a hint (RFC 1996 §3.7)."""
    answer = b"" if soa is None else b"\xc0\x0c" + record_tails(soa)[0]
    header = HEADER.pack(query_id, OPCODE_NOTIFY | AA, 1, 0 if soa is None else 1, 0, 0)
    return header + question(origin, rd.SOA) + answer


def parse_notify(message: bytes) -> Notify:
    """A NOTIFY request. Raises WireError (to be answered with FORMERR) for what is none."""
    header = read_header(message)
    if header.flags & QR or header.flags & OPCODE_MASK != OPCODE_NOTIFY:
        raise WireError("not a NOTIFY request")
    asked = read_question(message)
    if (asked.qtype, asked.qclass) != (rd.SOA, CLASS_IN):
        raise WireError("a NOTIFY for something other than a SOA record")
    soa = find_soa(message, asked.name) if header.answers else None
    return Notify(header.id, asked.name, None if soa is None else soa_serial(soa.rdatas[0]))


def notify_reply(request: bytes, rcode: int = 0) -> bytes:
    """The answer to a NOTIFY that `parse_notify` took: header and question (RFC 1996 §4.7)."""
    header = read_header(request)
    end = read_question(request).end
    flags = QR | AA | OPCODE_NOTIFY | rcode
    return HEADER.pack(header.id, flags, 1, 0, 0, 0) + request[12:end]


def check_notify_reply(message: bytes, query_id: int) -> None:
    """Raises NotAnAnswerError for what answers something else, WireError for a refusal."""
    header = read_header(message)
    if (
        header.id != query_id
        or not header.flags & QR
        or header.flags & OPCODE_MASK != OPCODE_NOTIFY
    ):
        raise NotAnAnswerError
    if header.rcode:
        raise WireError(f"answered {RCODES.get(header.rcode, header.rcode)} to a NOTIFY")


class Due(NamedTuple):
    """One NOTIFY to send now: to whom, for which zone, with which serial as its hint."""

    secondary: str
    origin: bytes
    serial: int


@dataclass
class _Debt:
    serial: int
    due: float
    pause: float = FIRST_PAUSE
    sent: bool = False


class Outbox:
    """Who has still to be told what. `now` is POSIX seconds throughout."""

    def __init__(self) -> None:
        self._debts: dict[tuple[str, bytes], _Debt] = {}
        self._heap: list[tuple[float, str, bytes]] = []

    def announce(self, secondary: str, origin: bytes, serial: int, now: float) -> None:
        """`secondary` is to be told that the zone stands at `serial`: at once, whatever was
        still to be said about an older version."""
        self._debts[secondary, origin] = _Debt(serial, now)
        heappush(self._heap, (now, secondary, origin))

    def due(self, now: float, limit: int = 100) -> list[Due]:
        """At most `limit` NOTIFYs to send now; each comes again until it is answered."""
        found: list[Due] = []
        while self._heap and len(found) < limit and self._heap[0][0] <= now:
            at, secondary, origin = heappop(self._heap)
            debt = self._debts.get((secondary, origin))
            if debt is None or debt.due != at:
                continue
            found.append(Due(secondary, origin, debt.serial))
            debt.sent = True
            debt.due = now + debt.pause
            debt.pause = min(2 * debt.pause, LAST_PAUSE)
            heappush(self._heap, (debt.due, secondary, origin))
        return found

    def answered(self, secondary: str, origin: bytes, serial: int) -> None:
        """`secondary` answered the NOTIFY with this serial; a newer one stays to be told."""
        debt = self._debts.get((secondary, origin))
        if debt is not None and debt.sent and debt.serial == serial:
            del self._debts[secondary, origin]

    def forget(self, origin: bytes) -> None:
        """The zone is gone: nobody is told about it any more."""
        for key in [key for key in self._debts if key[1] == origin]:
            del self._debts[key]
        self._heap = [item for item in self._heap if item[2] != origin]
        heapify(self._heap)

    def waiting(self, origin: bytes) -> dict[str, int]:
        """The secondaries that have not answered yet, with the serial they are told."""
        return {who: debt.serial for (who, zone), debt in self._debts.items() if zone == origin}

    def deadline(self) -> float | None:
        """When `due` has something next, None while everybody was told."""
        while self._heap:
            at, secondary, origin = self._heap[0]
            debt = self._debts.get((secondary, origin))
            if debt is not None and debt.due == at:
                return at
            heappop(self._heap)
        return None
