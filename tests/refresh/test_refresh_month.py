"""A month of two hundred zones under a primary that comes and goes, in well under a second."""

from __future__ import annotations

import random
from heapq import heapify, heappop, heappush

import pytest

from zonecast.protocol.refresh import Expire, Poll, Refresh, Timers, Transfer
from zonecast.zone.serial import is_greater

T0 = 1_700_000_000.0
DAY = 86400.0
TIMERS = Timers(7200, 900, int(3 * DAY))


class World:
    """A primary that is down for the last hours of some days, changes now and then, and tells
    of a change three times out of four."""

    def __init__(self, seed: int, outage: tuple[float, float]) -> None:
        self.random = random.Random(seed)
        self.outage = outage
        self.serial = 1
        self.changed_at = T0

    def is_up(self, now: float) -> bool:
        return not self.outage[0] <= now - T0 < self.outage[1]


@pytest.mark.parametrize("seed", range(3))
def test_a_month(seed: int) -> None:
    world = World(seed, (10 * DAY, 14 * DAY))
    machines = [Refresh(T0) for _ in range(20)]
    events: list[tuple[float, int, str]] = [(T0, n, "act") for n in range(len(machines))]
    changes = sorted(T0 + world.random.random() * 30 * DAY for _ in range(60))
    events += [(at, -1, "change") for at in changes]
    heapify(events)
    polls = [0] * len(machines)
    expired_at: dict[int, float] = {}
    back_at: dict[int, float] = {}
    restarts = 0
    while events and events[0][0] < T0 + 30 * DAY:
        now, number, kind = heappop(events)
        if kind == "change":
            world.serial += 1
            world.changed_at = now
            for told, machine in enumerate(machines):
                if world.is_up(now) and world.random.random() < 0.75:
                    machine.notified(world.serial, now)
                    heappush(events, (now, told, "act"))
            continue
        if world.random.random() < 0.002:
            machines[number] = Refresh.from_dict(machines[number].to_dict(), now)
            restarts += 1
        machine = machines[number]
        action = machine.act(now)
        was_expired = machine.expired
        jitter = world.random.random()
        if isinstance(action, Expire):
            expired_at[number] = now
            heappush(events, (now, number, "act"))
        elif isinstance(action, Poll):
            polls[number] += 1
            if not world.is_up(now):
                machine.failed(now, jitter, "down")
            elif machine.serial is not None and is_greater(world.serial, machine.serial):
                machine.newer()
            else:
                machine.unchanged(now, jitter)
            heappush(events, (now, number, "act"))
        elif isinstance(action, Transfer):
            if world.is_up(now):
                machine.transferred(world.serial, TIMERS, now, jitter)
            else:
                machine.failed(now, jitter, "down")
            heappush(events, (now, number, "act"))
        elif action.until is not None:
            heappush(events, (action.until, number, "act"))
        if was_expired and not machine.expired:
            back_at[number] = now
        # Never later than refresh or, after a failure, retry: that is what convergence means.
        if machine.serial != world.serial and world.is_up(now) and not machine.failures:
            assert now - max(world.changed_at, T0) <= TIMERS.refresh
        assert machine.expired or machine.serial is None or now <= machine.expires_at  # type: ignore[operator]
    assert restarts > 5
    assert all(300 < count < 1500 for count in polls), polls
    for number in range(len(machines)):
        down = expired_at[number] - T0 - 10 * DAY
        assert 3 * DAY - TIMERS.refresh <= down <= 3 * DAY, "three days after the last good answer"
        assert 0 <= back_at[number] - T0 - 14 * DAY <= TIMERS.retry, "and back with the next retry"
