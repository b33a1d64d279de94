"""Response rate limiting: how many answers go to one client prefix in a second.

Whoever forges a victim's address is to get no amplifier. As in Knot all answers to a prefix count
alike, whatever they say: a table by answer (BIND's, NSD's) is got round by asking for many names.

The table has a fixed size, hashed by prefix, so no flood of addresses makes it grow. A bucket is
one number, the time until which its answers are *paid*: an answer moves it by 1/rate seconds, and
it may be at most a second ahead of the clock. Nothing has to be refilled or aged. Prefixes that
share a bucket share its rate; nobody can aim at another's, as the hash has a secret key.

Several processes may have one table, in memory that they share: the limit is that of all together.
Without a lock: where two count at the very same moment, one answer goes uncounted.
"""

from __future__ import annotations

from typing import Final

from zonecast.protocol.prefixes import plain

# 1 MiB. With 10,000 prefixes at once one in thirteen shares its bucket.
_BUCKET_BITS = 17
BUCKETS = 1 << _BUCKET_BITS
BUCKET_OCTETS = 8
BUCKET_FORMAT: Final = "d"

# Multiply-shift hashing (Dietzfelbinger and others, 1997): of two numbers, the chance over keys to
# share a bucket is 2 in BUCKETS.
KEY_OCTETS = 20
_SHIFT = 8 * KEY_OCTETS - _BUCKET_BITS
_MASK = BUCKETS - 1

_IPV6 = 1 << 128  # tells IPv6 prefixes from IPv4 ones


class RateLimit:
    """At most `rate` answers a second to each prefix, and as many at once; `ipv4` and `ipv6` are
    prefix lengths. Time is that of any clock, in seconds, as long as it is the same one. `key` are
    KEY_OCTETS, secret; `table` BUCKETS numbers, 0 at first, for who shares them."""

    def __init__(
        self,
        rate: int,
        ipv4: int = 24,
        ipv6: int = 56,
        *,
        key: bytes,
        table: memoryview[float] | None = None,
    ) -> None:
        self._cost = 1 / rate
        # Half an answer's worth of leeway, so that rounding costs nobody an answer.
        self._ahead = 1 - self._cost / 2
        if table is None:
            table = memoryview(bytearray(BUCKET_OCTETS * BUCKETS)).cast(BUCKET_FORMAT)
        self._paid = table
        self._key = int.from_bytes(key, "big") | 1
        self._ipv4 = 32 - ipv4
        self._ipv6 = 128 - ipv6

    def spend(self, address: bytes, now: float, answers: int = 1) -> bool:
        """Whether so many more answers may go to a packed address now; they count if so."""
        if len(address) == 4 or len(address := plain(address)) == 4:
            prefix = int.from_bytes(address, "big") >> self._ipv4
        else:
            prefix = int.from_bytes(address, "big") >> self._ipv6 | _IPV6
        bucket = prefix * self._key >> _SHIFT & _MASK
        paid = self._paid[bucket]
        if paid < now:
            paid = now
        cost = answers * self._cost
        if paid + cost > now + self._ahead + self._cost:
            return False
        self._paid[bucket] = paid + cost
        return True


class Slip:
    """Every `slip`-th answer over the limit goes out truncated, so that an honest client comes
    again over TCP; 0: none does."""

    def __init__(self, slip: int) -> None:
        self._slip = slip
        self._over = 0

    def truncates(self) -> bool:
        """Whether the next answer over the limit is to be truncated instead of dropped."""
        self._over += 1
        return self._slip > 0 and self._over % self._slip == 0
