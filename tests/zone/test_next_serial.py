"""The next serial, by every policy and from every start."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zone_support import TOP, read

from zonecast.zone.changeset import diff
from zonecast.zone.findings import Finding
from zonecast.zone.gate import serial_findings
from zonecast.zone.serial import (
    HALF,
    MODULUS,
    Policy,
    greatest,
    is_greater,
    is_incomparable,
    next_serial,
)

SERIALS = st.integers(0, MODULUS - 1)
POLICIES: list[Policy] = ["increment", "date", "unixtime"]
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC).timestamp()


@given(SERIALS, st.lists(st.integers(0, 2**30), max_size=3), st.sampled_from(POLICIES))
def test_it_is_above_all_that_it_must_be_above(
    lowest: int, steps: list[int], policy: Policy
) -> None:
    """Pitfall: the next serial is greater, by RFC 1982, than the greatest of what the file says,
    what was last published and what is served; and it fits into 32 bits."""
    above = [lowest, *((lowest + step) % MODULUS for step in steps)]
    serial = next_serial(above, policy, NOON)
    assert 0 < serial < MODULUS, "zero is skipped, 32 bits do not overflow"
    assert is_greater(serial, greatest(above) or 0) or greatest(above) == MODULUS - 1
    # All of them lie within a quarter of the circle, unless the policy's own number is far ahead.
    if policy == "increment":
        assert all(is_greater(serial, each) for each in above)


@pytest.mark.parametrize(
    ("policy", "last", "expected"),
    [
        ("date", 2026112000, 2026112100),
        ("date", 2026112100, 2026112101),
        ("date", 2026112199, 2026112200),
        ("date", 2026112200, 2026112201),
        ("unixtime", 2026112201, 2026112202),
        ("increment", 2026112202, 2026112203),
        ("unixtime", 1700000000, int(NOON)),
        ("unixtime", int(NOON), int(NOON) + 1),
    ],
)
def test_a_policy_whose_number_is_not_higher_counts_on(
    policy: Policy, last: int, expected: int
) -> None:
    """Pitfall: date serials past nn = 99 go on with + 1 into the next day's numbers, and a later
    policy whose value is not higher falls back to + 1 (date → unixtime goes down)."""
    assert next_serial([last], policy, NOON) == expected


@given(SERIALS, SERIALS)
def test_the_order_is_partial(one: int, other: int) -> None:
    """Pitfall: at a distance of 2³¹ neither serial is greater; at any other distance one is."""
    ways = is_greater(one, other) + is_greater(other, one)
    assert ways == (0 if one == other or is_incomparable(one, other) else 1)
    assert is_incomparable(one, (one + HALF) % MODULUS)
    assert is_greater((one + HALF - 1) % MODULUS, one)


@given(SERIALS, st.integers(2, HALF))
def test_the_way_down_is_up(start: int, down: int) -> None:
    """Pitfall: the legal wrap procedure, for which exactly + 2³¹ − 1 is allowed: that far up, and
    from there, once every secondary has it, to the target; straight down is refused."""
    target = (start - down) % MODULUS
    furthest = (start + HALF - 1) % MODULUS
    straight = [found.id for found in _step(start, target)]
    assert straight == ["serial-undefined-step" if down == HALF else "serial-backwards"]
    assert _step(start, furthest) == []
    assert _step(furthest, target) == []


def _step(old: int, new: int) -> list[Finding]:
    zones = [read(TOP.replace("2026112101", str(serial))) for serial in (old, new)]
    return serial_findings(diff(zones[0].zone, zones[1].zone), zones[1])
