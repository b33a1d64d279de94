"""Serial numbers: RFC 1982 arithmetic and the ways to choose the next one.

The order is partial: of two serials at a distance of exactly 2**31 neither is greater, and such
a step is refused by name. A step of 2**31 - 1 is the greatest legal one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal

BITS = 32
MODULUS = 1 << BITS
HALF = 1 << (BITS - 1)

Policy = Literal["increment", "date", "unixtime"]


def is_greater(new: int, old: int) -> bool:
    """Whether `new` is greater than `old` (RFC 1982 §3.2); False where the order is undefined."""
    return 0 < (new - old) % MODULUS < HALF


def is_incomparable(new: int, old: int) -> bool:
    """Whether the two stand at the distance for which RFC 1982 §3.2 defines no order."""
    return (new - old) % MODULUS == HALF


def greatest(serials: Iterable[int]) -> int | None:
    """The greatest by RFC 1982; where two do not compare, the numerically greater."""
    best: int | None = None
    for serial in serials:
        if best is None or is_greater(serial, best):
            best = serial
        elif is_incomparable(serial, best):
            best = max(serial, best)
    return best


def next_serial(above: Iterable[int], policy: Policy, now: float) -> int:
    """The next serial, greater than every one in `above`, by `policy` at `now` (POSIX seconds).

    Where the policy's own number is not greater (a date serial past nn = 99, unixtime after
    date), it is the greatest + 1. Zero is skipped: some secondaries take it for "none".
    """
    base = greatest(above)
    candidate = _candidate(policy, now)
    if candidate is not None and (base is None or is_greater(candidate, base)):
        return candidate
    if base is None:
        return 1
    return (base + 1) % MODULUS or 1


def _candidate(policy: Policy, now: float) -> int | None:
    if policy == "date":
        return int(datetime.fromtimestamp(now, UTC).strftime("%Y%m%d")) * 100
    if policy == "unixtime":
        return int(now) % MODULUS
    return None
