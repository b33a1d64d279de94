"""How much is asked of primaries at one time, and which of them lately were silent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from zonecast.protocol.primaries import Standing
from zonecast.server.peers import Primary


class Slots:
    """How many transfers or polls run at one time, in all and with one primary: one that is slow,
    or means ill, takes no more than its share."""

    def __init__(self, together: int, from_one: int) -> None:
        self._together = asyncio.Semaphore(together)
        self._from_one = from_one
        self._primaries: dict[tuple[str, int], asyncio.Semaphore] = {}
        self._standings: dict[tuple[str, int], Standing] = {}

    def standing(self, primary: Primary) -> Standing:
        """Whether this primary answers at all."""
        return self._standings.setdefault((primary.host, primary.port), Standing())

    @asynccontextmanager
    async def of(self, primary: Primary) -> AsyncIterator[None]:
        """Wait for a slot of this primary, then for one of all."""
        place = (primary.host, primary.port)
        own = self._primaries.setdefault(place, asyncio.Semaphore(self._from_one))
        async with own, self._together:
            yield
