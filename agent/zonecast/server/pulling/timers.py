"""The timers of pulled zones in the control store: written in batches, soon where it matters."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
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
        self._unwritten: set[bytes] = set()
        self._wanted = asyncio.Event()
        self._written = asyncio.Event()

    def saved(self, origin: bytes) -> dict[str, Any] | None:
        """What was kept of a zone before this process began."""
        return self._saved.get(origin)

    def note(self, origin: bytes) -> None:
        """A zone's timers have changed."""
        self._unwritten.add(origin)

    def forget(self, origin: bytes) -> None:
        """A zone is pulled no more."""
        self._saved.pop(origin, None)
        self._unwritten.add(origin)

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
        try:
            self._control.write("timers", records)
        except StoreError as error:
            log.error("timers are not kept: %s", error)
        else:
            self._unwritten.clear()
        written, self._written = self._written, asyncio.Event()
        written.set()
