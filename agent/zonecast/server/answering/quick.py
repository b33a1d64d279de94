"""From a packet's octets to its reply's without reading the query: what is remembered, and what
`exact_match` finds.

The packet cache is keyed by the query after its identifier and is right for exactly one version
of the store, one set of expired zones and one configuration; nothing in it depends on who asked.
A query that has a COOKIE option and no other is answered from there too: as if it had none, and the
cookie put into the reply's OPT record. So is one whose name is in another case.
"""

from __future__ import annotations

import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.cookies import COOKIE_OCTETS
from zonecast.protocol.edns import PLAIN_SIZE, UDP_SIZE
from zonecast.protocol.message import error_reply, is_request
from zonecast.protocol.sections import SERVFAIL
from zonecast.protocol.tsig_record import TSIG_MARK
from zonecast.server.answering.optional import Optional
from zonecast.server.answering.packet_cache import PLACES, PacketCache
from zonecast.server.answering.rules import Site
from zonecast.server.answering.transferring import Outgoing
from zonecast.store.reader import Snapshot

# An OPT record's rdata of one COOKIE option, up to its value, with the length of both: with a
# server cookie of RFC 9018, and with the client's part alone.
_WHOLE_COOKIE = b"\x00\x1c\x00\x0a\x00\x18"
_CLIENT_COOKIE = b"\x00\x0c\x00\x0a\x00\x08"
_OPT_HEAD = b"\x00\x00\x29"
_TRANSFERS = (b"\x00\xfb", b"\x00\xfc")
_EMPTY = b"\x00\x00"
_ONE = b"\x00\x01"
_STREAM_SIZE = 65535
_SHORTEST = 17  # a header and a question

Reply = bytes | Outgoing | None


