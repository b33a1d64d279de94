"""The puller process: transfers zones from their primaries and writes them to the store.

    python -m zonecast.server.pulling.puller CHANNEL_FD

Several transfers run at once; a transfer is received and verified completely before anything of
it is written. The process ends when its channel does.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path
from typing import Any

from zonecast.errors import ZonecastError
from zonecast.server.channel import AsyncChannel
from zonecast.server.pulling.job import pull
from zonecast.server.pulling.readers import Readers
from zonecast.server.pulling.slots import Slots
from zonecast.server.pulling.write_queue import WriteQueue
from zonecast.store.writer import JournalLimits, WriteTransaction
from zonecast.zone.names import from_text

# Transfers at one time, in all and from one primary; each may hold a whole zone in memory.
CONCURRENT = 64
FROM_ONE_PRIMARY = 8

log = logging.getLogger("zonecast.puller")


class Puller:
    """Takes jobs from the channel until it ends."""

    def __init__(self, channel: AsyncChannel, queue: WriteQueue) -> None:
        self._channel = channel
        self._queue = queue
        self._slots = Slots(CONCURRENT, FROM_ONE_PRIMARY)
        self._readers = Readers()
        self._jobs: set[asyncio.Task[None]] = set()

    async def serve(self) -> None:
        """Say that we are ready, then take jobs."""
        writing = asyncio.create_task(self._queue.run())
        self._channel.send({"ready": True})
        while (message := await self._channel.receive()) is not None:
            job = asyncio.create_task(self._work(message))
            self._jobs.add(job)
            job.add_done_callback(self._jobs.discard)
        for task in (writing, *self._jobs):
            task.cancel()
        await asyncio.gather(writing, *self._jobs, return_exceptions=True)

    async def _work(self, message: dict[str, Any]) -> None:
        try:
            if "pull" in message:
                reply = await pull(message["pull"], self._queue.write, self._slots, self._readers)
            else:
                reply = await self._remove(message["remove"]["zones"])
        except Exception as error:
            # One primary's data must not end the transfers of all others.
            log.exception("job failed: %s", message.get("job"))
            reply = {"ok": False, "error": f"internal error: {error!r}"}
        self._channel.send({"job": message["job"], **reply})

    async def _remove(self, zones: list[str]) -> dict[str, Any]:
        origins = [from_text(zone) for zone in zones]

        def write(transaction: WriteTransaction) -> None:
            for origin in origins:
                transaction.remove(origin)

        try:
            await self._queue.write(write, len(origins))
        except ZonecastError as error:
            return {"ok": False, "zones": zones, "error": str(error)}
        return {"ok": True, "zones": zones, "error": None}


async def _run(fd: int) -> None:
    channel = await AsyncChannel.open(fd)
    greeting = await channel.receive()
    if greeting is None:
        return
    queue = WriteQueue(Path(greeting["state-dir"]), JournalLimits(**greeting.get("journal", {})))
    try:
        await Puller(channel, queue).serve()
    finally:
        queue.close()


def main() -> None:
    """Entry point."""
    # The terminal's interrupt goes to the controller, which then closes the channel.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.basicConfig(format="%(name)s: %(message)s")
    asyncio.run(_run(int(sys.argv[1])))


if __name__ == "__main__":
    main()
