"""The queries a secondary asks: SOA (RFC 1035), AXFR (RFC 5936 §2.1), IXFR (RFC 1995 §3).

Without EDNS: a SOA fits, and a transfer runs over TCP. `expiry` adds what asks for EXPIRE.
"""

from __future__ import annotations

import struct

from zonecast.errors import WireError
from zonecast.protocol.sections import (
    AA,
    HEADER,
    QR,
    RCODES,
    TC,
    read_header,
    read_question,
    records,
)
from zonecast.zone import rdata as rd
from zonecast.zone.names import ROOT, to_text
from zonecast.zone.rrset import RRset, soa_serial

CLASS_IN = 1


def soa_query(query_id: int, origin: bytes) -> bytes:
    """A query for the SOA of the zone at `origin`."""
    return HEADER.pack(query_id, 0, 1, 0, 0, 0) + question(origin, rd.SOA)


def axfr_query(query_id: int, origin: bytes) -> bytes:
    """A query for the whole zone."""
    return HEADER.pack(query_id, 0, 1, 0, 0, 0) + question(origin, rd.AXFR)


def ixfr_query(query_id: int, origin: bytes, serial: int) -> bytes:
    """A query for what changed since `serial`. Of the SOA in its authority section nothing but
    the serial counts."""
    rdata = ROOT + ROOT + struct.pack(">IIIII", serial, 0, 0, 0, 0)
    soa = b"\xc0\x0c" + struct.pack(">HHIH", rd.SOA, CLASS_IN, 0, len(rdata)) + rdata
    return HEADER.pack(query_id, 0, 1, 0, 1, 0) + question(origin, rd.IXFR) + soa


def question(origin: bytes, qtype: int) -> bytes:
    """A question as it stands in a message."""
    return origin + struct.pack(">HH", qtype, CLASS_IN)


class NotAnAnswerError(ValueError):
    """Not meant for a person: the message is no answer to the query at all, and is dropped."""


def read_soa_answer(message: bytes, query_id: int, origin: bytes) -> RRset | None:
    """The SOA in the answer to a SOA query; None where it came truncated.

    Raises NotAnAnswerError for a message that answers something else, WireError for an answer
    that has no authoritative SOA (its text says why).
    """
    header = read_header(message)
    if header.id != query_id or not header.flags & QR:
        raise NotAnAnswerError
    if header.questions:
        asked = read_question(message)
        if (asked.name.lower(), asked.qtype) != (origin.lower(), rd.SOA):
            raise NotAnAnswerError
    if header.rcode:
        raise WireError(f"answered {RCODES.get(header.rcode, header.rcode)}")
    if header.flags & TC:
        return None
    if not header.flags & AA:
        raise WireError("is not authoritative for the zone")
    soa = find_soa(message, origin)
    if soa is None:
        raise WireError(f"has no SOA record for {to_text(origin)}")
    return soa


def find_soa(message: bytes, origin: bytes) -> RRset | None:
    """The SOA of `origin` in the answer section, None where it is not. Raises WireError."""
    for record in records(message):
        if record.section > 1:
            break
        owner, _ = rd.read_name(message, record.start)
        if record.rtype == rd.SOA and owner.lower() == origin.lower():
            return RRset(b"", rd.SOA, record.ttl, (read_soa(message, record.rdata, record.end),))
    return None


def read_soa(message: bytes, start: int, end: int) -> bytes:
    """A SOA's rdata, uncompressed. Raises WireError for one of the wrong length."""
    rdata = rd.decompress(message, start, end, rd.SOA)
    if len(rdata) != rd.fields(rd.SOA, rdata)[-1][2] + 20:
        raise WireError("SOA record of the wrong length")
    return rdata


def client_serial(query: bytes) -> int:
    """The serial that an IXFR query says its sender has. Raises WireError (to be answered with
    FORMERR) where the authority section does not hold the zone's SOA (RFC 1995 §3)."""
    asked = read_question(query)
    for record in records(query):
        if record.section == 2 and record.rtype == rd.SOA:
            owner, _ = rd.read_name(query, record.start)
            if owner.lower() == asked.name.lower():
                return soa_serial(read_soa(query, record.rdata, record.end))
    raise WireError("IXFR query without its sender's SOA in the authority section")
