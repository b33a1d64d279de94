"""A packet's reply, for one transport: what `quick` leaves over is read, verified and answered by
what it asks for."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from zonecast.errors import WireError
from zonecast.protocol.access import Shown
from zonecast.protocol.answer_query import Extras, answer_query
from zonecast.protocol.chaos import CLASS_CHAOS, chaos_reply
from zonecast.protocol.cookies import CLIENT_OCTETS, Verdict
from zonecast.protocol.edns import (
    BADCOOKIE,
    BADVERS,
    PLAIN_SIZE,
    Asked,
    read_options,
    write_opt,
)
from zonecast.protocol.message import Query, error_reply, is_request, read_edns, read_query
from zonecast.protocol.sections import (
    FORMERR,
    NOERROR,
    NOTIMP,
    OPCODE_MASK,
    OPCODE_NOTIFY,
)
from zonecast.protocol.tsig import TSIG_MARK, Failure, Signer, has_tsig, verify
from zonecast.server.answering.guard import packed
from zonecast.server.answering.notified import Notified
from zonecast.server.answering.pinned import PinnedZone
from zonecast.server.answering.quick import Quick, Reply
from zonecast.server.answering.rules import Rules
from zonecast.server.answering.transferring import (
    denial,
    refuse_transfer,
    transfer_reply,
)
from zonecast.zone import rdata as rd

_NOTHING = Asked()


class Responder(Quick):
    """Answers any packet.

    `client_ip` makes an IP address in text of whatever the transport hands over as a client, and
    `client` a packed one, for transports that have it so. `report` takes messages for the
    controller: NOTIFYs received and faults. `encrypted`: it is over TLS, where `shown` gives the
    certificate that a client showed.
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
        super().__init__(report, client or (lambda of: packed(client_ip(of))), datagram=datagram)
        self._encrypted = encrypted
        self.rules = rules
        self._client_ip = client_ip
        self._shown = shown
        self._notified = Notified(report)

    @property
    def rules(self) -> Rules:
        """The configuration; what was answered under another one is forgotten."""
        return self._rules

    @rules.setter
    def rules(self, rules: Rules) -> None:
        self._rules = rules
        self._requires_cookies = self._datagram and rules.site.require_cookies
        self._set_up(rules.site, encrypted=self._encrypted)

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

    def _unusual(self, packet: bytes, client: Any) -> Reply:
        if TSIG_MARK in packet and has_tsig(packet):
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
        if opcode:
            return self._no_query(packet, opcode, client, key)
        try:
            query = read_query(packet)
        except WireError:
            return self._bare(packet, client) or error_reply(packet, FORMERR)
        edns = query.edns
        asked = _NOTHING
        if edns is not None and edns.options:
            try:
                asked = read_options(edns.options)
            except WireError:
                if not edns.version:
                    return error_reply(packet, FORMERR, write_opt(edns.dnssec))
            if edns.version:
                asked = Asked(padding=asked.padding)  # how long BADVERS is tells nobody anything
        if query.qtype in (rd.AXFR, rd.IXFR) and (edns is None or not edns.version):
            return self._transfer(packet, query, asked, client, key, signer)
        return self._answer(packet, query, asked, client, signer)

    def _no_query(self, packet: bytes, opcode: int, client: Any, key: bytes | None) -> bytes | None:
        """The reply to a NOTIFY; NOTIMP for UPDATE and what else is no query. The version of EDNS
        is looked at first, as for queries (RFC 6891 §6.1.3)."""
        try:
            edns = read_edns(packet)
        except WireError:
            return error_reply(packet, FORMERR if opcode == OPCODE_NOTIFY else NOTIMP)
        if edns is not None and edns.version:
            return error_reply(packet, BADVERS)
        if opcode == OPCODE_NOTIFY:
            return self._notified.reply(packet, self._client_ip(client), key, self._rules.access)
        return error_reply(packet, NOTIMP, denial(edns, NOTIMP))

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
            self.cache.keep(packet[2:], reply)
        return reply

    def _bare(self, packet: bytes, client: Any) -> bytes | None:
        """The reply to who asks for a cookie and nothing else (RFC 7873 §5.4); None for others."""
        try:
            edns = None if packet[4:6] != b"\0\0" else read_edns(packet)
            if edns is None:
                return None
            if edns.version:
                return error_reply(packet, BADVERS)
            asked = read_options(edns.options)
        except WireError:
            return None
        verdict = self._judge(asked, client)
        if verdict is None:
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
        among = self._view.audience(query.name.lower())
        allowed = self._rules.access.may_transfer(ip, key, self._shown(client), among)
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
