"""When a secondary asks its primaries again (RFC 1034 §4.3.5, RFC 1996 §3, RFC 7314), sans-IO.

One `Refresh` per zone. Events come in with `now`; `act` says what to do next, or until when there
is nothing to do. Only `act` begins a poll or a transfer, and one thing is under way at a time:

    phase         CHECK    BOOTSTRAP     NEWER         FORCED        BEGIN         ENDED
    ------------  -------  ------------  ------------  ------------  ------------  -----
    IDLE          POLLING  TRANSFERRING  WANTED        WANTED        -             IDLE
    POLLING       -        -             WANTED        WANTED        -             IDLE
    WANTED        -        -             WANTED        WANTED        TRANSFERRING  IDLE
    TRANSFERRING  -        -             TRANSFERRING  TRANSFERRING  -             IDLE

CHECK and BOOTSTRAP are the check's time having come, with and without data; ENDED is every result
of a poll or a transfer, even one that comes late. What a result does to the timers:

    result       next check                                         expiry
    -----------  -------------------------------------------------  --------------------
    unchanged    refresh; retry if a NOTIFY promised more (once)    renewed
    transferred  the same                                           renewed
    failed       retry; growing pauses while there is no data       runs on
    backwards    retry                                              runs on

Renewed means the SOA's expire from now on. Where the primary says EXPIRE, that counts instead, never
more than the SOA's: with an unchanged SOA the later of it and the present deadline (RFC 7314 §4).

A NOTIFY brings the check forward; while one is under way it asks for one more after it, and so
cannot loop: each NOTIFY leads to one check at most, and a promise not kept is forgotten. Deadlines
are absolute POSIX seconds, so that a restart forgets no expiry. Times within bounds only: a zone
with tiny timers must not make us hammer its primary, nor one with huge timers make us forget it,
or serve for ever what its primary gave up.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, NamedTuple

from zonecast.zone.serial import is_greater


class Poll(NamedTuple):
    """Ask the primaries for their SOA; then `unchanged`, `newer`, `backwards` or `failed`."""


class Transfer(NamedTuple):
    """Transfer the zone, whatever its serial where `force`; then `transferred`, `unchanged`,
    `backwards` or `failed`."""

    force: bool


class Expire(NamedTuple):
    """Answer with SERVFAIL from now on; the data is kept."""


class Wait(NamedTuple):
    """Nothing to do until `until` (POSIX seconds; None: until an event comes)."""

    until: float | None


Action = Poll | Transfer | Expire | Wait


class Timers(NamedTuple):
    """A SOA's refresh, retry and expire, in seconds."""

    refresh: int
    retry: int
    expire: int


class Bounds(NamedTuple):
    """The shortest and longest times accepted from a SOA, and our own pauses, in seconds."""

    min_refresh: int = 2
    max_refresh: int = 28 * 86400
    min_retry: int = 1
    max_retry: int = 14 * 86400
    max_expire: int = 168 * 86400
    first_bootstrap: float = 1.0
    last_bootstrap: float = 900.0
    notify_gap: float = 0.25

    def clamp(self, timers: Timers) -> Timers:
        """The timers within the bounds; expiry leaves room for one refresh and one retry."""
        refresh = min(max(timers.refresh, self.min_refresh), self.max_refresh)
        retry = min(max(timers.retry, self.min_retry), self.max_retry)
        expire = max(min(timers.expire, self.max_expire), refresh + retry)
        return Timers(refresh, retry, expire)


DEFAULT_BOUNDS = Bounds()

# The share of a pause that jitter may take off, so that many zones do not ask at one moment.
_JITTER = 0.1


class Phase(Enum):
    """What is under way; WANTED: a transfer that `act` has still to hand out."""

    IDLE = "idle"
    POLLING = "polling"
    WANTED = "wanted"
    TRANSFERRING = "transferring"


class _Event(Enum):
    CHECK = "check"
    BOOTSTRAP = "bootstrap"
    NEWER = "newer"
    FORCED = "forced"
    BEGIN = "begin"
    ENDED = "ended"


