"""When what is due: one moment for each key, the earliest that was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import heapify, heappop, heappush

# Entries that no longer count are cleared away once there are more of them than of others, and this.
SLACK = 64


class Agenda:
    """Moments in POSIX seconds. A key that comes due is forgotten until it is put in again."""

    def __init__(self) -> None:
        self._at: dict[bytes, float] = {}
        self._heap: list[tuple[float, bytes]] = []

    def put(self, key: bytes, at: float) -> bool:
        """Have a key come due at that moment, unless it does sooner; whether that is news."""
        if self._at.get(key, float("inf")) <= at:
            return False
        self._at[key] = at
        heappush(self._heap, (at, key))
        if len(self._heap) > 2 * len(self._at) + SLACK:
            self._heap = [(moment, one) for one, moment in self._at.items()]
            heapify(self._heap)
        return True

    def due(self, now: float) -> Iterator[bytes]:
        """The keys that are due, in order; what is put in meanwhile and is due as well comes too."""
        while self._heap and self._heap[0][0] <= now:
            at, key = heappop(self._heap)
            if self._at.get(key) == at:
                del self._at[key]
                yield key

    @property
    def next(self) -> float | None:
        """When to look again at the latest; None where nothing is to come."""
        return self._heap[0][0] if self._heap else None

    def __len__(self) -> int:
        """How many entries are held, those among them that no longer count."""
        return len(self._heap)
