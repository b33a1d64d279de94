"""Which of a zone's primaries is asked, in which order, and from which it is taken, sans-IO.

A poll asks them in the order in which they are configured, whoever sent a NOTIFY first, those that
lately were silent last, and those only where nobody else answered. It ends with the first that has
a newer version; one that has ours is not the last word, since it may be stale itself.

With a tolerance, the zone is pinned to the primary that it was last taken from, whose history its
deltas belong to (as Knot's `master-pin-tolerance`):

    the pinned one    another one    before the tolerance is over   then
    ----------------  -------------  -----------------------------  ------------------------------
    newer             -              from it alone                  from it, else others as a whole
    ours              newer          unchanged                      from the others, as a whole
    behind or silent  newer          failed                         from the others, as a whole
    -                 none newer     as without a pin               as without a pin

The tolerance runs from the first poll that found something newer to the transfer that brings it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from zonecast.zone.serial import is_greater

# How long a silent primary rests, in seconds, if others answer: doubled each time, up to the last.
FIRST_REST = 5.0
LAST_REST = 300.0
_JITTER = 0.1


class Standing:
    """Whether one primary answers at all, whichever zone it is asked for. `silent_since`: POSIX
    seconds, None while it answers."""

    def __init__(self) -> None:
        self.silent_since: float | None = None
        self.rests_until = float("-inf")
        self._silences = 0

    def answered(self) -> None:
        """It is there, whatever it said."""
        self.silent_since = None
        self.rests_until = float("-inf")
        self._silences = 0

    def silent(self, now: float, jitter: float) -> None:
        """Nothing came; `jitter` from 0 up to 1. Zones that were asked for at one time count once."""
        if self.rests(now):
            return
        if self.silent_since is None:
            self.silent_since = now
        pause = min(FIRST_REST * 2 ** min(self._silences, 20), LAST_REST)
        self.rests_until = now + pause * (1 - _JITTER * jitter)
        self._silences += 1

    def rests(self, now: float) -> bool:
        """Whether others are to be asked first."""
        return now < self.rests_until


@dataclass
class Said:
    """What one primary last said of one zone: its serial, in how many seconds the zone expires
    there (None where it does not say), when it said so, why it did not since (None where it did),
    and from which serial it went back, if it did."""

    serial: int | None = None
    expire: int | None = None
    at: float | None = None
    error: str | None = None
    back_from: int | None = None

    def expires_in(self, now: float) -> int | None:
        """What is left of `expire` now."""
        if self.expire is None or self.at is None:
            return None
        return max(0, int(self.expire - (now - self.at)))


class Source(NamedTuple):
    """A primary to transfer from: by IXFR where its history is the one that ours follows."""

    name: str
    incremental: bool


class Newer(NamedTuple):
    """Transfer from one of these, in this order."""

    sources: list[Source]


class Same(NamedTuple):
    """Ours is what there is; `expire` as `Refresh.unchanged` wants it. Look again by `until`."""

    expire: int | None
    until: float | None = None


class Behind(NamedTuple):
    """No primary has more than this older version."""

    name: str
    serial: int


class Failed(NamedTuple):
    """Nobody answered well, for this reason. Look again by `until`."""

    reason: str
    until: float | None = None


Verdict = Newer | Same | Behind | Failed


class Choice:
    """The choice among the primaries of one zone. `pinned` is the one it was last taken from, and
    counts with a `tolerance` (seconds) alone. Names are given in the configured order each time."""

    def __init__(self, tolerance: float = 0.0) -> None:
        self.tolerance = tolerance
        self.pinned: str | None = None
        self.said: dict[str, Said] = {}
        self._preferred: str | None = None
        self._answered: dict[str, int] = {}
        self._lags_since: float | None = None

    def of(self, name: str) -> Said:
        """What a primary said."""
        return self.said.setdefault(name, Said())

    def had(self, name: str, serial: int) -> None:
        """The zone as it is stored came from this primary, before a restart."""
        self.pinned = name
        self.of(name).serial = serial

    def prefer(self, name: str) -> None:
        """It sent a NOTIFY: it is asked first until the zone is up to date."""
        self._preferred = name

    def order(
        self, names: Sequence[str], now: float, standings: Mapping[str, Standing]
    ) -> list[str]:
        """In which order they are asked."""
        first = self._pin(names) or self._preferred
        return sorted(names, key=lambda name: (standings[name].rests(now), name != first))

    def _pin(self, names: Sequence[str]) -> str | None:
        return self.pinned if self.tolerance and self.pinned in names else None

    def turns(
        self,
        names: Sequence[str],
        ours: int | None,
        now: float,
        standings: Mapping[str, Standing],
    ) -> Iterator[str]:
        """Each primary that is to be asked, until enough is known; tell `answered` or `failed`
        before the next one is taken."""
        self._answered = {}
        pin = self._pin(names)
        for name in self.order(names, now, standings):
            if self._answered and standings[name].rests(now):
                return
            yield name
            if self._is_newer(name, ours) and pin in (None, name):
                return

    def _is_newer(self, name: str, ours: int | None) -> bool:
        serial = self._answered.get(name)
        return serial is not None and (ours is None or is_greater(serial, ours))

    def answered(self, name: str, serial: int, expire: int | None, now: float) -> None:
        """A primary has this version."""
        said = self.of(name)
        if said.serial is not None and is_greater(said.serial, serial):
            said.back_from = said.back_from or said.serial
        elif said.back_from is not None and not is_greater(said.back_from, serial):
            said.back_from = None
        said.serial, said.expire, said.at, said.error = serial, expire, now, None
        self._answered[name] = serial

    def failed(self, name: str, reason: str) -> None:
        """A primary did not answer, or not as it should."""
        self.of(name).error = reason

    def took(self, name: str, serial: int, now: float, expire: int | None) -> None:
        """The zone was transferred from this primary."""
        self.of(name).back_from = None  # where it went back, it was wanted
        self.of(name).serial = None
        self.answered(name, serial, expire, now)
        self.pinned = name
        self._preferred = None
        self._lags_since = None

    def sources(
        self, names: Sequence[str], now: float, standings: Mapping[str, Standing]
    ) -> list[Source]:
        """Whom to transfer from without a poll: a zone of which there is no data, or by force."""
        return [Source(name, True) for name in self.order(names, now, standings)]

    def verdict(
        self,
        names: Sequence[str],
        ours: int | None,
        now: float,
        standings: Mapping[str, Standing],
    ) -> Verdict:
        """What the answers of this round come to."""
        newer = [name for name in self._answered if self._is_newer(name, ours)]
        pin = self._pin(names)
        if not newer:
            self._lags_since = None
            self._preferred = None
            return self._nothing_newer(names, ours)
        if pin is None or ours is None:
            rest = [name for name in self.order(names, now, standings) if name != newer[0]]
            return Newer([Source(name, True) for name in (newer[0], *rest)])
        return self._pinned_verdict(pin, names, newer, ours, now)

    def _nothing_newer(self, names: Sequence[str], ours: int | None) -> Verdict:
        same = [name for name, serial in self._answered.items() if serial == ours]
        if same:
            return Same(self._latest(same))
        for name, serial in self._answered.items():
            return Behind(name, serial)
        troubles = [f"{name}: {self.of(name).error}" for name in names if self.of(name).error]
        return Failed("; ".join(troubles) or "no primary was asked")

    def _latest(self, names: Sequence[str]) -> int | None:
        """The longest that any of these has left; None where one does not say, as it may be the
        one that never expires."""
        expires = [self.of(name).expire for name in names]
        return max((expire or 0 for expire in expires), default=0) if None not in expires else None

    def _pinned_verdict(
        self, pin: str, names: Sequence[str], newer: Sequence[str], ours: int, now: float
    ) -> Verdict:
        if self._lags_since is None:
            self._lags_since = now
        until = self._lags_since + self.tolerance
        if pin in newer:
            others = [name for name in names if name != pin] if now >= until else []
            return Newer([Source(pin, True), *(Source(name, False) for name in others)])
        if now >= until:
            return Newer([Source(name, False) for name in newer])
        if self._answered.get(pin) == ours:
            return Same(self._latest([pin]), until)
        state = self.of(pin).error or f"serves serial {self._answered.get(pin)}"
        return Failed(
            f"{pin}, which the zone is pinned to: {state}; {newer[0]} has serial"
            f" {self._answered[newer[0]]}, taken from it in {until - now:.0f} s if that stays so",
            until,
        )
