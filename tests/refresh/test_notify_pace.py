"""Tens of thousands of zones at once are no burst, and one that is silent is not flooded."""

from __future__ import annotations

from heapq import heappop, heappush

import pytest

from zonecast.protocol.convergence import AT_ONCE, SILENT_PAUSES, Convergence, Step

T0 = 1000.0
ZONES = [b"\x06z%05d\x00" % number for number in range(20_000)]
LATE = 1.5


class Simulation:
    """A secondary in simulated time: it answers after `delay` seconds, from `alive_at` on."""

    def __init__(self, rate: float, delay: float, alive_at: float = T0) -> None:
        self.course = Convergence(rate)
        self.delay = delay
        self.alive_at = alive_at
        self.sent: list[tuple[float, Step]] = []
        self.has: dict[bytes, int] = {}
        self.most_under_way = 0
        self._answers: list[tuple[float, bool, Step]] = []

    def run(self, until: float) -> None:
        """Go on until then, or until it has everything."""
        now = T0
        while len(self.course):
            times = [entry[0] for entry in self._answers[:1]]
            deadline = self.course.deadline()
            times += [] if deadline is None else [deadline]
            now = max(now, min(times))
            if now > until:
                return
            while self._answers and self._answers[0][0] <= now:
                _, alive, step = heappop(self._answers)
                self._answer(alive, step, now)
            for step in self.course.due(now):
                self.sent.append((now, step))
                alive = now >= self.alive_at
                heappush(self._answers, (now + (self.delay if alive else LATE), alive, step))
            self.most_under_way = max(self.most_under_way, len(self._answers))
        self.now = now

    def _answer(self, alive: bool, step: Step, now: float) -> None:
        if not alive:
            self.course.failed(step, now, silent=True)
        elif step.notify:
            self.has[step.origin] = step.serial
            self.course.answered(step, now)
        else:
            self.course.seen(step, self.has.get(step.origin, 0), now)

    def most_in_a_second(self, *, notify: bool) -> int:
        times = [at for at, step in self.sent if step.notify == notify]
        most = start = 0
        for end, at in enumerate(times):
            while at - times[start] >= 1.0:
                start += 1
            most = max(most, end - start + 1)
        return most


@pytest.mark.parametrize(("rate", "delay"), [(500, 0.0005), (500, 0.08), (50, 0.001)])
def test_twenty_thousand_zones_are_told_at_the_rate_and_no_faster(rate: int, delay: float) -> None:
    zones = ZONES if rate == 500 else ZONES[:2000]
    simulation = Simulation(rate, delay)
    for origin in zones:
        simulation.course.announce(origin, 7, T0)
    simulation.run(T0 + 10_000)
    assert simulation.has == dict.fromkeys(zones, 7)
    for notify in (True, False):
        assert simulation.most_in_a_second(notify=notify) <= rate + AT_ONCE
    assert simulation.most_under_way <= 2 * AT_ONCE
    # As fast as that allows: what is under way bounds it where answers take long.
    bound = len(zones) / min(rate, AT_ONCE / delay)
    assert simulation.now - T0 < 1.3 * bound + 1


def test_one_that_is_silent_gets_a_message_now_and_then_whatever_the_number_of_zones() -> None:
    simulation = Simulation(500, 0.001, alive_at=T0 + 3600)
    for origin in ZONES:
        simulation.course.announce(origin, 7, T0)
    simulation.run(T0 + 3600)
    assert simulation.course.silent
    assert len(simulation.sent) <= 2 * AT_ONCE + len(SILENT_PAUSES) + 3600 / SILENT_PAUSES[-1]
    first = simulation.sent[: 2 * AT_ONCE + 3]
    assert first[-1][0] - T0 < 10, "it is asked again soon at first"
    simulation.run(T0 + 4000)
    assert simulation.has == dict.fromkeys(ZONES, 7)
    back = [at for at, _ in simulation.sent if at >= T0 + 3600]
    assert back[0] - (T0 + 3600) <= SILENT_PAUSES[-1]
    assert simulation.most_in_a_second(notify=True) <= 500 + AT_ONCE, "nor a burst when it is back"


def test_a_lost_datagram_is_no_silence_where_others_are_answered() -> None:
    course = Convergence(500)
    course.announce(ZONES[0], 1, T0)
    course.announce(ZONES[1], 1, T0)
    lost, answered = course.due(T0)
    course.answered(answered, T0 + 0.1)
    course.failed(lost, T0 + LATE, silent=True)
    assert not course.silent


def test_news_for_one_that_is_silent_is_tried_soon() -> None:
    simulation = Simulation(500, 0.001, alive_at=T0 + 10_000)
    simulation.course.announce(ZONES[0], 1, T0)
    simulation.run(T0 + 600)
    simulation.course.announce(ZONES[1], 1, T0 + 600)
    simulation.run(T0 + 610)
    assert any(T0 + 600 <= at <= T0 + 600 + LATE + SILENT_PAUSES[0] for at, _ in simulation.sent)
