"""The primary's side of the controller: each repository's branch watched, its commits published.

File-system events are a hint to look; the poll is what counts. Commits are published one at a
time, always the branch's tip: a newer good commit overtakes one that failed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from zonecast.errors import ZonecastError
from zonecast.repository import Repository
from zonecast.server.children import Child, run_job
from zonecast.server.publishing.approvals import Approvals
from zonecast.server.publishing.remote import Remote
from zonecast.server.publishing.watching import Watch
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import RepositoryConfig

log = logging.getLogger("zonecast.publishing")

# Seconds before a job whose process died, or that git or the store failed, is tried again.
RETRIES = (0.0, 0.5, 2.0, 5.0, 15.0)

# Seconds that publishing one commit may take before its process is ended.
DEADLINE = 900.0

# Below the workers: answers come first.
NICENESS = 5

Published = Callable[[dict[str, Any]], Awaitable[None]]
Serials = Callable[[list[bytes]], Awaitable[tuple[dict[bytes, list[int]], set[str]]]]


class Publishers:
    """One-job publisher processes, with a warm spare waiting."""

    def __init__(self) -> None:
        self._spare: Child | None = None

    def warm(self) -> None:
        """Start the spare."""
        if self._spare is None:
            self._spare = Child("zonecast.server.publishing.publisher", niceness=NICENESS)

    async def run(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run a job. Raises ZonecastError where the process died or failed."""
        self.warm()
        child, self._spare = self._spare, None
        assert child is not None
        try:
            async with asyncio.timeout(DEADLINE):
                result = await run_job(child, job)
        except TimeoutError:
            raise ZonecastError(f"the publisher did not end within {DEADLINE:g} s") from None
        finally:
            self.warm()
        if result is None:
            raise ZonecastError(f"the publisher ended with status {child.process.returncode}")
        if "error" in result:
            raise ZonecastError(result["error"])
        return result

    async def close(self) -> None:
        """End the spare."""
        if self._spare is not None:
            self._spare.socket.close()
            await self._spare.end()
            self._spare = None


