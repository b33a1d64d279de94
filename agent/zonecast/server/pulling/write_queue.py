"""Writing what was transferred: several small zones share one short transaction.

LMDB waits for other writers, so the writes run in a thread of their own and the transfers that
are still under way keep their time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from zonecast.store.writer import JournalLimits, WriteTransaction, ZonesWriter

# Records that one transaction takes together; a greater zone has a transaction to itself.
BATCH_RECORDS = 20_000

Write = Callable[[WriteTransaction], None]


class _Waiting(NamedTuple):
    write: Write
    records: int
    done: asyncio.Future[None]


class WriteQueue:
    """Writes in order, batched. `run` must be running."""

    def __init__(self, state_dir: Path, limits: JournalLimits | None = None) -> None:
        self._writer = ZonesWriter(state_dir, limits)
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue()
        self._thread = ThreadPoolExecutor(1, "store")

    async def write(self, write: Write, records: int) -> None:
        """Run `write`, which touches about so many records, in a transaction and wait until it is
        committed. Raises what `write` raises (it may be run twice), and StoreError."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        await self._queue.put(_Waiting(write, records, done))
        await done

    async def run(self) -> None:
        """Commit what is asked for, until cancelled."""
        held: _Waiting | None = None
        while True:
            held = await self._run_batch(held or await self._queue.get())

    async def _run_batch(self, first: _Waiting) -> _Waiting | None:
        """Commit one batch; gives what was taken from the queue for the next one. Whole zones may
        be in it: nothing keeps them afterwards."""
        batch, records, held = [first], first.records, None
        while held is None and not self._queue.empty():
            waiting = self._queue.get_nowait()
            records += waiting.records
            if records > BATCH_RECORDS:
                held = waiting
            else:
                batch.append(waiting)
        outcomes = await asyncio.get_running_loop().run_in_executor(
            self._thread, self._commit, [waiting.write for waiting in batch]
        )
        for waiting, outcome in zip(batch, outcomes, strict=True):
            _settle(waiting.done, outcome)
        return held

    def _commit(self, writes: list[Write]) -> list[Exception | None]:
        """Commit all of them together; where one does not fit, each by itself."""
        try:
            with self._writer.transaction(time.time()) as transaction:
                for write in writes:
                    write(transaction)
        except Exception as error:  # noqa: BLE001 - one zone's data must not end the writing of others
            if len(writes) == 1:
                return [error]
            return [outcome for write in writes for outcome in self._commit([write])]
        return [None] * len(writes)

    def close(self) -> None:
        """Let a write that is under way finish, then close the store."""
        self._thread.shutdown()
        self._writer.close()


def _settle(done: asyncio.Future[None], outcome: Exception | None) -> None:
    if done.cancelled():
        return
    if outcome is None:
        done.set_result(None)
    else:
        done.set_exception(outcome)
