"""DNS cookies (RFC 7873) as RFC 9018 makes them, so that servers of any kind behind one address
take each other's: version 1, SipHash-2-4.

A client's answer to "who are you?" is cached, bounded, because most queries of one client carry
the same cookie; a cookie that does not verify is looked at anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import NamedTuple

from siphash24 import siphash24  # type: ignore[import-not-found]

from zonecast.protocol.edns import COOKIE, option

SECRET_OCTETS = 16
CLIENT_OCTETS = 8
COOKIE_OCTETS = 24  # client and server cookie

# Seconds: how old, and how far ahead of our clock, a server cookie may be, and from which age on
# the client gets a new one (RFC 9018 §4.3); how long one that we made is given to who asks again.
MAX_AGE = 3600
MAX_AHEAD = 300
RENEW_AGE = 1800
KEPT = 600.0

# Clients remembered: some ten megabytes.
MAX_CLIENTS = 16384

_VERSION = b"\x01\x00\x00\x00"  # and three reserved octets


class Verdict(NamedTuple):
    """What a client's cookie is worth at `address`, packed, until `until`, POSIX seconds: whether its
    server cookie is one of ours, and the COOKIE option to answer with; `alone` is the rdata, with
    its length, of an OPT record that has no other option."""

    address: bytes
    until: float
    valid: bool
    option: bytes
    alone: bytes


class Cookies:
    """The server's side, with 16-octet `secrets`: the first makes cookies, all verify them.
    `known` has verdicts by cookie, some of them out of date or another address's."""

    def __init__(self, secrets: Sequence[bytes]) -> None:
        self._secrets = tuple(secrets)
        self.known: dict[bytes, Verdict] = {}

    @property
    def enabled(self) -> bool:
        """Whether there is a secret; without one the option is ignored."""
        return bool(self._secrets)

    def judge(self, cookie: bytes, address: bytes, now: float) -> Verdict:
        """The verdict on a COOKIE option's value from an IP address, packed."""
        known = self.known.get(cookie)
        if known is not None and known.until > now and known.address == address:
            return known
        verdict = self._judge(cookie, address, now)
        if verdict.valid or len(cookie) == CLIENT_OCTETS:
            if len(self.known) >= MAX_CLIENTS:
                self.known.clear()
            self.known[cookie] = verdict
        return verdict

    def _judge(self, cookie: bytes, address: bytes, now: float) -> Verdict:
        client, server = cookie[:CLIENT_OCTETS], cookie[CLIENT_OCTETS:]
        made = int.from_bytes(server[4:8], "big")
        # Serial number arithmetic, as RFC 9018 §4.3 wants it, for the years after 2106.
        age = (int(now) - made + 0x80000000) % 0x100000000 - 0x80000000
        timely = len(cookie) == COOKIE_OCTETS and -MAX_AHEAD <= age <= MAX_AGE
        by = self._made_by(client, server, address) if timely and server[0] == 1 else None
        if by == 0 and age <= RENEW_AGE:
            return _verdict(address, now + RENEW_AGE - age, True, cookie)
        start = _VERSION + (int(now) & 0xFFFFFFFF).to_bytes(4, "big")
        fresh = client + start + _hash(self._secrets[0], client + start + address)
        until = now + (KEPT if by is None else min(KEPT, MAX_AGE - age))
        return _verdict(address, until, by is not None, fresh)

    def _made_by(self, client: bytes, server: bytes, address: bytes) -> int | None:
        """Which secret made this server cookie."""
        hashed = client + server[:8] + address
        for number, secret in enumerate(self._secrets):
            if compare_digest(_hash(secret, hashed), server[8:]):
                return number
        return None


def _verdict(address: bytes, until: float, valid: bool, cookie: bytes) -> Verdict:
    octets = option(COOKIE, cookie)
    return Verdict(address, until, valid, octets, len(octets).to_bytes(2, "big") + octets)


def _hash(secret: bytes, octets: bytes) -> bytes:
    digest: bytes = siphash24(octets, key=secret).digest()
    return digest
