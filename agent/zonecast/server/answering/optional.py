"""What our OPT records say besides the answer: cookie, identity, keepalive, expiry, padding.

One for each transport, as these options mean different things over each.
"""

from __future__ import annotations

from zonecast.protocol.cookies import Cookies, Verdict
from zonecast.protocol.edns import (
    EXPIRE,
    KEEPALIVE,
    NSID,
    Asked,
    option,
)
from zonecast.protocol.message import Query
from zonecast.server.answering.rules import Site
from zonecast.store.reader import Snapshot
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import soa_timers

_TO_TRANSFER = (rd.SOA, rd.AXFR, rd.IXFR)


class Optional:
    """The options of one transport: over datagrams there is no connection to keep, and only what
    is `encrypted` is padded."""

    def __init__(self, site: Site, *, datagram: bool, encrypted: bool) -> None:
        self.site = site
        require = datagram and site.require_cookies
        self.cookies = Cookies(site.cookie_secrets, require=require)
        self._encrypted = encrypted
        self._idle = b"" if datagram else option(KEEPALIVE, _tenths(site.idle))

    def answers(self, asked: Asked, verdict: Verdict | None) -> bytes:
        """The options that do not depend on the zone."""
        found = b"" if verdict is None else verdict.option
        if asked.nsid and self.site.identity:
            found += option(NSID, self.site.identity)
        if asked.keepalive:
            found += self._idle
        return found

    def expiry(self, asked: Asked, query: Query, view: Snapshot, now: float) -> bytes:
        """EXPIRE, in seconds (RFC 7314 §3): on a secondary what is left until the zone expires
        here, on a primary what its SOA says."""
        origin = query.name.lower()
        zone = view.zones.get(origin)
        if not asked.expire or query.qtype not in _TO_TRANSFER or zone is None:
            return b""
        if origin in view.expired:
            return b""
        deadline = view.expires_at(origin)
        seconds = soa_timers(view.soa(zone).rdatas[0])[2]
        if deadline is not None:
            seconds = max(0, min(seconds, int(deadline - now)))
        return option(EXPIRE, seconds.to_bytes(4, "big"))

    def pads(self, asked: Asked) -> bool:
        """Whether the answer is padded: the query was, and only who can read it sees how."""
        return asked.padding and self._encrypted


def _tenths(seconds: float) -> bytes:
    """A timeout as RFC 7828 §3.1 counts it."""
    return min(int(seconds * 10), 0xFFFF).to_bytes(2, "big")
