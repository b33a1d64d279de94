"""The slow path: any query, read into a value, to the octets of its answer.

Everything that is not an exact match of `answer_exact` comes through here; nothing here depends
on who asks but the options that the caller puts in, so that a reply without them can be cached by
the query's octets.
"""

from __future__ import annotations

from typing import NamedTuple

from zonecast.protocol.answer import YXDOMAIN, Answer, resolve
from zonecast.protocol.answer_additional import addresses
from zonecast.protocol.answer_find import label_starts, zone_of
from zonecast.protocol.answer_writer import Writer
from zonecast.protocol.compiled import read_entry
from zonecast.protocol.edns import (
    BADVERS,
    INVALID_DATA,
    NOT_AUTHORITATIVE,
    NOT_READY,
    PLAIN_SIZE,
    ZONE_VERSION,
    extended_error,
    option,
    padding,
    write_opt,
)
from zonecast.protocol.message import Query
from zonecast.protocol.sections import AA, NOERROR, NXDOMAIN, QR, RD, REFUSED, SERVFAIL, TC
from zonecast.protocol.view import View
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import SOA_KEY, soa_serial

CLASS_IN, CLASS_ANY = 1, 255
STREAM_LIMIT = 65535


_SOA_SERIAL = b"\x00"  # the type of version that a ZONEVERSION option carries


class Extras(NamedTuple):
    """What goes into our OPT record besides: finished `options`, the version of the zone that
    answers (RFC 9660), and `pads` to whole blocks (RFC 8467). `awaited` are the lower-cased
    origins of zones that ought to be here: SERVFAIL until they are, as for expired ones."""

    options: bytes = b""
    zone_version: bool = False
    pads: bool = False
    awaited: frozenset[bytes] = frozenset()


NO_EXTRAS = Extras()


def answer_query(
    packet: bytes,
    query: Query,
    view: View,
    datagram: bool,
    room: int = 0,
    extras: Extras = NO_EXTRAS,
) -> bytes:
    """The reply to a query of opcode QUERY that is no transfer. `room` octets are left free for
    a signature."""
    edns = query.edns
    dnssec = edns is not None and edns.dnssec
    limit = STREAM_LIMIT
    if datagram:
        limit = PLAIN_SIZE if edns is None else edns.limit
    answer = _decide(query, view, dnssec)
    awaited = (
        answer.rcode == REFUSED
        and query.qclass in (CLASS_IN, CLASS_ANY)
        and _below(query.name.lower(), extras.awaited)
    )
    if awaited:
        answer.rcode = SERVFAIL
    opt = b""
    if edns is not None:
        options = extras.options
        options += extended_error(NOT_READY) if awaited else _explained(answer, query, view)
        if extras.zone_version:
            options += _zone_version(answer, query, view)
        opt = write_opt(dnssec, answer.rcode, options)
    room += len(opt) + (4 if extras.pads else 0)
    writer = Writer(packet[12 : query.end], limit - room)
    flags = QR | query.flags & RD | answer.rcode & 15
    if answer.authoritative:
        flags |= AA
    counts, truncated = _write(writer, answer, view, dnssec)
    if truncated:
        flags |= TC
    if extras.pads:
        filling = padding(writer.size + len(opt), limit)
        opt = write_opt(dnssec, answer.rcode, options + filling)
    return writer.finish(query.id, flags, (*counts[:2], counts[2] + (1 if opt else 0)), opt)


def _decide(query: Query, view: View, dnssec: bool) -> Answer:
    if query.edns is not None and query.edns.version:
        return Answer(BADVERS, authoritative=False)
    if query.qclass not in (CLASS_IN, CLASS_ANY):
        return Answer(REFUSED, authoritative=False)
    # Type 0 keys the stored negative answer; like OPT it is in no zone (RFC 6895 §3.1).
    answer = resolve(view, query.name, query.qtype or rd.OPT, dnssec)
    if query.qclass == CLASS_ANY:
        answer.authoritative = False  # other classes are not ours to speak for (RFC 1035 §6.2)
    return answer


def _below(name: bytes, origins: frozenset[bytes]) -> bool:
    """Whether a name is one of these or below one."""
    return bool(origins) and any(
        name[start:] in origins for start in (*label_starts(name, len(name) - 1), len(name) - 1)
    )


def _explained(answer: Answer, query: Query, view: View) -> bytes:
    """The extended error that says why there is no answer (RFC 8914 §4)."""
    if answer.rcode == REFUSED:
        return extended_error(NOT_AUTHORITATIVE)
    if answer.rcode == SERVFAIL:
        zone = zone_of(view, query.name, query.qtype)
        if zone is not None and zone.origin in view.expired:
            return extended_error(INVALID_DATA)
    return b""


def _zone_version(answer: Answer, query: Query, view: View) -> bytes:
    """The serial of the zone that the question's name is in, where it answers with authority;
    a referral does not (RFC 9660 §3.2)."""
    if not answer.authoritative or answer.rcode not in (NOERROR, NXDOMAIN, YXDOMAIN):
        return b""
    zone = zone_of(view, query.name, query.qtype)
    soa = None if zone is None else view.get(zone.prefix + SOA_KEY)
    if zone is None or soa is None:
        return b""
    serial = soa_serial(read_entry(soa).records[0][10:])
    labels = sum(1 for _ in label_starts(zone.origin, len(zone.origin) - 1))
    return option(ZONE_VERSION, bytes((labels,)) + _SOA_SERIAL + serial.to_bytes(4, "big"))


def _write(
    writer: Writer, answer: Answer, view: View, dnssec: bool
) -> tuple[tuple[int, int, int], bool]:
    """Write the sections in order; (records in each, whether TC is due). The first RRset of
    answer or authority that does not fit ends the message."""
    counts = [0, 0, 0]
    for section, items in enumerate((answer.answer, answer.authority)):
        for item in items:
            if not writer.add(item.owner, item.tails):
                return (counts[0], counts[1], 0), True
            counts[section] += len(item.tails)
    for address in addresses(view, answer, dnssec):
        if writer.add(address.owner, address.tails):
            counts[2] += len(address.tails)
        elif address.required:
            return (counts[0], counts[1], counts[2]), True
    return (counts[0], counts[1], counts[2]), False
