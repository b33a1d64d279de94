"""From a packet's octets to its reply's, for one transport: the fast paths, then everything else.

The packet cache is keyed by the query after its identifier and is right for exactly one version
of the store and one set of expired zones; nothing in it depends on who asked.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Iterator
from typing import Any

from zonecast.errors import WireError
from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.answer_query import CLASS_ANY, CLASS_IN, answer_query
from zonecast.protocol.edns import write_opt
from zonecast.protocol.message import Query, error_reply, is_request, read_query
from zonecast.protocol.notify import notify_reply, parse_notify
from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import (
    FORMERR,
    NOERROR,
    NOTAUTH,
    NOTIMP,
    OPCODE_MASK,
    OPCODE_NOTIFY,
    REFUSED,
    SERVFAIL,
)
from zonecast.protocol.transfer_out import axfr_messages, ixfr_datagram, ixfr_messages
from zonecast.protocol.tsig import Failure, Signer, has_tsig, verify
from zonecast.server.answering.pinned import PinnedZone
from zonecast.server.answering.rules import Rules
from zonecast.store.reader import Snapshot
from zonecast.zone import names
from zonecast.zone import rdata as rd

# What the packet cache holds at most, in octets of queries and replies; and the longest of each
# worth keeping.
CACHE_OCTETS = 32 * 1024 * 1024
CACHE_QUERY = 320
CACHE_REPLY = 4096

# NOTIFYs passed on in one second; more are not answered, so that an honest sender comes again.
NOTIFY_RATE = 1000

_TSIG_MARK = b"\x00\xfa\x00\xff"  # type TSIG, class ANY: in every packet that has one

Reply = bytes | Iterator[bytes] | None


class Responder:
    """Answers packets from the Snapshot given to `use`.

    `client_ip` makes an IP address in text of whatever the transport hands over as a client.
    `report` takes messages for the controller: NOTIFYs received and faults. `cache` has replies
    after the identifier by queries after theirs, right for the version in use.
    """

    def __init__(
        self,
        rules: Rules,
        report: Callable[[dict[str, Any]], None],
        client_ip: Callable[[Any], str],
        *,
        datagram: bool,
    ) -> None:
        self.rules = rules
        self._report = report
        self._client_ip = client_ip
        self._datagram = datagram
        self.cache: dict[bytes, bytes] = {}
        self._cached = 0
        self._notifies = 0
        self._notify_second = 0
        self._number = -1
        self._expired: frozenset[bytes] | None = None
        self._faults: set[str] = set()

    def use(self, view: Snapshot) -> None:
        """Answer from this version from now on."""
        self._view = view
        expired = view.expired
        if view.number != self._number or (
            expired is not self._expired and expired != self._expired
        ):
            self.cache.clear()
            self._cached = 0
            self._number = view.number
            self._expired = expired

    def reply(self, packet: bytes, client: Any) -> Reply:
        """The reply; an iterator for a transfer over a stream; None for silence.

        Never raises: what goes wrong inside is reported once and answered with SERVFAIL.
        """
        known = self.cache.get(packet[2:])
        if known is not None:
            return packet[:2] + known
        try:
            exact = exact_match(packet, self._view, self._datagram)
            if exact is not None:
                self._remember(packet, exact)
                return exact
            return self._unusual(packet, client) if is_request(packet) else None
        except Exception as error:  # noqa: BLE001 - no packet may end a worker
            self.fault(error)
            return error_reply(packet, SERVFAIL) if is_request(packet) else None

    def _remember(self, packet: bytes, reply: bytes) -> None:
        if len(packet) <= CACHE_QUERY and len(reply) <= CACHE_REPLY:
            self._cached += len(packet) + len(reply)
            if self._cached > CACHE_OCTETS:
                self.cache.clear()
                self._cached = 0
            self.cache[packet[2:]] = reply[2:]

    def fault(self, error: Exception) -> None:
        """Report an unexpected exception, the first time it comes from its place."""
        place = traceback.format_exception(error)[-2:]
        if place[0] not in self._faults:
            self._faults.add(place[0])
            self._report({"fault": "".join(traceback.format_exception(error))})

    def _unusual(self, packet: bytes, client: Any) -> Reply:
        if _TSIG_MARK in packet and has_tsig(packet):
            verified = verify(packet, self.rules.keys, time.time())
            if isinstance(verified, Failure):
                return verified.reply(packet)
            key, signer = verified.key.name, verified.signer
            return _signed(self._by_opcode(verified.message, client, key, signer), signer)
        return self._by_opcode(packet, client, None, None)

    def _by_opcode(
        self, packet: bytes, client: Any, key: bytes | None, signer: Signer | None
    ) -> Reply:
        opcode = (packet[2] << 8) & OPCODE_MASK
        if opcode == OPCODE_NOTIFY:
            return self._notify(packet, client, key)
        if opcode:
            return error_reply(packet, NOTIMP)
        try:
            query = read_query(packet)
        except WireError:
            return error_reply(packet, FORMERR)
        known_edns = query.edns is None or not query.edns.version
        if query.qtype in (rd.AXFR, rd.IXFR) and known_edns:
            return self._transfer(packet, query, client, key, signer)
        room = 0 if signer is None else signer.room
        reply = answer_query(packet, query, self._view, self._datagram, room)
        if signer is None:
            self._remember(packet, reply)
        return reply

    def _notify(self, packet: bytes, client: Any, key: bytes | None) -> bytes | None:
        """Answered at once and passed on; the controller decides what it is good for."""
        try:
            notify = parse_notify(packet)
        except WireError:
            return error_reply(packet, FORMERR)
        ip = self._client_ip(client)
        if not self.rules.access.may_notify(ip, key):
            return error_reply(packet, REFUSED)
        second = int(time.monotonic())
        if second != self._notify_second:
            self._notify_second, self._notifies = second, 0
        self._notifies += 1
        if self._notifies > NOTIFY_RATE:
            return None
        self._report(
            {
                "notify": {
                    "zone": names.to_text(notify.origin.lower()),
                    "serial": notify.serial,
                    "address": ip,
                    "key": None if key is None else names.to_text(key),
                }
            }
        )
        return notify_reply(packet)

    def _transfer(
        self, packet: bytes, query: Query, client: Any, key: bytes | None, signer: Signer | None
    ) -> Reply:
        """AXFR and IXFR (RFC 5936, RFC 1995): denied by default, AXFR over streams only."""
        opt = b"" if query.edns is None else write_opt(query.edns.dnssec)
        refused = self._refuse_transfer(query, client, key)
        if refused:
            return error_reply(packet, refused, opt)
        serial = 0
        if query.qtype == rd.IXFR:
            try:
                serial = client_serial(packet)
            except WireError:
                return error_reply(packet, FORMERR, opt)
        zone = PinnedZone(self._view, self._view.zones[query.name.lower()])
        question = packet[12 : query.end]
        if self._datagram:
            limit = 512 if query.edns is None else query.edns.limit
            limit -= 0 if signer is None else signer.room
            return ixfr_datagram(query.id, question, serial, zone, limit, opt)
        if query.qtype == rd.AXFR:
            return axfr_messages(query.id, question, zone, opt)
        return ixfr_messages(query.id, question, serial, zone, opt)

    def _refuse_transfer(self, query: Query, client: Any, key: bytes | None) -> int:
        """The RCODE that denies this transfer; NOERROR to go ahead."""
        if query.qclass not in (CLASS_IN, CLASS_ANY):
            return REFUSED
        if self._datagram and query.qtype == rd.AXFR:
            return NOTIMP
        origin = query.name.lower()
        if origin not in self._view.zones:
            return NOTAUTH
        allowed = self.rules.access.may_transfer(self._client_ip(client), key)
        if query.qclass != CLASS_IN or not allowed:
            return REFUSED
        return SERVFAIL if origin in self._view.expired else NOERROR


def _signed(reply: Reply, signer: Signer) -> Reply:
    """The reply with each of its messages signed at the time it goes out."""
    if reply is None:
        return None
    if isinstance(reply, bytes):
        return signer.sign(reply, time.time())
    return (signer.sign(message, time.time()) for message in reply)
