"""DNS cookies (RFC 7873) as RFC 9018 makes them, so that servers of any kind behind one address
take each other's: version 1, SipHash-2-4.

Answers are kept for a short while, because most queries of one client carry the same cookie; one
that does not verify is looked at anew each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from hmac import compare_digest
from typing import NamedTuple

from siphash24 import siphash24  # type: ignore[import-not-found]

from zonecast.protocol.edns import COOKIE, option
from zonecast.protocol.prefixes import plain

SECRET_OCTETS = 16
CLIENT_OCTETS = 8
COOKIE_OCTETS = 24  # client and server cookie

# Seconds: how old, and how far ahead of our clock, a server cookie may be, and from which age on
# the client gets a new one (RFC 9018 §4.3).
MAX_AGE = 3600
MAX_AHEAD = 300
RENEW_AGE = 1800

# Seconds for which an answer to a cookie is kept, and how many are: some megabytes.
KEPT = 60.0
MAX_KEPT = 32768

_VERSION = b"\x01\x00\x00\x00"  # and three reserved octets


class Verdict(NamedTuple):
    """Whether a client's server cookie is one of ours, the COOKIE option to answer with, and
    until when, POSIX seconds, both stay right."""

    valid: bool
    option: bytes
    until: float


class Cookies:
    """The server's side, with 16-octet `secrets`: the first makes cookies, all verify them.

    `answers` has, by cookie and packed address, the rdata with its length of an OPT record that
    answers the cookie and has no other option; `refresh` keeps it right. With `require` there are
    none in it for cookies that do not verify."""

    def __init__(self, secrets: Sequence[bytes], *, require: bool = False) -> None:
        self._secrets = tuple(secrets)
        self._require = require
        self._until = 0.0
        self.answers: dict[bytes, bytes] = {}

    @property
    def enabled(self) -> bool:
        """Whether there is a secret; without one the option is ignored."""
        return bool(self._secrets)

    def refresh(self, now: float) -> None:
        """Forget `answers` that may be wrong at `now`."""
        if now >= self._until:
            self.answers.clear()
            self._until = now + KEPT

    def answer(self, cookie: bytes, address: bytes, now: float) -> bytes | None:
        """The rdata, with its length, of an OPT record that answers a cookie from an IP address,
        packed; None where cookies are ignored or this one gets BADCOOKIE."""
        if not self._secrets:
            return None
        verdict = self.judge(cookie, address, now)
        if self._require and not verdict.valid:
            return None
        alone = len(verdict.option).to_bytes(2, "big") + verdict.option
        # One made up is no reason to forget another.
        known = verdict.valid or len(cookie) == CLIENT_OCTETS
        if known and verdict.until >= self._until and len(self.answers) < MAX_KEPT:
            self.answers[cookie + address] = alone
        return alone

    def judge(self, cookie: bytes, address: bytes, now: float) -> Verdict:
        """The verdict on a COOKIE option's value from an IP address, packed."""
        # What other servers hash, whose sockets are not for both families (RFC 9018 §4.4).
        address = plain(address)
        client, server = cookie[:CLIENT_OCTETS], cookie[CLIENT_OCTETS:]
        made = int.from_bytes(server[4:8], "big")
        # Serial number arithmetic, as RFC 9018 §4.3 wants it, for the years after 2106.
        age = (int(now) - made + 0x80000000) % 0x100000000 - 0x80000000
        timely = len(cookie) == COOKIE_OCTETS and -MAX_AHEAD <= age <= MAX_AGE
        by = self._made_by(client, server, address) if timely and server[0] == 1 else None
        if by == 0 and age <= RENEW_AGE:
            return Verdict(True, option(COOKIE, cookie), now + RENEW_AGE - age)
        start = _VERSION + (int(now) & 0xFFFFFFFF).to_bytes(4, "big")
        fresh = client + start + _hash(self._secrets[0], client + start + address)
        until = now + (RENEW_AGE if by is None else MAX_AGE - age)
        return Verdict(by is not None, option(COOKIE, fresh), until)

    def _made_by(self, client: bytes, server: bytes, address: bytes) -> int | None:
        """Which secret made this server cookie."""
        hashed = client + server[:8] + address
        for number, secret in enumerate(self._secrets):
            if compare_digest(_hash(secret, hashed), server[8:]):
                return number
        return None


def _hash(secret: bytes, octets: bytes) -> bytes:
    digest: bytes = siphash24(octets, key=secret).digest()
    return digest
