"""Walking a DNS message's sections without building anything (RFC 1035 §4.1).

For what has to look at every record of a message from a peer: TSIG, transfers, NOTIFY, catalogs.
Names are skipped, not read; `zone.rdata.read_name` reads one.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from zonecast.errors import WireError
from zonecast.zone.rdata import read_name

HEADER = struct.Struct(">HHHHHH")
_FIXED = struct.Struct(">HHIH")

QR = 0x8000
AA = 0x0400
TC = 0x0200
RD = 0x0100
OPCODE_MASK = 0x7800
OPCODE_NOTIFY = 4 << 11

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = 0, 1, 2, 3, 4, 5
NOTAUTH = 9

RCODES = {
    0: "NOERROR", 1: "FORMERR", 2: "SERVFAIL", 3: "NXDOMAIN", 4: "NOTIMP", 5: "REFUSED",
    6: "YXDOMAIN", 9: "NOTAUTH", 10: "NOTZONE",
}  # fmt: skip

ANSWER, AUTHORITY, ADDITIONAL = 1, 2, 3


class Header(NamedTuple):
    """A message's header: identifier, the 16 flag bits (RCODE in the last four), four counts."""

    id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def rcode(self) -> int:
        return self.flags & 15


class Question(NamedTuple):
    """A message's only question; `end` is where its octets end, from 12 on."""

    name: bytes
    qtype: int
    qclass: int
    end: int


class Record(NamedTuple):
    """A record's place: owner from `start`, rdata from `rdata` up to, not including, `end`."""

    section: int
    start: int
    rtype: int
    rclass: int
    ttl: int
    rdata: int
    end: int


def read_header(message: bytes) -> Header:
    """The header. Raises WireError for what is shorter than one."""
    if len(message) < 12:
        raise WireError("message shorter than a DNS header")
    return Header._make(HEADER.unpack_from(message))


def read_question(message: bytes) -> Question:
    """The question. Raises WireError unless there is exactly one."""
    if read_header(message).questions != 1:
        raise WireError("message without exactly one question")
    name, position = read_name(message, 12)
    if position + 4 > len(message):
        raise WireError("question runs past the end of the message")
    qtype, qclass = struct.unpack_from(">HH", message, position)
    return Question(name, qtype, qclass, position + 4)


def skip_name(message: bytes, position: int) -> int:
    """Where reading goes on after the name at `position`. Raises WireError."""
    size = len(message)
    while position < size:
        length = message[position]
        if length >= 192:
            return position + 2
        if length > 63:
            raise WireError("label type that RFC 1035 does not know")
        position += 1 + length
        if not length:
            return position
    raise WireError("name runs past the end of the message")


def records_start(message: bytes) -> int:
    """Where the records begin, after the questions. Raises WireError."""
    position = 12
    for _ in range(read_header(message).questions):
        position = skip_name(message, position) + 4
    return position


def records(message: bytes) -> Iterator[Record]:
    """Every record of the three sections. Raises WireError where one runs past the end."""
    header = read_header(message)
    position = records_start(message)
    size = len(message)
    for section, count in enumerate(header[3:], ANSWER):
        for _ in range(count):
            start = position
            position = skip_name(message, position)
            if position + 10 > size:
                raise WireError("record runs past the end of the message")
            rtype, rclass, ttl, length = _FIXED.unpack_from(message, position)
            rdata = position + 10
            position = rdata + length
            if position > size:
                raise WireError("rdata runs past the end of the message")
            yield Record(section, start, rtype, rclass, ttl, rdata, position)
