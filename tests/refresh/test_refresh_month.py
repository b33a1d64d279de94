"""A month of refresh, retry and expire, across restarts, to the second, in milliseconds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from zonecast.protocol.refresh import Expire, Poll, Refresh, Timers, Transfer, Wait
from zonecast.zone.serial import is_greater

T0 = 1_700_000_000.0
HOUR = 3600.0
DAY = 86400.0
MONTH = T0 + 30 * DAY
TIMERS = Timers(7200, 900, int(3 * DAY))


@dataclass
class Server:
    """Whom a secondary asks: its serial, when it answers, and its EXPIRE at a time, if it says."""

    serial: int = 1
    outages: tuple[tuple[float, float], ...] = ()
    expire: Callable[[float], int | None] = lambda now: None

    def is_up(self, now: float) -> bool:
        return not any(start <= now < end for start, end in self.outages)


@dataclass
class Secondary:
    """One zone's machine, driven by its own deadlines alone. `restarts` says at which steps the
    process ends and comes back with what was kept; `off` is when there is no process at all."""

    servers: list[Server]
    seed: int = 0
    restarts: float = 0.0
    off: tuple[float, float] | None = None
    timers: Timers = TIMERS
    machine: Refresh = field(default_factory=lambda: Refresh(T0))
    trace: list[tuple[float, str]] = field(default_factory=list)
    now: float = T0

    def __post_init__(self) -> None:
        self.jitter = random.Random(self.seed)
        self.chance = random.Random(self.seed + 1000)

    def times(self, *what: str) -> list[float]:
        return [at for at, did in self.trace if did in what]

    def until(self, end: float) -> Secondary:
        """Go on to a moment."""
        for _ in self.steps(end):
            pass
        return self

    def steps(self, end: float) -> Iterator[float]:
        """The same step by step: yields the moment of the next one."""
        while True:
            if self.chance.random() < self.restarts:
                self.restart()
            action = self.machine.act(self.now)
            if isinstance(action, Wait):
                assert action.until is not None, "nothing is under way"
                if action.until > end:
                    self.now = end
                    return
                yield action.until
                self.now = action.until
                if self.off is not None and self.off[0] <= self.now < self.off[1]:
                    self.now = self.off[1]
                    self.restart()
            elif isinstance(action, Expire):
                self.trace.append((self.now, "expire"))
            else:
                self.ask(action)

    def restart(self) -> None:
        kept = json.loads(json.dumps(self.machine.to_dict()))
        self.machine = Refresh.from_dict(kept, self.now)
        assert self.machine.to_dict() == kept

    def ask(self, action: Poll | Transfer) -> None:
        machine, jitter = self.machine, self.jitter.random()
        self.trace.append((self.now, "poll" if isinstance(action, Poll) else "transfer"))
        up = [server for server in self.servers if server.is_up(self.now)]
        newest = next(
            (s for s in up if machine.serial is None or is_greater(s.serial, machine.serial)), None
        )
        if not up:
            machine.failed(self.now, jitter, "no answer")
        elif newest is None:
            expires = [server.expire(self.now) for server in up]
            said = [seconds for seconds in expires if seconds is not None]
            machine.unchanged(self.now, jitter, max(said) if len(said) == len(expires) else None)
        elif isinstance(action, Poll):
            machine.newer()
        else:
            option = newest.expire(self.now)
            machine.transferred(newest.serial, self.timers, self.now, jitter, option)
        if self.trace[-1][1] != "expire" and machine.trouble is None and machine.expires_at:
            self.trace.append((self.now, "well"))


def intervals(times: list[float]) -> list[float]:
    return [later - earlier for earlier, later in pairwise(times)]


@pytest.mark.parametrize("restarts", [0.0, 0.3])
def test_a_calm_month_has_the_polls_that_refresh_and_jitter_make(restarts: float) -> None:
    counts = set()
    for seed in range(20):
        secondary = Secondary([Server()], seed, restarts).until(MONTH)
        pauses = intervals(secondary.times("transfer", "poll"))
        assert all(0.9 * 7200 < pause <= 7200 for pause in pauses)
        assert 360 <= len(pauses) <= 400
        assert sum(pauses) / len(pauses) == pytest.approx(0.95 * 7200, rel=0.01), "spread evenly"
        assert secondary.times("expire") == []
        counts.add(secondary.times("poll")[100])
    assert len(counts) == 20, "no two zones poll in step"


def test_restarts_change_nothing_at_all() -> None:
    """The same month with a restart at every other step: each poll, expiry and recovery at the
    same moment, to the last bit."""
    outages = ((T0 + 5 * DAY, T0 + 6 * DAY), (T0 + 10 * DAY, T0 + 14 * DAY))
    for seed in range(10):
        plain = Secondary([Server(outages=outages)], seed).until(MONTH)
        restarted = Secondary([Server(outages=outages)], seed, 0.5).until(MONTH)
        assert restarted.trace == plain.trace
        assert len(plain.times("expire")) == 1


@pytest.mark.parametrize("restarts", [0.0, 0.3])
def test_expiry_is_exact_and_recovery_comes_by_itself(restarts: float) -> None:
    down, up = T0 + 10 * DAY + 1234.5, T0 + 14 * DAY
    for seed in range(20):
        server = Server(outages=((down, up),))
        secondary = Secondary([server], seed, restarts).until(MONTH)
        last_well = max(at for at in secondary.times("well") if at < down)
        (expired,) = secondary.times("expire")
        assert expired == last_well + 3 * DAY
        first_well = min(at for at in secondary.times("well") if at >= up)
        assert 0 <= first_well - up <= TIMERS.retry
        assert not secondary.machine.expired
        assert secondary.machine.serial == 1, "the data was kept"
        failing = [at for at in secondary.times("poll") if down <= at < up]
        assert all(0.9 * 900 < pause <= 900 for pause in intervals(failing)), "expired or not"
        calm = (30 - 4) * DAY / 7200
        assert calm <= len(secondary.times("poll")) - len(failing) <= calm / 0.9 + 3


def test_a_deadline_that_passed_while_nothing_ran_is_met_at_the_start() -> None:
    down = T0 + 10 * DAY
    server = Server(outages=((down, MONTH),))
    secondary = Secondary([server], off=(down + DAY, down + 5 * DAY)).until(MONTH)
    assert secondary.times("expire") == [down + 5 * DAY], "before anything is answered"
    short = Secondary([server], off=(down + DAY, down + 2 * DAY)).until(MONTH)
    last_well = max(short.times("well"))
    assert short.times("expire") == [last_well + 3 * DAY], "time that passed without us counts"


def test_a_month_without_a_primary_from_the_start() -> None:
    """Pauses double from a second to a quarter of an hour, less jitter; no try too many."""
    server = Server(outages=((T0, T0 + 20 * DAY),))
    secondary = Secondary([server], 1, 0.2).until(MONTH)
    tries = [at for at in secondary.times("transfer") if at < T0 + 20 * DAY]
    pauses = intervals(tries)
    for pause, most in zip(pauses, [2.0**n for n in range(10)], strict=False):
        assert 0.9 * most < pause <= most
    assert all(0.9 * 900 < pause <= 900 for pause in pauses[10:])
    assert 20 * DAY / 900 <= len(tries) <= 20 * DAY / 810 + 11
    (first,) = [at for at in secondary.times("transfer") if at >= T0 + 20 * DAY]
    assert first - (T0 + 20 * DAY) <= 900
    assert secondary.times("expire") == [], "what is not there does not expire"


def test_tiny_timers_hammer_nobody_and_huge_ones_do_not_sleep() -> None:
    tiny = Secondary([Server()], timers=Timers(0, 0, 0)).until(T0 + HOUR)
    assert HOUR / 2 <= len(tiny.times("poll")) <= HOUR / 1.8 + 1
    down = Server(outages=((T0 + 60, T0 + HOUR),))
    failing = Secondary([down], timers=Timers(0, 0, 0)).until(T0 + HOUR)
    assert len(failing.times("poll")) <= HOUR / 0.9 + 60
    huge = Secondary([Server()], timers=Timers(2**31, 2**31, 2**31)).until(T0 + 60 * DAY)
    assert 2 <= len(huge.times("poll")) <= 3


def test_changes_arrive_with_the_next_poll_whether_told_or_not() -> None:
    """A primary that changes now and then and tells of a change three times out of four: who was
    told has it at once, who was not with the next refresh."""
    for seed in range(5):
        rng = random.Random(seed)
        server = Server()
        secondary = Secondary([server], seed, 0.1)
        for number in range(60):
            change = T0 + number * DAY / 2 + HOUR + rng.random() * 8 * HOUR
            secondary.until(change)
            server.serial += 1
            told = rng.random() < 0.75
            if told:
                assert secondary.machine.notified(server.serial, change)
            before = len(secondary.times("transfer"))
            # A check may just have been made: then the next follows after the gap for NOTIFYs.
            secondary.until(change + (0.25 if told else TIMERS.refresh))
            assert secondary.machine.serial == server.serial
            assert len(secondary.times("transfer")) == before + 1
        secondary.until(MONTH)
        assert len(secondary.times("transfer")) == 61


def of(secondary: Secondary) -> Callable[[float], int | None]:
    """EXPIRE as a secondary says it to those who pull from it."""

    def expire(now: float) -> int | None:
        assert secondary.machine.expires_at is not None
        return max(0, int(secondary.machine.expires_at - now))

    return expire


def drive(secondaries: list[Secondary], end: float) -> None:
    """Run them together, each step in its time."""
    running = {n: secondary.steps(end) for n, secondary in enumerate(secondaries)}
    due = {n: next(steps) for n, steps in running.items()}
    while due:
        number = min(due, key=lambda n: due[n])
        try:
            due[number] = next(running[number])
        except StopIteration:
            del due[number]


class Peer(Server):
    """A secondary as another one asks it: it serves what it has, unless it has expired."""

    def __init__(self, secondary: Secondary, *, says: bool) -> None:
        super().__init__(expire=of(secondary) if says else lambda now: None)
        self.secondary = secondary

    def is_up(self, now: float) -> bool:
        machine = self.secondary.machine
        self.serial = machine.serial or 0
        return machine.serial is not None and not machine.expired


@pytest.mark.parametrize("says", [True, False], ids=["with EXPIRE", "without"])
@pytest.mark.parametrize("restarts", [0.0, 0.3])
def test_two_that_pull_from_each_other_expire_by_their_primarys_last_word(
    restarts: float, says: bool
) -> None:
    """Pitfall: without EXPIRE they would keep each other alive for ever."""
    down, up = T0 + 10 * DAY, T0 + 20 * DAY
    primary = Server(outages=((down, up),), expire=lambda now: int(3 * DAY) if says else None)
    first, second = Secondary([primary], 1, restarts), Secondary([primary], 2, restarts)
    first.servers.append(Peer(second, says=says))
    second.servers.append(Peer(first, says=says))
    drive([first, second], MONTH)
    if not says:
        assert first.times("expire") == second.times("expire") == []
        return
    # A primary that is up is asked as well, so what it said last is what both live on.
    last_word = max(at for s in (first, second) for at in s.times("well") if at < down)
    for secondary in (first, second):
        (expired,) = secondary.times("expire")
        assert last_word + 3 * DAY - 2 * TIMERS.refresh <= expired <= last_word + 3 * DAY
        back = min(at for at in secondary.times("well") if at >= up)
        assert back - up <= TIMERS.retry
        assert not secondary.machine.expired


def test_a_chain_of_secondaries_outlives_its_head_nowhere() -> None:
    down = T0 + 10 * DAY
    chain = [Secondary([Server(outages=((down, MONTH),), expire=lambda now: int(3 * DAY))], 0)]
    for seed in range(1, 5):
        chain.append(Secondary([Peer(chain[-1], says=True)], seed, 0.2))
    drive(chain, MONTH)
    last_word = max(at for at in chain[0].times("well"))
    expired = [secondary.times("expire")[-1] for secondary in chain]
    assert expired[0] == last_word + 3 * DAY
    assert all(at <= expired[0] for at in expired)
    assert all(secondary.machine.expired for secondary in chain)
