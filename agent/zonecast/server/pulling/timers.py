"""What is kept of pulled zones in the control store, their timers and which of them have expired:
written in batches, soon where somebody waits for it. Where they cannot be written, the workers are
told which zones have expired."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from zonecast.store.control import ControlStore

# Seconds between writes, and for others to join one that somebody waits for.
INTERVAL = 1.0
JOIN = 0.02


class KeptTimers:
    """`current` is asked for what a zone's machine is now; None where it is pulled no more. `tell`
    gives the workers the expired zones that count instead of the store's; None: the store's count.
    `expired` are those that are answered with SERVFAIL."""

    def __init__(
        self,
        control: ControlStore,
        current: Callable[[bytes], dict[str, Any] | None],
        tell: Callable[[frozenset[bytes] | None], None] = lambda _: None,
    ) -> None:
        self._control = control
        self._current = current
        self._tell = tell
        self._saved = control.items("timers")
        self.expired = self._stored = control.expired()
        self._released: frozenset[bytes] = frozenset()
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
        if self._is_expired(origin) != (origin in self.expired):
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
        self._released = self._stored - set(pulled)
        if self._released:
            self.write()

    async def written(self) -> None:
        """Wait until what was noted is written, whether that succeeds or not."""
        written = self._written
        self._wanted.set()
        await written.wait()

    async def run(self) -> None:
        """Write now and then, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(INTERVAL):
                    await self._wanted.wait()
                await asyncio.sleep(JOIN)
            self.write()

    def write(self) -> None:
        """Write what was noted."""
        self._wanted.clear()
        records = {origin: self._current(origin) for origin in self._unwritten}
        expired = {origin for origin, record in records.items() if record and record["expired"]}
        begins = expired - self._stored
        ends = (self._stored & (records.keys() | self._released)) - expired
        changes = {**dict.fromkeys(begins, ""), **dict.fromkeys(ends)}
        if records or changes:
            self._write(records, changes)
        written, self._written = self._written, asyncio.Event()
        written.set()

    def _write(self, records: dict[bytes, Any], changes: dict[bytes, Any]) -> None:
        begins = {origin for origin, value in changes.items() if value is not None}
        self.expired = (self._stored - changes.keys()) | begins
        if self._control.keep("timers of zones", {"timers": records, "expired": changes}):
            self._stored = self.expired
            self._released = frozenset()
            self._unwritten.clear()
            self._tell(None)
        else:
            self._tell(self.expired)
