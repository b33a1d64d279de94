"""One agent under one configuration: publishing, pulling, notifying and what the sockets are asked.

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
from zonecast.errors import StoreError
from zonecast.repository import drop_inherited_environment
from zonecast.server.commands import Commands
from zonecast.server.control import ControlServer
from zonecast.server.listeners import Listening
from zonecast.server.notifying import Notifying
from zonecast.server.publishing.approvals import Approvals
from zonecast.server.publishing.branch import Publishers, Publishing
from zonecast.server.publishing.claims import claimed
from zonecast.server.pulling.members import Members
from zonecast.server.pulling.schedule import Pulling
from zonecast.server.workers import Workers
from zonecast.store.control import ControlStore
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import store_file
from zonecast.zone import names
from zonecast.zone.rrset import RRset

log = logging.getLogger("zonecast.agent")

# Seconds between rounds of what is done now and then.
HOUSEKEEPING = 30.0


class Agent:
    """Use it as an async context manager: inside, everything runs."""

    def __init__(
        self, config: Config, listening: Listening, workers: Workers, server: ControlServer
    ) -> None:
        self.config = config
        self.listening = listening
        self.workers = workers
        self.started = time.time()
        self.news = asyncio.Event()
        self.reader = ZonesReader(config.state_dir, with_expired=False)
        self.control = ControlStore(config.state_dir)
        self._store_inode = store_file(config.state_dir).stat().st_ino
        self.notifying = Notifying(config, self.control, self.soa, self.changed)
        self.pulling = Pulling(
            config, self.control, self.reader, self._pulled, self.changed, workers.tell_expired
        )
        self.members = Members(config, self.control, self.reader, self.pulling, self._gone)
        self.notifying.audience = self.members.audiences.get
        self.pulling.release_expired()
        self.approvals = Approvals(self.control)
        self._publishers = Publishers()
        lock = asyncio.Lock()
        self.publishing = [
            Publishing(
                config,
                repository,
                self._publishers,
                lock,
                self._published,
                self.changed,
                lambda: list(self.pulling.zones),
                self.approvals,
                self.notifying.serials,
            )
            for repository in config.repository
        ]
        self._server = server
        self._tasks: list[asyncio.Task[None]] = []
        self.swept: float | None = None
        self._spared: list[bytes] = []
        workers.on_notify = self.pulling.notified
        workers.on_restart = self._worker_restarted

    async def __aenter__(self) -> Agent:
        if self.publishing:
            drop_inherited_environment()
            self._publishers.warm()
        self._spawn(self.notifying.run())
        self._spawn(self.pulling.run())
        for publishing in self.publishing:
            self._spawn(publishing.run())
        self._spawn(self._keep_house())
        self.notifying.announce(self._origins())
        commands = Commands(self)
        self._server.serve(commands.status, commands.control)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._server.pause()
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
        try:
            async with asyncio.timeout(patience):
                for publishing in self.publishing:
                    await publishing.looked.wait()
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
        """Wait until every worker answers from the newest version. Raises StoreError."""
        self._check_store()
        with self.reader.begin() as snapshot:
            number = snapshot.number
        await self.workers.visible(self.reader.environment, number)

    async def _published(self, result: dict[str, Any]) -> None:
        """A commit was published: once it is visible, tell the secondaries."""
        await self._visible()
        for text in result["removed"]:
            self.notifying.forget(names.from_text(text).lower())
        if result["removed"]:
            await self.members.settle_again()
        changed = [names.from_text(zone["zone"]).lower() for zone in result["published"]]
        if result["released"]:
            for publishing in self.publishing:
                if publishing.repository.name != result["name"]:
                    publishing.again()
        changed += [names.from_text(catalog).lower() for catalog in result["catalogs"]]
        self.notifying.announce(changed)
        log.info(
            "commit %s: %d zones published, %d removed, %d held",
            result["commit"][:12],
            len(result["published"]),
            len(result["removed"]),
            len(result["held"]),
        )
        self.changed()

    async def _gone(self, origins: list[bytes]) -> None:
        """Catalogs list these no more. A repository may hold one of them."""
        for origin in origins:
            self.notifying.forget(origin)
        for publishing in self.publishing:
            publishing.again()

    async def _keep_house(self) -> None:
        """What is done at the start and now and then: members that a catalog listed before the
        last run ended, zones that nothing names any more, reader slots that the dead left."""
        await self.members.catch_up()
        while True:
            self._check_store()
            self.reader.environment.reader_check()
            self.members.keep()
            if await self._remove_orphans():
                self.swept = time.time()
                self.changed()
            await self._until_house_is_kept()

    async def _until_house_is_kept(self) -> None:
        """Wait for the next round; for the first one at most until everything is published."""
        try:
            async with asyncio.timeout(HOUSEKEEPING):
                while self.swept is not None or not self._all_published():
                    await self.news.wait()
        except TimeoutError:
            return

    def _all_published(self) -> bool:
        return all(publishing.published for publishing in self.publishing)

    def _check_store(self) -> None:
        """Raises StoreError where the store's file is another one than that opened: what is
        published then would not be what is answered."""
        try:
            found = store_file(self.config.state_dir).stat().st_ino
        except OSError:
            found = 0
        if found != self._store_inode:
            raise StoreError(
                "the store was removed or replaced under the running agent",
                where=str(self.config.state_dir),
                remedy="it ends now, and starts from what is there",
            )

    async def _remove_orphans(self) -> bool:
        """Remove zones that came from a primary or a repository that the configuration no longer
        names, unless it protects them; once every repository is published, for one of them may
        have taken a zone over. Whether they are."""
        if not self._all_published():
            return False
        sources = {repository.name for repository in self.config.repository}
        catalogs = {c for repository in self.config.repository for c in repository.catalogs}
        with self.reader.begin() as snapshot:
            stored = {record.origin.lower(): record.source for record in snapshot.records()}
            wanted = {*self.pulling.zones, *catalogs, *claimed(snapshot, sources)}
        orphans = [
            origin
            for origin, source in stored.items()
            if origin not in wanted and source not in sources
        ]
        self._spared = [o for o in orphans if o in self.config.rails.protected]
        orphans = [origin for origin in orphans if origin not in self._spared]
        if orphans:
            log.warning("%d zones that nothing names any more are removed", len(orphans))
            await self.pulling.remove(orphans)
            for origin in orphans:
                self.notifying.forget(origin)
            for publishing in self.publishing:
                publishing.again()  # its catalog may list one
        return True

    def warnings(self) -> list[str]:
        """What needs attention and belongs to no zone's or repository's state."""
        unasked = {name for publishing in self.publishing for name in publishing.unasked}
        return (
            [
                f"{name} did not say which serials it has before the first publication: managed zones "
                "and the catalog may be below those; status shows it once it answers"
                for name in sorted(unasked & self.notifying.silent())
            ]
            + [
                f"nothing names {names.to_text(origin)} any more, and it is protected: it stays served;"
                " name it again, or take it out of 'protected' under [rails]"
                for origin in self._spared
            ]
            + [text for publishing in self.publishing for text in publishing.warnings]
            + self._inner_lists()
            + self._not_kept()
        )

    def _inner_lists(self) -> list[str]:
        """A warning for each [[query.zone]] that names no zone but what is inside of one."""
        with self.reader.begin() as snapshot:
            zones = snapshot.zones
            found = {
                zone.name: next((s for s in names.suffixes(zone.name) if s in zones), zone.name)
                for zone in self.config.query.zone
                if zone.name not in self.pulling.zones
            }
        return [
            f"[[query.zone]] {names.to_text(name)} is no zone, but inside of {names.to_text(zone)}: its "
            "list counts for questions about what is there, not for what other answers of that zone "
            "lead to or add; make it a zone of its own"
            for name, zone in found.items()
            if zone != name
        ]

    def _not_kept(self) -> list[str]:
        """One warning for all that cannot be written to the control store."""
        troubles = self.control.troubles
        if not troubles:
            return []
        place = self.control.environment.path()
        text = (
            f"the control store {place}: {next(iter(troubles.values()))}; not kept, and "
            f"lost with a restart: {', '.join(sorted(troubles))}; make room on that file system: "
            "the agent goes on trying"
        )
        return [text]

    async def _pulled(self, origins: list[bytes]) -> None:
        """Zones were pulled: once they are visible, tell our own secondaries."""
        await self._visible()
        for origin in origins:
            zone = self.pulling.zones.get(origin)
            source = None if zone is None else zone.last["primary"]
            peers = [] if zone is None else zone.primaries
            self.notifying.announce(
                [origin], but=[peer.address for peer in peers if peer.name == source]
            )
        self.changed()

    def _worker_restarted(self) -> None:
        """Clear the reader slot that a dead worker left, which would keep old pages alive."""
        self.reader.environment.reader_check()
        self.changed()
