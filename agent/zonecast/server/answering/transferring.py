"""The answer to a transfer query that is allowed, over whatever transport it came."""

from __future__ import annotations

from collections.abc import Iterator

from zonecast.errors import WireError
from zonecast.protocol.message import Query, error_reply
from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import FORMERR
from zonecast.protocol.transfer_out import axfr_messages, ixfr_datagram, ixfr_messages
from zonecast.server.answering.pinned import PinnedZone
from zonecast.zone import rdata as rd


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
