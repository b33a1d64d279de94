"""Who gets an answer, and how many: query access lists and response rate limiting.

Both look at a reply when it is ready to go out, wherever it came from, so that the packet cache
knows nothing of clients. A worker has a Guard only where one of them is configured.
"""

from __future__ import annotations

import mmap
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from zonecast.protocol.edns import COOKIE, split_options
from zonecast.protocol.message import error_reply
from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.query_lists import QueryLists
from zonecast.protocol.rate_limit import BUCKET_FORMAT, BUCKET_OCTETS, BUCKETS, RateLimit, Slip
from zonecast.protocol.sections import records
from zonecast.protocol.tsig import answers_signed
from zonecast.protocol.view import View
from zonecast.server.answering.permission import permitted, read_lists, refusal
from zonecast.zone import rdata as rd

_AA, _TC = 0x0400, 0x0200

# So many clients in a batch are looked at one by one instead of packet by packet.
_FEW = 4

# Seconds between two reports of what was counted.
REPORT_INTERVAL = 1.0

HasCookie = Callable[[bytes, Any], bool]


class Limits(NamedTuple):
    """[rate-limit] of the configuration; `allow` are prefixes that it does not touch, `table` the
    file in memory in which all workers count, `key` what hashes prefixes into it."""

    rate: int
    slip: int
    ipv4_prefix: int
    ipv6_prefix: int
    allow: Prefixes
    dry_run: bool
    key: bytes
    table: int


class Rulebook(NamedTuple):
    """What a Guard goes by; None for what is off."""

    queries: QueryLists | None
    limits: Limits | None


def read_rulebook(settings: dict[str, Any]) -> Rulebook:
    """The rules in a settings message."""
    limit = settings.get("rate-limit")
    limits = None
    if limit is not None:
        allow, key = Prefixes(limit["allow"]), bytes.fromhex(limit["key"])
        limits = Limits(**{**limit, "allow": allow, "key": key})
    return Rulebook(read_lists(settings.get("query")), limits)


class Guard:
    """Judges replies. `counts` is how often each thing was done since the last `report`."""

    def __init__(self, rulebook: Rulebook, report: Callable[[dict[str, Any]], None]) -> None:
        self._queries = rulebook.queries
        self._limits = limits = rulebook.limits
        self._rate: RateLimit | None = None
        if limits is not None:
            shared = mmap.mmap(limits.table, BUCKETS * BUCKET_OCTETS)
            self._rate = RateLimit(
                limits.rate,
                limits.ipv4_prefix,
                limits.ipv6_prefix,
                key=limits.key,
                table=memoryview(shared).cast(BUCKET_FORMAT),
            )
            self._slip = Slip(limits.slip)
        self._report = report
        self._reported = 0.0
        self.counts = {"refused": 0, "limited": 0, "slipped": 0}

    def batch(
        self,
        packets: Sequence[bytes],
        replies: list[bytes | None],
        client: Callable[[int], bytes],
        has_cookie: HasCookie,
        view: View,
    ) -> None:
        """Judge the replies to a batch of packets from `view`, in place; `client` gives the packed
        address that a slot's packet came from."""
        now = time.monotonic()
        addresses = [client(slot) for slot in range(len(replies))]
        if None not in replies and self._all_pass(addresses, now):
            self.report(now)
            return
        spend = None if self._rate is None else self._rate.spend
        for slot, reply in enumerate(replies):
            if reply is None:
                continue
            address = addresses[slot]
            if self._queries is not None:
                reply = self._permitted(packets[slot], reply, address, view, datagram=True)
                replies[slot] = reply
            if spend is not None and not spend(address, now):
                replies[slot] = self._over(packets[slot], reply, address, slot, has_cookie)
        self.report(now)

    def _all_pass(self, addresses: list[bytes], now: float) -> bool:
        """Whether everything goes to these addresses, whatever it is; it counts if so. A busy
        server's batch is mostly a few clients', and then this is all the work."""
        clients = set(addresses)
        lists = self._queries
        if len(clients) > _FEW:
            return False
        if lists is not None and not all(map(lists.allows_everything, clients)):
            return False
        if self._rate is None:
            return True
        if len(clients) > 1:
            return False  # what one has spent could not be taken back for another's sake
        return self._rate.spend(addresses[0], now, len(addresses))

    def single(self, packet: bytes, reply: bytes, client: str, view: View) -> bytes:
        """Judge the reply from `view` to one query over a stream, where no address is forged."""
        if self._queries is None:
            return reply
        judged = self._permitted(packet, reply, packed(client), view, datagram=False)
        self.report(time.monotonic())
        return judged

    def report(self, now: float) -> None:
        """Tell the controller what was counted, not more often than it wants to know."""
        if now - self._reported >= REPORT_INTERVAL and any(self.counts.values()):
            self._report({"guard": self.counts})
            self.counts = dict.fromkeys(self.counts, 0)
            self._reported = now

    def pause(self) -> int | None:
        """After how many milliseconds `report` has something to tell; None for never."""
        return int(REPORT_INTERVAL * 1000) + 1 if any(self.counts.values()) else None

    def _permitted(
        self, packet: bytes, reply: bytes, address: bytes, view: View, *, datagram: bool
    ) -> bytes:
        assert self._queries is not None
        found = permitted(packet, reply, address, self._queries, view, datagram=datagram)
        if found is None:
            self.counts["refused"] += 1
            return refusal(packet, reply)
        return found

    def _over(
        self, packet: bytes, reply: bytes, address: bytes, slot: int, has_cookie: HasCookie
    ) -> bytes | None:
        """What goes out instead of a reply over the limit: itself where the client is no forgery
        (RFC 7873 §5.2.5), a truncated one, or nothing."""
        assert self._limits is not None
        known = self._limits.allow.holds(address) or answers_signed(reply)
        if known or has_cookie(packet, slot):
            return reply
        self.counts["limited"] += 1
        slips = self._slip.truncates()
        self.counts["slipped"] += slips
        if self._limits.dry_run:
            return reply
        return _truncated(packet, reply) if slips else None


def packed(address: str) -> bytes:
    """An IP address in text as octets."""
    host = address.partition("%")[0]
    return socket.inet_pton(socket.AF_INET6 if ":" in host else socket.AF_INET, host)


def _truncated(packet: bytes, reply: bytes) -> bytes:
    """The question, AA and RCODE of a reply, and TC: so short that it is no amplification."""
    empty = error_reply(packet, reply[3] & 15, _opt(reply))
    (flags,) = struct.unpack_from(">H", empty, 2)
    flags |= _TC | (reply[2] << 8) & _AA
    return empty[:2] + struct.pack(">H", flags) + empty[4:]


def _opt(reply: bytes) -> bytes:
    """The reply's OPT record with no other option than its cookie, without which a client that
    sent one would not believe it (RFC 7873 §5.3)."""
    for record in records(reply):
        if record.rtype == rd.OPT:
            options = split_options(reply[record.rdata : record.end])
            rdata = b"".join(octets for code, octets in options if code == COOKIE)
            return reply[record.start : record.rdata - 2] + len(rdata).to_bytes(2, "big") + rdata
    return b""