class Quick(ABC):
    """Answers packets from the Snapshot given to `use`; `unusual` answers what is left.

    `client` makes a packed IP address of whatever the transport hands over as a client: of a
    datagram, the slot of its packet in the batch. `report` takes messages for the controller.
    `cache` has replies after the identifier by queries after theirs, right for the version in use;
    `_cookieless` the same of queries that had a whole cookie, both without it and its option's head.
    """

    def __init__(
        self,
        report: Callable[[dict[str, Any]], None],
        client: Callable[[Any], bytes],
        *,
        datagram: bool,
    ) -> None:
        self.cache = PacketCache()
        self._cookieless = PacketCache()
        self._report = report
        self._client = client
        self._datagram = datagram
        self._now = 0.0
        self._used: Snapshot | None = None
        self._number = -1
        self._expired: frozenset[bytes] | None = None
        self._faults: set[str] = set()

    def _set_up(self, site: Site, *, encrypted: bool) -> None:
        """What the server says of itself from now on; what was answered before is forgotten."""
        self._optional = Optional(site, datagram=self._datagram, encrypted=encrypted)
        self._cookies = self._optional.cookies
        self._forget()

    def _forget(self) -> None:
        self.cache.forget()
        self._cookieless.forget()

    def use(self, view: Snapshot) -> None:
        """Answer from this version from now on."""
        self._now = time.time()
        self._cookies.refresh(self._now)
        if view is self._used:
            return
        self._used = self._view = view
        expired = view.expired
        if view.number != self._number or (
            expired is not self._expired and expired != self._expired
        ):
            self._forget()
            self._number = view.number
            self._expired = expired

    def replies(self, packets: Sequence[bytes]) -> list[bytes | None]:
        """The replies to one batch of datagrams, by slot; None for silence.

        What most packets are is dealt with here, without a call between: a query that came before,
        but for its cookie, or one in lower case, without EDNS, for what `exact_match` finds."""
        cache, view = self.cache, self._view
        known, came = cache.get, cache.came
        bare, rdatas, client = self._cookieless.get, self._cookies.answers.get, self._client
        found: list[bytes | None] = []
        marked = 0
        for packet in packets:
            query = packet[2:]
            body = known(query)
            if body is not None:
                found.append(packet[:2] + body)
                continue
            if packet[-30:-24] == _WHOLE_COOKIE:
                body = bare(packet[2:-30])
                if body is not None:
                    rdata = rdatas(packet[-24:] + client(len(found)))
                    if rdata is not None:
                        found.append(packet[:2] + body + rdata)
                        continue
            elif query[8:10] == _EMPTY and query.islower():
                try:
                    exact = exact_match(packet, view, True)
                except Exception as error:  # noqa: BLE001 - no packet may end a worker
                    self.fault(error)
                    exact = None
                if exact is not None:
                    place = hash(query) % PLACES
                    if came[place]:
                        cache.keep(query, exact)
                    else:
                        came[place] = 1
                        marked += 1
                    found.append(exact)
                    continue
            reply = self.reply(packet, len(found))
            found.append(reply if isinstance(reply, bytes) else None)
        cache.noted(marked)
        return found

    def reply(self, packet: bytes, client: Any) -> Reply:
        """The reply; Outgoing for a transfer over a stream; None for silence.

        Never raises: what goes wrong inside is reported once and answered with SERVFAIL.
        """
        try:
            if packet[11:12] == b"\x01":
                reply = None
                if packet[-30:-24] == _WHOLE_COOKIE:
                    reply = self._with_cookie(packet[:-30] + _EMPTY, packet[-24:], client)
                elif packet[-14:-8] == _CLIENT_COOKIE:
                    reply = self._with_cookie(packet[:-14] + _EMPTY, packet[-8:], client)
                if reply is not None:
                    return reply
            # A datagram worker has looked into the cache for the packet itself.
            known = None if self._datagram else self.cache.get(packet[2:])
            if known is not None:
                return packet[:2] + known
            if not packet[12:].islower():
                body = self._body(packet, client)
                if body is not None:
                    return packet[:2] + body
            exact = exact_match(packet, self._view, self._datagram)
            if exact is not None:
                self.cache.offer(packet[2:], exact)
                return exact
            return self._unusual(packet, client) if is_request(packet) else None
        except Exception as error:  # noqa: BLE001 - no packet may end a worker
            self.fault(error)
            return error_reply(packet, SERVFAIL) if is_request(packet) else None

    def _with_cookie(self, plain: bytes, cookie: bytes, client: Any) -> bytes | None:
        """The reply to a query whose last octets look like an OPT record with one option,
        `cookie`: what `plain`, the same without the option, gets, and the cookie. None for the
        slow path."""
        address = self._client(client)
        rdata = self._cookies.answers.get(cookie + address)
        if rdata is None:
            rdata = self._cookies.answer(cookie, address, self._now)
            if rdata is None:
                return None
        body = self._body(plain, client)
        if body is None:
            return None
        # An extended error in the OPT record has no zeros at its end: the slow path puts both in.
        size = len(body) + 30
        if body[-2:] != _EMPTY or (size > PLAIN_SIZE and size > self._limit(plain)):
            return None
        whole = plain[:2] + body[:-2]
        if len(cookie) == COOKIE_OCTETS:
            self._cookieless.offer(plain[2:-2], whole)
        return whole + rdata

    def _body(self, plain: bytes, client: Any) -> bytes | None:
        """What follows the identifier in the reply to a query that has nothing but its question
        or, after that, an OPT record without options. None for any other query, and for one whose
        reply is not kept.

        Replies are kept for names in lower case: nothing in them but the question depends on the
        case of its name, and many resolvers make up another one for each query."""
        end = len(plain)
        if end > 11 and plain[11]:
            end -= 11
        if end < _SHORTEST:
            return None
        key = plain[2:12] + plain[12 : end - 4].lower() + plain[end - 4 :]
        # What is there was such a query: its name ends where this one's does.
        body = self.cache.get(key)
        if body is None:
            body = self._kept(plain[:2] + key, end, client)
            if body is None:
                return None
        return body[:10] + plain[12:end] + body[end - 2 :]

    def _kept(self, plain: bytes, end: int, client: Any) -> bytes | None:
        """As `_body`, for a name in lower case; the question ends at `end`."""
        if plain[2] & 0xF8 or plain[end - 4 : end - 2] in _TRANSFERS or TSIG_MARK in plain:
            return None
        if plain[10:12] != _EMPTY and (
            plain[10:12] != _ONE or plain[end : end + 3] != _OPT_HEAD or plain[-2:] != _EMPTY
        ):
            return None
        reply = exact_match(plain, self._view, self._datagram)
        if reply is None:
            self._unusual(plain, client)
            return self.cache.get(plain[2:])
        self.cache.offer(plain[2:], reply)
        return reply[2:]

    def _limit(self, plain: bytes) -> int:
        """The longest reply to a query that ends in an OPT record without options."""
        if not self._datagram:
            return _STREAM_SIZE
        return max(PLAIN_SIZE, min(plain[-8] << 8 | plain[-7], UDP_SIZE))

    def fault(self, error: Exception) -> None:
        """Report an unexpected exception, the first time it comes from its place."""
        place = traceback.format_exception(error)[-2:]
        if place[0] not in self._faults:
            self._faults.add(place[0])
            self._report({"fault": "".join(traceback.format_exception(error))})

    @abstractmethod
    def _unusual(self, packet: bytes, client: Any) -> Reply:
        """The reply to a request that is none of these, or is to be looked at closer."""
