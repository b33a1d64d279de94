"""The answer to a transfer query, over whatever transport it came, and why there is none."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import chain

from zonecast.errors import WireError
from zonecast.protocol.answer_query import CLASS_ANY, CLASS_IN
from zonecast.protocol.edns import (
    EXTENDED_ERROR,
    INVALID_DATA,
    NOT_AUTHORITATIVE,
    NOT_SUPPORTED,
    PROHIBITED,
    Edns,
    extended_error,
    option,
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

# What an operator reads who finds REFUSED where a transfer is allowed: no code of RFC 8914 says it.
_OVER_THE_LIMIT = option(EXTENDED_ERROR, b"\x00\x00too many transfers at once")

Sign = Callable[[bytes], bytes]


class Outgoing:
    """A transfer over a stream: its messages, made when they are asked for, the name of the key by
    which it was asked for (None without), and the reply where it may not begin now."""

    def __init__(self, messages: Iterator[bytes], key: bytes | None, refusal: bytes) -> None:
        first, second = next(messages), next(messages, None)
        # Whether one message is all, so that it holds nothing and nobody up.
        self.is_small = second is None
        self.key = key
        self._messages = iter((first,)) if second is None else chain((first, second), messages)
        self._refusal = refusal
        self._sign: Sign = bytes

    def __iter__(self) -> Iterator[bytes]:
        return map(self._sign, self._messages)

    def signed(self, sign: Sign) -> Outgoing:
        """The same with each message signed when it is made."""
        self._sign = sign
        return self

    def refusal(self) -> bytes:
        """What is sent instead of all messages."""
        return self._sign(self._refusal)


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
    packet: bytes,
    query: Query,
    zone: PinnedZone,
    limit: int | None,
    opt: bytes,
    key: bytes | None = None,
) -> bytes | Outgoing:
    """An AXFR or IXFR of `zone`, asked for by the key of that name; one message of at most `limit`
    octets where that is a number, for IXFR over UDP. `opt` is the OPT record in each message."""
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
        messages = axfr_messages(query.id, question, zone, opt)
    else:
        messages = ixfr_messages(query.id, question, serial, zone, opt)
    edns = query.edns
    why = b"" if edns is None else write_opt(edns.dnssec, REFUSED, _OVER_THE_LIMIT)
    return Outgoing(messages, key, error_reply(packet, REFUSED, why))
