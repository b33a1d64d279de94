"""Response rate limiting: how many answers go to one client prefix in a second.

Whoever forges a victim's address is to get no amplifier. As in Knot all answers to a prefix count
alike, whatever they say: a table by answer (BIND's, NSD's) is got round by asking for many names.

The table has a fixed size, hashed by prefix, so no flood of addresses makes it grow. A bucket is
one number, the time until which its answers are *paid*: an answer moves it by 1/rate seconds, and
it may be at most a second ahead of the clock. Nothing has to be refilled or aged. Prefixes that
share a bucket share its rate; nobody can aim at another's, as Python keys its hash of octets
with a secret of each process.
"""

from __future__ import annotations

from array import array

from zonecast.protocol.prefixes import plain

# 1 MiB. With 10,000 prefixes at once one in thirteen shares its bucket.
BUCKETS = 1 << 17


class RateLimit:
    """At most `rate` answers a second to each prefix, and as many at once; `ipv4` and `ipv6` are
    prefix lengths. Time is that of any clock, in seconds, as long as it is the same one."""

    def __init__(self, rate: int, ipv4: int = 24, ipv6: int = 56) -> None:
        self._cost = 1 / rate
        # Half an answer's worth of leeway, so that rounding costs nobody an answer.
        self._ahead = 1 - self._cost / 2
        self._paid = array("d", bytes(8 * BUCKETS))
        self._ipv4 = _cut(ipv4)
        self._ipv6 = _cut(ipv6)

    def spend(self, address: bytes, now: float) -> bool:
        """Whether one more answer may go to a packed address now; it counts if so."""
        octets, mask = self._ipv4
        if len(address) != 4 and len(address := plain(address)) != 4:
            octets, mask = self._ipv6
        prefix = address[:octets]
        if mask:
            prefix = prefix[:-1] + bytes((prefix[-1] & mask,))
        bucket = hash(prefix) & (BUCKETS - 1)
        paid = self._paid[bucket]
        if paid < now:
            paid = now
        elif paid > now + self._ahead:
            return False
        self._paid[bucket] = paid + self._cost
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


def _cut(length: int) -> tuple[int, int]:
    """How many octets a prefix has, and the mask of the last of them, 0 where it is whole."""
    octets, bits = divmod(length, 8)
    return (octets + 1, 0xFF00 >> bits & 0xFF) if bits else (octets, 0)
