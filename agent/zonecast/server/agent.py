"""One agent under one configuration: publishing, pulling, notifying and the control sockets.

A reload ends this and makes a new one; the workers go on answering meanwhile.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from types import TracebackType
from typing import Any

from zonecast.config import Config
from zonecast.repository import drop_inherited_environment
from zonecast.server.commands import Commands
from zonecast.server.control import ControlServer
from zonecast.server.listeners import Listening
from zonecast.server.notifying import Notifying
from zonecast.server.publishing.branch import Publishers, Publishing
from zonecast.server.pulling.members import Members
from zonecast.server.pulling.schedule import Pulling
from zonecast.server.workers import Workers
from zonecast.store.control import ControlStore
from zonecast.store.reader import ZonesReader
from zonecast.zone import names
from zonecast.zone.rrset import RRset

log = logging.getLogger("zonecast.agent")


class Agent:
    """Use it as an async context manager: inside, everything runs."""

    def __init__(self, config: Config, listening: Listening, workers: Workers) -> None:
        self.config = config
        self.listening = listening
        self.workers = workers
        self.started = time.time()
        self.news = asyncio.Event()
        self.reader = ZonesReader(config.state_dir, with_expired=False)
        self.control = ControlStore(config.state_dir)
        self.notifying = Notifying(config, self.control, self.soa, self.changed)
        self.pulling = Pulling(config, self.control, self.reader, self._pulled, self.changed)
        self.members = Members(
            config, self.control, self.reader, self.pulling, self.notifying.forget
        )
        self._publishers = Publishers()
        lock = asyncio.Lock()
        self.publishing = [
            Publishing(config, repository, self._publishers, lock, self._published, self.changed)
            for repository in config.repository
        ]
        commands = Commands(self)
        self._server = ControlServer(config.sockets, commands.status, commands.control)
        self._tasks: list[asyncio.Task[None]] = []
        workers.on_notify = self.pulling.notified
        workers.on_restart = self._worker_restarted

    async def __aenter__(self) -> Agent:
        await self._server.start()
        if self.publishing:
            drop_inherited_environment()
            self._publishers.warm()
        self._spawn(self.notifying.run())
        self._spawn(self.pulling.run())
        for publishing in self.publishing:
            self._spawn(publishing.run())
        self.notifying.announce(self._origins())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._publishers.close()
        self.reader.close()
        self.control.close()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._tasks.append(asyncio.get_running_loop().create_task(work))

    async def failed(self) -> None:
        """Wait until a part of the agent, all of which run for ever, ends; raise why it did."""
        done, _ = await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()

    async def looked(self, patience: float) -> None:
        """Wait until each repository was looked at, where nothing is served yet; at most
        `patience` seconds: what cannot be reached must not stop what can be answered."""
        if self.zone_count():
            return
        looks = [publishing.looked.wait() for publishing in self.publishing]
        try:
            await asyncio.wait_for(asyncio.gather(*looks), patience)
        except TimeoutError:
            log.warning("a repository could not be looked at within %s s", patience)

    def zone_count(self) -> int:
        """How many zones are served."""
        return len(self._origins())

    def _origins(self) -> list[bytes]:
        with self.reader.begin() as snapshot:
            return list(snapshot.zones)

    def soa(self, origin: bytes) -> RRset | None:
        """A zone's SOA as published, None for one not served."""
        with self.reader.begin() as snapshot:
            ref = snapshot.zones.get(origin)
            return None if ref is None else snapshot.soa(ref)

    def changed(self) -> None:
        """Something that `status` shows has changed: wake those who wait for it."""
        self.news.set()
        self.news = asyncio.Event()

    async def _visible(self) -> None:
        """Wait until every worker answers from the newest version."""
        with self.reader.begin() as snapshot:
            number = snapshot.number
        await self.workers.visible(self.reader.environment, number)

    async def _published(self, result: dict[str, Any]) -> None:
        """A commit was published: once it is visible, tell the secondaries."""
        await self._visible()
        for text in result["removed"]:
            self.notifying.forget(names.from_text(text).lower())
        changed = [names.from_text(zone["zone"]).lower() for zone in result["published"]]
        if result["catalog"]:
            changed.append(names.from_text(result["catalog"]).lower())
        self.notifying.announce(changed)
        log.info(
            "commit %s: %d zones published, %d removed, %d held",
            result["commit"][:12],
            len(result["published"]),
            len(result["removed"]),
            len(result["held"]),
        )
        self.changed()

    async def _pulled(self, origins: list[bytes]) -> None:
        """Zones were pulled: once they are visible, tell our own secondaries."""
        await self._visible()
        for origin in origins:
            zone = self.pulling.zones.get(origin)
            primaries = [] if zone is None else [peer.address for peer in zone.primaries]
            self.notifying.announce([origin], but=primaries)
        self.changed()

    def _worker_restarted(self) -> None:
        """Clear the reader slot that a dead worker left, which would keep old pages alive."""
        self.reader.environment.reader_check()
        self.changed()
