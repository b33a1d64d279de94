"""When a version counts as visible: once no worker answers from an older one.

LMDB's reader table names the transaction that each process reads in. A datagram worker begins
one after it received a batch and ends it before it blocks, so a table without older entries of
those processes means that every answer from now on comes from the new version. Stream workers
also hold old versions for transfers under way; they are asked instead, and answer between two
queries.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any

# Seconds between looks at the reader table: a batch takes well under a millisecond.
LOOK_INTERVAL = 0.001
PATIENCE = 2.0


def oldest_read(environment: Any, pids: Collection[int]) -> int | None:
    """The oldest transaction that one of these processes reads in; None while none reads."""
    reading = []
    for line in environment.readers().splitlines():
        fields = line.split()
        # Process, thread, transaction; the header and idle slots have no number there.
        if len(fields) == 3 and fields[2].isdigit() and int(fields[0]) in pids:
            reading.append(int(fields[2]))
    return min(reading, default=None)


async def wait_for_readers(environment: Any, pids: Collection[int], number: int) -> bool:
    """Wait until none of these processes reads in a transaction before `number`. False when one
    still does after PATIENCE seconds, which means that it hangs."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    while True:
        oldest = oldest_read(environment, pids)
        if oldest is None or oldest >= number:
            return True
        if loop.time() > deadline:
            return False
        await asyncio.sleep(LOOK_INTERVAL)
