"""What one secondary has still to be told (RFC 1996) and to be seen serving, sans-IO.

Of each zone that changed it is sent a NOTIFY, again with growing pauses until it answers one, and
is asked for the SOA until that has the serial wanted: a NOTIFY's answer only says that it arrived.
A newer version takes the place of one not told yet. NOTIFYs and SOA queries each have a lane that
bounds how many are under way at once and how many go out in a second, so that tens of thousands of
zones are no burst.

One that says nothing at all is *silent*: then a single message at a time goes out, with growing
pauses, whatever the number of zones, until an answer comes; then everything goes on.

`now` is seconds of a clock that never goes back.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import NamedTuple

# Seconds from a NOTIFY that failed to the next: doubled from the first to the last.
FIRST_PAUSE = 1.0
LAST_PAUSE = 900.0
# Seconds from one look at what it serves to the next; the last repeats until it has caught up.
LOOKS = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 2.0, 5.0, 5.0, 10.0, 10.0, 15.0, 30.0)
# After so many looks it is told again: a NOTIFY may have been answered and then forgotten.
LOOKS_TO_TELL_AGAIN = 10
# Seconds between messages to one that is silent; the last repeats.
SILENT_PAUSES = (0.5, 1.0, 2.0, 2.0, 5.0, 5.0, 5.0, 10.0, 10.0, 10.0, 30.0, 60.0)
# Messages of one kind that are under way at once, and that may go out together: what a secondary's
# socket holds even where its buffer is small.
AT_ONCE = 16
# A lane that has used up its rate waits so many seconds, for some messages to go together.
GRAIN = 0.02
# What a bucket may lack of a whole message: times are rounded.
_ROUNDING = 1e-6


class Step(NamedTuple):
    """One message to send now: a NOTIFY with `serial`, or else a query for the SOA."""

    notify: bool
    origin: bytes
    serial: int


class Pace:
    """So many a second, and no more than AT_ONCE together after a pause."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._most = max(1.0, min(rate, AT_ONCE))
        self._left = self._most
        self._at = 0.0

    def take(self, now: float) -> bool:
        """Whether one more may go now; then it counts."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1.0 - _ROUNDING:
            return False
        self._left -= 1.0
        return True

    def ready(self) -> float:
        """When some may go."""
        if self._left >= 1.0 - _ROUNDING:
            return 0.0
        wanted = max(1.0, min(self._most, self._rate * GRAIN))
        return self._at + (wanted - self._left) / self._rate


class _Lane:
    """Messages of one kind: when each zone's is due, and which are under way, since when."""

    def __init__(self, rate: float) -> None:
        self.due: dict[bytes, float] = {}
        self.under_way: dict[bytes, float] = {}
        self._heap: list[tuple[float, bytes]] = []
        self._pace = Pace(rate)

    def put(self, origin: bytes, at: float) -> None:
        self.due[origin] = at
        heappush(self._heap, (at, origin))

    def first(self) -> float | None:
        """When the next is due, those aside that were put elsewhere or dropped."""
        while self._heap:
            at, origin = self._heap[0]
            if self.due.get(origin) == at and origin not in self.under_way:
                return at
            heappop(self._heap)
        return None

    def pop(self, now: float) -> bytes:
        _, origin = heappop(self._heap)
        del self.due[origin]
        self.under_way[origin] = now
        return origin

    def portion(self, now: float) -> Iterator[bytes]:
        """What goes out now."""
        while len(self.under_way) < AT_ONCE:
            first = self.first()
            if first is None or first > now or not self._pace.take(now):
                return
            yield self.pop(now)

    def deadline(self) -> float | None:
        first = self.first()
        if first is None or len(self.under_way) >= AT_ONCE:
            return None
        return max(first, self._pace.ready())

    def came_back(self, origin: bytes, now: float) -> float:
        """The message is no longer under way; since when it was. What was put meanwhile is due."""
        since = self.under_way.pop(origin, now)
        if origin in self.due:
            self.put(origin, self.due[origin])
        return since

    def hurry(self, now: float) -> None:
        """Everything is due."""
        for origin, at in self.due.items():
            if at > now:
                self.put(origin, now)


@dataclass(slots=True)
class _Zone:
    serial: int
    tellings: int = 0
    looks: int = 0


