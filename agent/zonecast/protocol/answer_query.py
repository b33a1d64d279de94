"""The slow path: any query, read into a value, to the octets of its answer.

Everything that is not an exact match of `answer_exact` comes through here; nothing here depends
on who asks, so that its replies can be cached by the query's octets.
"""

from __future__ import annotations

from zonecast.protocol.answer import Answer, resolve
from zonecast.protocol.answer_additional import addresses
from zonecast.protocol.answer_writer import Writer
from zonecast.protocol.edns import BADVERS, PLAIN_SIZE, write_opt
from zonecast.protocol.message import Query
from zonecast.protocol.sections import AA, QR, RD, REFUSED, TC
from zonecast.protocol.view import View
from zonecast.zone import rdata as rd

CLASS_IN, CLASS_ANY = 1, 255
STREAM_LIMIT = 65535


def answer_query(packet: bytes, query: Query, view: View, datagram: bool, room: int = 0) -> bytes:
    """The reply to a query of opcode QUERY that is no transfer. `room` octets are left free for
    a signature."""
    edns = query.edns
    dnssec = edns is not None and edns.dnssec
    limit = STREAM_LIMIT
    if datagram:
        limit = PLAIN_SIZE if edns is None else edns.limit
    answer = _decide(query, view, dnssec)
    opt = b"" if edns is None else write_opt(dnssec, answer.rcode)
    writer = Writer(packet[12 : query.end], limit - room - len(opt))
    flags = QR | query.flags & RD | answer.rcode & 15
    if answer.authoritative:
        flags |= AA
    counts, truncated = _write(writer, answer, view, dnssec)
    if truncated:
        flags |= TC
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
