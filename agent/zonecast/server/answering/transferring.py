"""The answer to a transfer query, over whatever transport it came, and why there is none."""

from __future__ import annotations

from collections.abc import Iterator

from zonecast.errors import WireError
from zonecast.protocol.answer_query import CLASS_ANY, CLASS_IN
from zonecast.protocol.edns import (
    INVALID_DATA,
    NOT_AUTHORITATIVE,
    NOT_SUPPORTED,
    PROHIBITED,
    Edns,
    extended_error,
    write_opt,
)
from zonecast.protocol.message import Query, error_reply
from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import FORMERR, NOERROR, NOTAUTH, NOTIMP, REFUSED, SERVFAIL
from zonecast.protocol.transfer_out import axfr_messages, ixfr_datagram, ixfr_messages
from zonecast.server.answering.pinned import PinnedZone
from zonecast.store.reader import Snapshot
from zonecast.zone import rdata as rd

# What an RCODE that denies something means, for who can read it (RFC 8914 §4).
_REASONS = {
    REFUSED: PROHIBITED,
    NOTIMP: NOT_SUPPORTED,
    NOTAUTH: NOT_AUTHORITATIVE,
    SERVFAIL: INVALID_DATA,
}


def refuse_transfer(query: Query, view: Snapshot, allowed: bool, datagram: bool) -> int:
    """The RCODE that denies this transfer; NOERROR to go ahead. `allowed` is what the access
    rules say."""
    if query.qclass not in (CLASS_IN, CLASS_ANY):
        return REFUSED
    if datagram and query.qtype == rd.AXFR:
        return NOTIMP
    origin = query.name.lower()
    if origin not in view.zones:
        return NOTAUTH
    if query.qclass != CLASS_IN or not allowed:
        return REFUSED
    return SERVFAIL if origin in view.expired else NOERROR


def denial(edns: Edns | None, rcode: int) -> bytes:
    """Our OPT record in a reply that denies something, with the reason."""
    return b"" if edns is None else write_opt(edns.dnssec, rcode, extended_error(_REASONS[rcode]))


def transfer_reply(
    packet: bytes, query: Query, zone: PinnedZone, limit: int | None, opt: bytes
) -> bytes | Iterator[bytes]:
    """The messages of an AXFR or IXFR of `zone`; one message of at most `limit` octets where
    that is a number, for IXFR over UDP. `opt` is the OPT record in each."""
    serial = 0
    if query.qtype == rd.IXFR:
        try:
            serial = client_serial(packet)
        except WireError:
            return error_reply(packet, FORMERR, opt)
    question = packet[12 : query.end]
    if limit is not None:
        return ixfr_datagram(query.id, question, serial, zone, limit, opt)
    if query.qtype == rd.AXFR:
        return axfr_messages(query.id, question, zone, opt)
    return ixfr_messages(query.id, question, serial, zone, opt)
