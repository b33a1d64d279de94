"""NOTIFY messages (RFC 1996). When they are sent, and again, is `protocol.convergence`.

Not implemented: NOTIFY for anything but SOA.
"""

from __future__ import annotations

from typing import NamedTuple

from zonecast.errors import WireError
from zonecast.protocol.compiled import record_tails
from zonecast.protocol.message import plain_opt
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
    """The answer to a NOTIFY that `parse_notify` took: header, question (RFC 1996 §4.7), and an
    OPT record where it had one."""
    header = read_header(request)
    end = read_question(request).end
    flags = QR | AA | OPCODE_NOTIFY | rcode
    opt = plain_opt(request)
    return HEADER.pack(header.id, flags, 1, 0, 0, bool(opt)) + request[12:end] + opt


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
