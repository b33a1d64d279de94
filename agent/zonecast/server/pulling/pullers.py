"""The pullers as the controller holds them: jobs out, results back, lost jobs given again."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import asdict, dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from zonecast.server.children import KeptChild, Message

if TYPE_CHECKING:
    from zonecast.config import Config

log = logging.getLogger("zonecast.pullers")

# How often a job is given to a new process after the one that had it died.
TRIES = 3

# Below the workers, which answer queries on the same processors, and the publisher.
NICENESS = 10


@dataclass
class _Job:
    message: Message
    result: asyncio.Future[Message]
    tries: int = 1


@dataclass
class _Puller:
    child: KeptChild
    jobs: dict[int, _Job] = field(default_factory=dict)


class Pullers:
    """The puller processes: each job goes to the one with the least to do."""

    def __init__(self, config: Config) -> None:
        self._numbers = count(1)
        self._pullers = [self._start(config) for _ in range(config.pullers)]

    def _start(self, config: Config) -> _Puller:
        child = KeptChild(
            "zonecast.server.pulling.puller",
            lambda: {"state-dir": str(config.state_dir), "journal": asdict(config.journal)},
            niceness=NICENESS,
        )
        puller = _Puller(child)
        child.on_message = lambda message: _finish(puller, message)
        child.on_restart = lambda status: self._restarted(puller, status)
        return puller

    @property
    def pids(self) -> list[int]:
        return [puller.child.pid for puller in self._pullers]

    async def run(self) -> None:
        """Keep the processes alive; returns after `stop`."""
        await asyncio.gather(*(puller.child.run() for puller in self._pullers))

    def stop(self) -> None:
        """Let the processes end; jobs under way are dropped, nothing of theirs was visible."""
        for puller in self._pullers:
            puller.child.stop()

    async def submit(self, job: Message) -> Message:
        """Give a job and wait for its result, a puller's reply message."""
        puller = min(self._pullers, key=lambda puller: len(puller.jobs))
        await puller.child.ready.wait()
        number = next(self._numbers)
        entry = _Job({**job, "job": number}, asyncio.get_running_loop().create_future())
        puller.jobs[number] = entry
        puller.child.send(entry.message)
        return await entry.result

    def _restarted(self, puller: _Puller, status: int) -> None:
        log.warning("a puller ended with status %d and was started again", status)
        for number, job in list(puller.jobs.items()):
            job.tries += 1
            if job.tries > TRIES:
                _finish(puller, {"job": number, "ok": False, "error": "the puller died of it"})
        jobs = list(puller.jobs.values())

        async def again() -> None:
            await puller.child.ready.wait()
            for job in jobs:
                puller.child.send(job.message)

        self._again = asyncio.get_running_loop().create_task(again())


def _finish(puller: _Puller, message: Message) -> None:
    job = puller.jobs.pop(message.get("job", 0), None)
    if job is not None and not job.result.done():
        job.result.set_result(message)