class Convergence:
    """One secondary. `rate` bounds NOTIFYs and, by themselves, SOA queries in a second."""

    def __init__(self, rate: float) -> None:
        self._zones: dict[bytes, _Zone] = {}
        self._tells = _Lane(rate)
        self._looks = _Lane(rate)
        self._heard_at = -1.0
        self._probes = 0
        self._probe_at = 0.0
        self.silent = False

    def __len__(self) -> int:
        """How many zones it has not been seen serving yet."""
        return len(self._zones)

    def announce(self, origin: bytes, serial: int, now: float, *, tell: bool = True) -> None:
        """It is to have this version: tell it, unless it knows, and look whether it does. In place
        of whatever was to be said about an older version."""
        self._zones[origin] = _Zone(serial)
        if tell:
            self._tells.put(origin, now)
        self._looks.due.pop(origin, None)
        if not tell:
            self._looks.put(origin, now + LOOKS[0])
        if self.silent:
            self._probes = 0
            self._probe_at = min(self._probe_at, now + SILENT_PAUSES[0])

    def forget(self, origin: bytes) -> None:
        """The zone is gone."""
        self._zones.pop(origin, None)
        self._tells.due.pop(origin, None)
        self._looks.due.pop(origin, None)

    def due(self, now: float) -> list[Step]:
        """What to send now. Each step is followed by `answered`, `seen` or `failed`."""
        if self.silent:
            return self._probe(now)
        return [self._telling(origin, now) for origin in self._tells.portion(now)] + [
            self._looking(origin) for origin in self._looks.portion(now)
        ]

    def deadline(self) -> float | None:
        """When `due` may have something next; None while there is nothing, or all that may be
        is under way."""
        if not self.silent:
            times = [lane.deadline() for lane in (self._tells, self._looks)]
            return min((at for at in times if at is not None), default=None)
        firsts = [at for lane in (self._tells, self._looks) if (at := lane.first()) is not None]
        if not firsts or self._tells.under_way or self._looks.under_way:
            return None
        return max(self._probe_at, min(firsts))

    def _probe(self, now: float) -> list[Step]:
        deadline = self.deadline()
        if deadline is None or deadline > now:
            return []
        self._probe_at = now + SILENT_PAUSES[min(self._probes, len(SILENT_PAUSES) - 1)]
        self._probes += 1
        tell, look = self._tells.first(), self._looks.first()
        if tell is not None and (look is None or tell <= look):
            return [self._telling(self._tells.pop(now), now)]
        return [self._looking(self._looks.pop(now))]

    def _telling(self, origin: bytes, now: float) -> Step:
        if origin not in self._looks.due and origin not in self._looks.under_way:
            self._looks.put(origin, now + LOOKS[0])
        return Step(True, origin, self._zones[origin].serial)

    def _looking(self, origin: bytes) -> Step:
        return Step(False, origin, self._zones[origin].serial)

    def answered(self, step: Step, now: float) -> None:
        """A NOTIFY was answered."""
        self._tells.came_back(step.origin, now)
        self._heard(now)

    def seen(self, step: Step, serial: int, now: float) -> bool:
        """A SOA query was answered with `serial`; whether that is the version it is to have."""
        self._looks.came_back(step.origin, now)
        self._heard(now)
        zone = self._zones.get(step.origin)
        if zone is None:
            return False
        if zone.serial == serial:
            self.forget(step.origin)
            return True
        self._look_again(step.origin, zone, now)
        return False

    def failed(self, step: Step, now: float, *, silent: bool) -> None:
        """No answer came (`silent`), or none that is good for anything."""
        lane = self._tells if step.notify else self._looks
        since = lane.came_back(step.origin, now)
        if silent and not self.silent and self._heard_at < since:
            self.silent = True
            self._probes = 0
            self._probe_at = now + SILENT_PAUSES[0]
        elif not silent:
            self._heard(now)
        zone = self._zones.get(step.origin)
        if zone is None or step.origin in lane.due:
            return
        if self.silent:
            lane.put(step.origin, now)
        elif step.notify:
            pause = min(FIRST_PAUSE * 2**zone.tellings, LAST_PAUSE)
            zone.tellings += 1
            lane.put(step.origin, now + pause)
        else:
            self._look_again(step.origin, zone, now)

    def _look_again(self, origin: bytes, zone: _Zone, now: float) -> None:
        zone.looks += 1
        if origin not in self._looks.due:
            self._looks.put(origin, now + LOOKS[min(zone.looks, len(LOOKS) - 1)])
        if not zone.looks % LOOKS_TO_TELL_AGAIN and origin not in self._tells.due:
            self._tells.put(origin, now)

    def _heard(self, now: float) -> None:
        self._heard_at = now
        if self.silent:
            self.silent = False
            self._tells.hurry(now)
            self._looks.hurry(now)