class Publishing:
    """One repository. `published` is awaited with each result; `changed` tells `status`; `pulled`
    gives the zones that come from primaries and so not from here, `serials` what secondaries have.

    `tip` is where the branch is, `done` the tip that was published or refused, `published` the
    last one published by this process, `last` the last one that the store knows of; `unasked` are
    secondaries that did not say what they have before the first publication; `warnings` are about
    the last publication as a whole.
    """

    def __init__(
        self,
        config: Config,
        repository: RepositoryConfig,
        publishers: Publishers,
        lock: asyncio.Lock,
        published: Published,
        changed: Callable[[], None],
        pulled: Callable[[], Iterable[bytes]],
        approvals: Approvals,
        serials: Serials,
    ) -> None:
        self._config = config
        self.repository = repository
        self._publishers = publishers
        self._lock = lock
        self._published = published
        self._changed = changed
        self._pulled = pulled
        self._approvals = approvals
        self._serials = serials
        self._again = False
        self._wake = asyncio.Event()
        self.looked = asyncio.Event()
        self.tip: str | None = None
        self.done: str | None = None
        self.published: str | None = None
        self.last: str | None = None
        self.trouble = ""
        self.unasked: set[str] = set()
        self.warnings: list[str] = []
        # When something is to be published again though the branch does not move.
        self._due: float | None = None
        self.checked_at = 0.0
        self._path = ""
        mirrors = config.state_dir / "mirrors"
        self._remote = Remote(repository, mirrors) if repository.url else None

    def look(self) -> None:
        """Look at the branch now."""
        self._wake.set()

    def again(self) -> None:
        """Publish the tip again: what held a zone back, besides git, may have changed."""
        self.done = None
        self._again = True
        self.look()

    async def run(self) -> None:
        """Watch and publish, for ever; cancel it to stop."""
        watch = Watch(self.look)
        failures = 0
        try:
            while True:
                self._wake.clear()
                began = time.time()
                try:
                    await self._once(watch)
                    self.trouble = ""
                    failures = 0
                except (ZonecastError, OSError) as error:
                    if self.trouble != str(error):
                        log.error("%s: %s", self.repository.name, error)
                    self.trouble = str(error)
                    failures += 1
                self.checked_at = began
                self.looked.set()
                self._changed()
                await self._sleep(failures)
        finally:
            watch.close()
            if self._remote is not None:
                self._remote.close()

    async def _sleep(self, failures: int) -> None:
        pause = self.repository.poll_interval
        if failures:
            pause = min(pause, RETRIES[min(failures, len(RETRIES)) - 1])
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    async def _once(self, watch: Watch) -> None:
        path, tip, watched = await self._read_tip()
        self._path = path
        watch.follow(watched)
        self.tip = tip
        if tip == self.done and (self._due is None or time.time() < self._due):
            return
        async with self._lock:
            self._again = False
            job = {
                "state-dir": str(self._config.state_dir),
                "journal": asdict(self._config.journal),
                "name": self.repository.name,
                "path": path,
                "commit": tip,
                **self._others(),
                "pulled": [names.to_text(origin) for origin in self._pulled()],
                "served": None,
                "approved": self._approvals.holds(tip),
                "rails": self._config.rails.table(),
            }
            result = await self._publishers.run(job)
            if "ask" in result:
                texts = [*result["ask"], *result["recall"]]
                origins = [names.from_text(text).lower() for text in texts]
                found, silent = await self._serials(origins)
                self.unasked = silent if result["ask"] else set()
                served = {names.to_text(origin): known for origin, known in found.items()}
                result = await self._publishers.run({**job, "served": served})
        self.done = None if self._again else tip
        self.warnings, self._due = result["warnings"], result["due"]
        self.last = result["last"]
        if result["former"] is not None:
            log.warning("%s was %s: its zones are kept", self.repository.name, result["former"])
            self._approvals.moved(result["former"], self.repository.name)
        if not result["refused"]:
            self.published = tip
            self._approvals.published(self.repository.name, tip)
        for text in result["refused"]:
            log.error("%s: commit %s refused: %s", self.repository.name, tip[:12], text)
        await self._published(result)

    def _others(self) -> dict[str, Any]:
        repositories = self._config.repository
        return {
            "catalogs": {r.name: [names.to_text(c) for c in r.catalogs] for r in repositories},
            "handover": self.repository.handover,
            "others": [r.name for r in repositories if r.name != self.repository.name],
            "primaries": [primary.name for primary in self._config.primary],
        }

    async def _read_tip(self) -> tuple[str, str, list[str]]:
        """The repository's path, its branch's tip and the directories to watch."""
        wanted = self.repository
        if self._remote is not None:
            repository = await self._remote.fetch()
        else:
            repository = await asyncio.to_thread(Repository.open, str(wanted.path))
        tip = await asyncio.to_thread(repository.branch_tip, wanted.branch)
        if tip is None:
            raise ZonecastError(
                f"has no branch '{wanted.branch}' yet",
                remedy="push it, or name another with 'branch'",
            )
        watched = [] if wanted.url else [str(path) for path in repository.watch_paths()]
        return str(repository.path), tip, watched

    def settled(self, since: float) -> bool:
        """Whether the branch was looked at after `since` and its tip is what is published."""
        return (
            self.checked_at >= since and self.published is not None and self.tip == self.published
        )

    async def find(self, commit: str) -> str | None:
        """The whole hash of a commit of this repository, from its start; None where it is not
        here or the start of several."""
        if not self._path:
            return None  # not looked at yet
        try:
            repository = await asyncio.to_thread(Repository.open, self._path)
            found = await asyncio.to_thread(repository.resolve, commit)
        except ZonecastError:
            return None
        return found if found.startswith(commit) else None

    async def kind(self, name: str) -> str | None:
        """What git calls the object with this whole hash; None where it is not here."""
        if not self._path:
            return None
        asked = ("cat-file", "-t", name)
        try:
            repository = await asyncio.to_thread(Repository.open, self._path)
            done = await asyncio.to_thread(repository.commands.result, *asked, allowed=(0, 128))
        except ZonecastError:
            return None
        return done.stdout.decode("ascii").strip() or None

    async def contains(self, commit: str) -> bool:
        """Whether the branch's tip is a later commit than this one."""
        tip = self.tip
        if not self._path or tip is None:
            return False
        try:
            repository = await asyncio.to_thread(Repository.open, self._path)
            return await asyncio.to_thread(repository.is_ancestor, commit, tip)
        except ZonecastError:
            return False  # not there yet

    async def includes(self, commit: str) -> bool:
        """Whether what is published is this commit (or an abbreviation of it) or a later one."""
        published = self.last
        if published is None:
            return False
        if published.startswith(commit):
            return True
        try:
            repository = await asyncio.to_thread(Repository.open, self._path)
            found = await asyncio.to_thread(repository.resolve, commit)
            return await asyncio.to_thread(repository.is_ancestor, found, published)
        except ZonecastError:
            return False  # not there yet

    def status(self) -> dict[str, Any]:
        """The repository's state: `checked-at` is when the last look that ended had begun."""
        return {
            "name": self.repository.name,
            "branch": self.repository.branch,
            "tip": self.tip,
            "commit": self.last,
            "trouble": self.trouble,
            "checked-at": self.checked_at,
        }
