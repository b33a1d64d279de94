"""What is kept of pulled zones in the control store, their timers and which of them have expired:
written in batches, soon where somebody waits for it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection
from typing import Any

from zonecast.errors import StoreError
from zonecast.store.control import ControlStore

log = logging.getLogger("zonecast.pulling")

# Seconds between writes, and for others to join one that somebody waits for.
INTERVAL = 1.0
JOIN = 0.02


class KeptTimers:
    """`current` is asked for what a zone's machine is now; None where it is pulled no more."""

    def __init__(
        self, control: ControlStore, current: Callable[[bytes], dict[str, Any] | None]
    ) -> None:
        self._control = control
        self._current = current
        self._saved = control.items("timers")
        self._expired = set(control.expired())
        self._unwritten: set[bytes] = set()
        self._wanted = asyncio.Event()
        self._written = asyncio.Event()

    def saved(self, origin: bytes) -> dict[str, Any] | None:
        """What was kept of a zone before this process began."""
        return self._saved.get(origin)

    def note(self, origin: bytes) -> None:
        """A zone's timers have changed. Where it has expired by them, or no longer has, the workers
        see that soon."""
        self._unwritten.add(origin)
        if self._is_expired(origin) != (origin in self._expired):
            self._wanted.set()

    def _is_expired(self, origin: bytes) -> bool:
        current = self._current(origin)
        return current is not None and current["expired"]

    def forget(self, origin: bytes) -> None:
        """A zone is pulled no more."""
        self._saved.pop(origin, None)
        self.note(origin)

    def release(self, pulled: Collection[bytes]) -> None:
        """Of others than these no zone is expired: whoever took one over answers for it now."""
        free = self._expired - set(pulled)
        try:
            self._control.write("expired", dict.fromkeys(free))
        except StoreError as error:
            log.error("expired zones are not released: %s", error)
        else:
            self._expired -= free

    async def written(self) -> None:
        """Wait until what was noted is written, whether that succeeds or not."""
        written = self._written
        self._wanted.set()
        await written.wait()

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            try:
                await asyncio.wait_for(self._wanted.wait(), INTERVAL)
                await asyncio.sleep(JOIN)
            except TimeoutError:
                pass
            self.write()

    def write(self) -> None:
        """Write what was noted."""
        self._wanted.clear()
        records = {origin: self._current(origin) for origin in self._unwritten}
        expired = {origin for origin, record in records.items() if record and record["expired"]}
        begins, ends = expired - self._expired, (records.keys() & self._expired) - expired
        try:
            self._control.write("timers", records)
            self._control.write("expired", {**dict.fromkeys(begins, ""), **dict.fromkeys(ends)})
        except StoreError as error:
            log.error("timers are not kept: %s", error)
        else:
            self._expired = (self._expired | begins) - ends
            self._unwritten.clear()
        written, self._written = self._written, asyncio.Event()
        written.set()
