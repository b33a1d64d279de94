"""From a packet's octets to its reply's, for one transport: the fast paths, then everything else.

The packet cache is keyed by the query after its identifier and is right for exactly one version
of the store, one set of expired zones and one configuration; nothing in it depends on who asked.
A query that has a COOKIE option and no other is answered from there too: as if it had none, and the
cookie put into the reply's OPT record. So is one whose name is in another case.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any

from zonecast.errors import WireError
from zonecast.protocol.access import Shown
from zonecast.protocol.answer_exact import exact_match
from zonecast.protocol.answer_query import Extras, answer_query
from zonecast.protocol.chaos import CLASS_CHAOS, chaos_reply
from zonecast.protocol.cookies import CLIENT_OCTETS, Verdict
from zonecast.protocol.edns import (
    BADCOOKIE,
    PLAIN_SIZE,
    UDP_SIZE,
    Asked,
    read_options,
    write_opt,
)
from zonecast.protocol.message import Query, error_reply, is_request, read_bare, read_query
from zonecast.protocol.sections import (
    FORMERR,
    NOERROR,
    NOTIMP,
    OPCODE_MASK,
    OPCODE_NOTIFY,
    SERVFAIL,
)
from zonecast.protocol.tsig import Failure, Signer, has_tsig, verify
from zonecast.server.answering.guard import packed
from zonecast.server.answering.notified import Notified
from zonecast.server.answering.optional import Optional
from zonecast.server.answering.packet_cache import PLACES, PacketCache
from zonecast.server.answering.pinned import PinnedZone
from zonecast.server.answering.rules import Rules
from zonecast.server.answering.transferring import (
    Outgoing,
    denial,
    refuse_transfer,
    transfer_reply,
)
from zonecast.store.reader import Snapshot
from zonecast.zone import rdata as rd

_TSIG_MARK = b"\x00\xfa\x00\xff"  # type TSIG, class ANY: in every packet that has one

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
_NOTHING = Asked()

Reply = bytes | Outgoing | None


class Responder:
    """Answers packets from the Snapshot given to `use`.

    `client_ip` makes an IP address in text of whatever the transport hands over as a client, and
    `client` a packed one, for transports that have it so.
    `report` takes messages for the controller: NOTIFYs received and faults. `cache` has replies
    after the identifier by queries after theirs, right for the version in use. `encrypted`: it
    is over TLS, where `shown` gives the certificate that a client showed.
    """

    def __init__(
        self,
        rules: Rules,
        report: Callable[[dict[str, Any]], None],
        client_ip: Callable[[Any], str],
        *,
        datagram: bool,
        client: Callable[[Any], bytes] | None = None,
        encrypted: bool = False,
        shown: Callable[[Any], Shown | None] = lambda _: None,
    ) -> None:
        self.cache = PacketCache()
        self._datagram = datagram
        self._transport: dict[str, Any] = {"datagram": datagram, "encrypted": encrypted}
        self.rules = rules
        self._report = report
        self._client_ip = client_ip
        self._shown = shown
        self._client = client or (lambda of: packed(client_ip(of)))
        self._notified = Notified(report)
        self._now = 0.0
        self._used: Snapshot | None = None
        self._number = -1
        self._expired: frozenset[bytes] | None = None
        self._faults: set[str] = set()

    @property
    def rules(self) -> Rules:
        """The configuration; what was answered under another one is forgotten."""
        return self._rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._rules = rules
        self._optional = Optional(rules.site, **self._transport)
        self._cookies = self._optional.cookies
        self._requires_cookies = self._datagram and rules.site.require_cookies
        self.cache.forget()

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
            self.cache.forget()
            self._number = view.number
            self._expired = expired

    def replies(self, packets: Sequence[bytes]) -> list[bytes | None]:
        """The replies to one batch of datagrams, by slot; None for silence.

        What most packets are is dealt with here, without a call between: a query that came before,
        or one in lower case, without EDNS, for what `exact_match` finds."""
        cache, view = self.cache, self._view
        known, came = cache.get, cache.came
        found: list[bytes | None] = []
        marked = 0
        for packet in packets:
            query = packet[2:]
            body = known(query)
            if body is not None:
                found.append(packet[:2] + body)
                continue
            if query.islower() and query[8:10] == _EMPTY:
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

    def has_cookie(self, packet: bytes, client: Any) -> bool:
        """Whether the query has a server cookie that we gave to this client, so that its address
        is not forged."""
        if not self._cookies.enabled or b"\x00\x0a\x00" not in packet or not is_request(packet):
            return False
        try:
            edns = read_query(packet).edns
            asked = Asked() if edns is None else read_options(edns.options)
        except WireError:
            return False
        verdict = self._judge(asked, client)
        return verdict is not None and verdict.valid

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
        return plain[:2] + body[:-2] + rdata

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
        if plain[2] & 0xF8 or plain[end - 4 : end - 2] in _TRANSFERS or _TSIG_MARK in plain:
            return None
        if plain[10:12] != _EMPTY and (
            plain[10:12] != _ONE or plain[end : end + 3] != _OPT_HEAD or plain[-2:] != _EMPTY
        ):
            return None
        reply = exact_match(plain, self._view, self._datagram)
        if reply is None:
            self.cache.expect(plain[2:])
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
            return self._notified.reply(packet, self._client_ip(client), key, self._rules.access)
        try:
            query = read_query(packet)
        except WireError:
            if opcode:
                return error_reply(packet, NOTIMP)
            return self._bare(packet, client) or error_reply(packet, FORMERR)
        edns = query.edns
        if opcode:
            return error_reply(packet, NOTIMP, denial(edns, NOTIMP))
        asked = _NOTHING
        if edns is not None and edns.options and not edns.version:
            try:
                asked = read_options(edns.options)
            except WireError:
                return error_reply(packet, FORMERR, write_opt(edns.dnssec))
        if query.qtype in (rd.AXFR, rd.IXFR) and (edns is None or not edns.version):
            return self._transfer(packet, query, asked, client, key, signer)
        return self._answer(packet, query, asked, client, signer)

    def _answer(
        self, packet: bytes, query: Query, asked: Asked, client: Any, signer: Signer | None
    ) -> bytes:
        edns, site, optional = query.edns, self._rules.site, self._optional
        verdict = self._judge(asked, client)
        if self._requires_cookies and verdict is not None and not verdict.valid:
            assert edns is not None
            opt = write_opt(edns.dnssec, BADCOOKIE, verdict.option)
            return error_reply(packet, BADCOOKIE, opt)
        options = optional.answers(asked, verdict)
        reply = None
        if query.qclass == CLASS_CHAOS and (edns is None or not edns.version):
            reply = chaos_reply(packet, query, site.identity, site.version, options)
        if reply is None:
            options += optional.expiry(asked, query, self._view, self._now)
            pads = signer is None and optional.pads(asked)
            room = 0 if signer is None else signer.room
            extras = Extras(options, asked.zone_version, pads, site.awaited)
            reply = answer_query(packet, query, self._view, self._datagram, room, extras)
        # With options a reply may be this client's alone. What is kept ends with its question or
        # with an OPT record, and no question is mistaken for one (class 0).
        rest = len(packet) - query.end
        if signer is None and (rest == 11 if edns is not None else not rest and query.qclass):
            self.cache.offer(packet[2:], reply)
        return reply

    def _bare(self, packet: bytes, client: Any) -> bytes | None:
        """The reply to who asks for a cookie and nothing else (RFC 7873 §5.4); None for others."""
        try:
            edns = read_bare(packet)
            options = b"" if edns is None or edns.version else edns.options
            asked = read_options(options)
        except WireError:
            return None
        verdict = self._judge(asked, client)
        if edns is None or verdict is None:
            return None
        known = verdict.valid or asked.cookie is None or len(asked.cookie) == CLIENT_OCTETS
        rcode = NOERROR if known else BADCOOKIE
        return error_reply(packet, rcode, write_opt(edns.dnssec, rcode, verdict.option))

    def _judge(self, asked: Asked, client: Any) -> Verdict | None:
        """What the query's cookie is worth; None without one, or where there is no secret."""
        if asked.cookie is None or not self._cookies.enabled:
            return None
        return self._cookies.judge(asked.cookie, self._client(client), self._now)

    def _transfer(
        self,
        packet: bytes,
        query: Query,
        asked: Asked,
        client: Any,
        key: bytes | None,
        signer: Signer | None,
    ) -> Reply:
        """AXFR and IXFR (RFC 5936, RFC 1995): denied by default, AXFR over streams only."""
        ip = self._client_ip(client)
        allowed = self._rules.access.may_transfer(ip, key, self._shown(client))
        refused = refuse_transfer(query, self._view, allowed, self._datagram)
        if refused:
            return error_reply(packet, refused, denial(query.edns, refused))
        opt = b""
        if query.edns is not None:
            options = self._optional.answers(asked, self._judge(asked, client))
            options += self._optional.expiry(asked, query, self._view, self._now)
            opt = write_opt(query.edns.dnssec, 0, options)
        zone = PinnedZone(self._view, self._view.zones[query.name.lower()])
        limit = None
        if self._datagram:
            limit = PLAIN_SIZE if query.edns is None else query.edns.limit
            limit -= 0 if signer is None else signer.room
        return transfer_reply(packet, query, zone, limit, opt, key)


def _signed(reply: Reply, signer: Signer) -> Reply:
    """The reply with each of its messages signed at the time it goes out."""
    if reply is None:
        return None
    if isinstance(reply, bytes):
        return signer.sign(reply, time.time())
    return reply.signed(lambda message: signer.sign(message, time.time()))
