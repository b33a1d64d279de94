"""Queries, read by hand from their octets (RFC 1035 §4.1), and the answers that need no zone.

Strict where it is cheap: one question (RFC 9619), nothing after the last record, one OPT record at
most, its owner the root (RFC 6891 §6.1.1). Records other than OPT are stepped over.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from zonecast.errors import WireError
from zonecast.protocol.edns import Edns, read_opt, write_opt
from zonecast.protocol.sections import HEADER, OPCODE_MASK, QR, RD, records_start, skip_name
from zonecast.zone import rdata as rd
from zonecast.zone.names import MAX_LABEL, MAX_NAME

_FIXED = struct.Struct(">HHIH")


class Query(NamedTuple):
    """A query: identifier, flag bits, the question with the case of its name kept, where the
    question ends, and the OPT record (None without one)."""

    id: int
    flags: int
    name: bytes
    qtype: int
    qclass: int
    end: int
    edns: Edns | None


def read_query(packet: bytes) -> Query:
    """The query in `packet`, which holds at least a header. Raises WireError, to be answered
    with FORMERR."""
    identifier, flags, questions, *counts = HEADER.unpack_from(packet)
    if questions != 1:
        raise WireError("not exactly one question")
    end = question_end(packet)
    qtype, qclass = struct.unpack_from(">HH", packet, end - 4)
    edns = _read_records(packet, end, sum(counts), sum(counts[:2]))
    return Query(identifier, flags, packet[12 : end - 4], qtype, qclass, end, edns)


def question_end(packet: bytes) -> int:
    """Where the first question ends. Raises WireError for one that is cut short, compressed (it
    could only point into the header) or longer than 255 octets."""
    position = 12
    size = len(packet)
    while position < size and (length := packet[position]):
        if length > MAX_LABEL:
            raise WireError("compressed name in the question")
        position += length + 1
    if position + 5 > size or position - 11 > MAX_NAME:
        raise WireError("question cut short, or its name too long")
    return position + 5


def _read_records(packet: bytes, position: int, count: int, before: int) -> Edns | None:
    """The OPT record among the `count` records from `position` on, of which `before` are not in
    the additional section."""
    edns = None
    size = len(packet)
    for index in range(count):
        start = position
        position = skip_name(packet, position)
        if position + 10 > size:
            raise WireError("record cut short")
        rtype, rclass, ttl, length = _FIXED.unpack_from(packet, position)
        position += 10 + length
        if position > size:
            raise WireError("rdata cut short")
        if rtype == rd.OPT:
            if index < before or edns is not None or packet[start]:
                raise WireError("OPT record twice, outside the additional section, or owned")
            edns = read_opt(rclass, ttl, packet[position - length : position])
    if position != size:
        raise WireError("octets after the last record")
    return edns


def read_edns(packet: bytes) -> Edns | None:
    """The OPT record of a request of any opcode, with any number of questions; None without one.
    Raises WireError."""
    counts = HEADER.unpack_from(packet)[3:]
    return _read_records(packet, records_start(packet), sum(counts), sum(counts[:2]))


def plain_opt(packet: bytes, rcode: int = 0) -> bytes:
    """Our OPT record without options in the reply to a request that has one (RFC 6891 §6.1.1);
    b"" for others, and for what cannot be read to its end."""
    try:
        edns = read_edns(packet)
    except WireError:
        return b""
    return b"" if edns is None else write_opt(edns.dnssec, rcode)


def is_request(packet: bytes) -> bool:
    """Whether to answer at all: what holds a header and is no response (RFC 5452 §9)."""
    return len(packet) >= 12 and not packet[2] & 0x80


def error_reply(packet: bytes, rcode: int, opt: bytes | None = None) -> bytes:
    """Header and, as far as it can be read, question, with `rcode`; for requests that cannot be
    answered otherwise. `packet` holds at least a header; `opt` is our OPT record, b"" for none,
    with the upper bits of a greater `rcode`; without it, what `plain_opt` says."""
    if opt is None:
        opt = plain_opt(packet, rcode)
    identifier, flags, questions, *_ = HEADER.unpack_from(packet)
    question = b""
    if questions == 1:
        try:
            question = packet[12 : question_end(packet)]
        except WireError:
            pass
    flags = QR | flags & (OPCODE_MASK | RD) | rcode & 15
    return HEADER.pack(identifier, flags, bool(question), 0, 0, bool(opt)) + question + opt