_NEXT = {
    (Phase.IDLE, _Event.CHECK): Phase.POLLING,
    (Phase.IDLE, _Event.BOOTSTRAP): Phase.TRANSFERRING,
    (Phase.IDLE, _Event.NEWER): Phase.WANTED,
    (Phase.IDLE, _Event.FORCED): Phase.WANTED,
    (Phase.IDLE, _Event.ENDED): Phase.IDLE,
    (Phase.POLLING, _Event.NEWER): Phase.WANTED,
    (Phase.POLLING, _Event.FORCED): Phase.WANTED,
    (Phase.POLLING, _Event.ENDED): Phase.IDLE,
    (Phase.WANTED, _Event.NEWER): Phase.WANTED,
    (Phase.WANTED, _Event.FORCED): Phase.WANTED,
    (Phase.WANTED, _Event.BEGIN): Phase.TRANSFERRING,
    (Phase.WANTED, _Event.ENDED): Phase.IDLE,
    (Phase.TRANSFERRING, _Event.NEWER): Phase.TRANSFERRING,
    (Phase.TRANSFERRING, _Event.FORCED): Phase.TRANSFERRING,
    (Phase.TRANSFERRING, _Event.ENDED): Phase.IDLE,
}


class Refresh:
    """The refresh machine of one zone. `now` is POSIX seconds; `jitter` is a number from 0 up to
    1 that the caller draws anew each time. Read-only for callers: `phase`, `serial` (None without
    data), `check_at`, `expires_at`, `expired`, `failures` in a row, `trouble` (why the last
    check led nowhere, None where it did not) and `confirmed` (when a primary last answered well).
    """

    def __init__(self, now: float, bounds: Bounds = DEFAULT_BOUNDS) -> None:
        """A zone of which there is no data yet: it is transferred as soon as `act` is asked."""
        self.phase = Phase.IDLE
        self.serial: int | None = None
        self.check_at = now
        self.expires_at: float | None = None
        self.expired = False
        self.failures = 0
        self.trouble: str | None = None
        self.confirmed: float | None = None
        self._bounds = bounds
        self._timers = bounds.clamp(Timers(0, 0, 0))
        self._last_check = float("-inf")
        self._hint: int | None = None
        self._again = False
        self._forced = False

    @staticmethod
    def stored(
        serial: int, timers: Timers, confirmed: float, now: float, bounds: Bounds = DEFAULT_BOUNDS
    ) -> Refresh:
        """A zone found in the store without timers of its own, last known to be right at
        `confirmed`: it is checked at once and expires by that time."""
        machine = Refresh(now, bounds)
        machine.serial = serial
        machine._timers = bounds.clamp(timers)
        machine.confirmed = min(confirmed, now)
        machine.expires_at = machine.confirmed + machine._timers.expire
        return machine

    def act(self, now: float) -> Action:
        """What to do now. Expire is said once; a poll or transfer said is under way from now."""
        if self.expires_at is not None and not self.expired and now >= self.expires_at:
            self.expired = True
            return Expire()
        if self.phase is Phase.WANTED:
            return self._begin(_Event.BEGIN, now)
        if self.phase is Phase.IDLE and now >= self.check_at:
            if self.serial is None:
                return self._begin(_Event.BOOTSTRAP, now)
            self._move(_Event.CHECK)
            self._last_check = now
            self._again = False
            return Poll()
        times = [] if self.phase is not Phase.IDLE else [self.check_at]
        if self.expires_at is not None and not self.expired:
            times.append(self.expires_at)
        return Wait(min(times, default=None))

    def _begin(self, event: _Event, now: float) -> Transfer:
        self._move(event)
        self._last_check = now
        self._again = False
        force, self._forced = self._forced, False
        return Transfer(force)

    def _move(self, event: _Event) -> None:
        self.phase = _NEXT[self.phase, event]

    def notified(self, serial: int | None, now: float) -> bool:
        """A NOTIFY came, with this serial as its hint. False where there is nothing new in it."""
        if serial is not None and self.serial is not None:
            if not is_greater(serial, self.serial):
                return False
            if self._hint is None or is_greater(serial, self._hint):
                self._hint = serial
        self.check_soon(now)
        return True

    def check_soon(self, now: float) -> None:
        """Check without waiting for the timer, after what is under way; never in a tight loop."""
        if self.phase is Phase.IDLE:
            self.check_at = min(self.check_at, max(now, self._last_check + self._bounds.notify_gap))
        else:
            self._again = True

    def check_by(self, until: float) -> None:
        """Check at `until` (POSIX seconds) at the latest."""
        self.check_at = min(self.check_at, until)

    def retransfer(self) -> None:
        """An operator wants the primary's zone whatever its serial."""
        self._forced = True
        self._move(_Event.FORCED)

    def newer(self) -> None:
        """A primary has a newer version: a transfer is wanted."""
        self._move(_Event.NEWER)

    def unchanged(self, now: float, jitter: float, expire_option: int | None = None) -> None:
        """A primary has our version. With the EXPIRE option's seconds, the later of it and the
        present deadline is the new one (RFC 7314 §4)."""
        deadline = now + self._timers.expire
        if expire_option is not None:
            deadline = now + min(expire_option, self._timers.expire)
            deadline = max(deadline, self.expires_at or deadline)
        self._confirmed(now, deadline, jitter)

    def transferred(
        self,
        serial: int,
        timers: Timers,
        now: float,
        jitter: float,
        expire_option: int | None = None,
    ) -> None:
        """The zone was transferred and is stored. The EXPIRE option's seconds count instead of
        the SOA's expire where they are fewer (RFC 7314 §4)."""
        self.serial = serial
        self._timers = self._bounds.clamp(timers)
        seconds = self._timers.expire
        if expire_option is not None:
            seconds = min(seconds, expire_option)
        self._confirmed(now, now + seconds, jitter)

    def _confirmed(self, now: float, expires_at: float, jitter: float) -> None:
        hint = self._hint
        ahead = hint is not None and self.serial is not None and is_greater(hint, self.serial)
        self.expires_at = expires_at
        # A primary about to expire renews nothing: an expired zone stays so.
        self.expired = expires_at <= now
        self.failures = 0
        self.trouble = None
        self.confirmed = now
        if not ahead and hint is not None:
            # What was asked for while the transfer ran has come with it.
            self._again = False
            self._hint = None
        self._end(now, self._timers.retry if ahead else self._timers.refresh, jitter)

    def failed(self, now: float, jitter: float, reason: str) -> None:
        """No primary answered well, for this reason."""
        self.failures += 1
        self.trouble = reason
        pause: float = self._timers.retry
        if self.serial is None:
            doublings = min(self.failures - 1, 20)
            pause = min(self._bounds.first_bootstrap * 2**doublings, self._bounds.last_bootstrap)
        self._end(now, pause, jitter)

    def backwards(self, serial: int, now: float, jitter: float) -> None:
        """The primary serves an older version than we do: nothing is renewed, and it is said."""
        self.failures += 1
        self.trouble = (
            f"the primary serves serial {serial}, which is not greater than our {self.serial};"
            " raise it there, or take its version with retransfer"
        )
        self._end(now, self._timers.retry, jitter)

    def _end(self, now: float, pause: float, jitter: float) -> None:
        self._move(_Event.ENDED)
        self.check_at = now + pause * (1 - _JITTER * jitter)
        if self._forced:
            self._move(_Event.FORCED)
        elif self._again:
            self.check_soon(now)
        else:
            self._hint = None

    def to_dict(self) -> dict[str, Any]:
        """What has to survive a restart, as JSON takes it."""
        return {
            "serial": self.serial,
            "timers": list(self._timers),
            "check-at": self.check_at,
            "expires-at": self.expires_at,
            "expired": self.expired,
            "failures": self.failures,
            "trouble": self.trouble,
            "confirmed": self.confirmed,
        }

    @staticmethod
    def from_dict(data: Mapping[str, Any], now: float, bounds: Bounds = DEFAULT_BOUNDS) -> Refresh:
        """The machine as `to_dict` left it, idle. A clock that was set back since moves no
        deadline further away than the timers put it."""
        machine = Refresh(now, bounds)
        machine.serial = data["serial"]
        machine._timers = bounds.clamp(Timers(*data["timers"]))
        longest: float = max(machine._timers.refresh, machine._timers.retry)
        if machine.serial is None:
            longest = bounds.last_bootstrap
        machine.check_at = min(data["check-at"], now + longest)
        machine.expired = data["expired"]
        machine.failures = data["failures"]
        machine.trouble = data["trouble"]
        machine.confirmed = data["confirmed"]
        if data["expires-at"] is not None:
            machine.expires_at = min(data["expires-at"], now + machine._timers.expire)
        return machine
