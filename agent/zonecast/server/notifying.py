"""Telling secondaries, and seeing for ourselves what they serve.

After a version is visible here, each secondary gets a NOTIFY (`protocol.notify` decides when
again) and is asked for its SOA until it answers with that serial or a later one: a NOTIFY's answer
only says that it arrived. One silent secondary delays no other. What each was told and was seen
serving is kept in the control store.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zonecast.errors import StoreError, ZonecastError
from zonecast.protocol.notify import Due, Outbox
from zonecast.server.peers import signing_key
from zonecast.server.query import SilentError, ask_soa, send_notify
from zonecast.zone.rrset import RRset, soa_serial
from zonecast.zone.serial import is_greater

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.values import Endpoint
    from zonecast.store.control import ControlStore

log = logging.getLogger("zonecast.notifying")

TIMEOUT = 2.0
# Seconds between looks at what a secondary serves, while it answers and while it is silent; the
# last repeats until it has caught up.
LOOKS = (0.03, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 2.0, 5.0)
SILENT_LOOKS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
# After so many looks at one that answers with an old version it is told again: a NOTIFY may have
# been answered and then forgotten.
LOOKS_TO_TELL_AGAIN = 10
# Queries under way at once to one secondary: a commit of ten thousand zones must not burst, and
# one that is silent must not hold up another.
AT_ONCE = 16
# Seconds that a repository's first publication waits for what secondaries have.
FIRST_ASK = 10.0
# Seconds between writes of the peers' records.
WRITE_INTERVAL = 1.0


@dataclass
class Peer:
    """One secondary and one zone. Times are POSIX seconds, 0 for never."""

    told: int | None = None
    told_at: float = 0.0
    seen: int | None = None
    seen_at: float = 0.0
    error: str = ""

    def has(self, serial: int) -> bool:
        """Whether it was seen serving `serial`."""
        return self.seen == serial

    def ahead(self, serial: int) -> bool:
        """Whether it was seen serving what `serial` is not greater than (RFC 1982 §3.2): it will
        not take that version by itself."""
        return self.seen is not None and self.seen != serial and not is_greater(serial, self.seen)


class Notifying:
    """All secondaries of one agent. `soa_of` gives the SOA of a zone as published, None for one
    not served; `changed` is called when something that `status` shows has changed."""

    def __init__(
        self,
        config: Config,
        control: ControlStore,
        soa_of: Callable[[bytes], RRset | None],
        changed: Callable[[], None],
    ) -> None:
        self._secondaries = {peer.name: peer for peer in config.secondary}
        self._keys = {peer.name: signing_key(config, peer) for peer in config.secondary}
        self._control = control
        self._soa_of = soa_of
        self._changed = changed
        self._outbox = Outbox()
        self._wake = asyncio.Event()
        self._slots = {peer.name: asyncio.Semaphore(AT_ONCE) for peer in config.secondary}
        self._watches: dict[tuple[str, bytes], asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._unwritten: set[tuple[str, bytes]] = set()
        # Since when a secondary says nothing at all, whichever zone it is asked for.
        self._silent: dict[str, float] = {}
        self._peers = dict(self._load())

    def _load(self) -> Iterator[tuple[tuple[str, bytes], Peer]]:
        for key, value in self._control.items("peers").items():
            name, _, origin = key.partition(b"\x00")
            if name.decode() in self._secondaries:
                yield (name.decode(), origin), Peer(**value)

    def announce(
        self, origins: Iterable[bytes], *, but: Collection[Endpoint] = (), again: bool = False
    ) -> list[str]:
        """Tell every secondary about these zones, except those at `but` (where a zone came from)
        and, unless `again`, those that have the version already. Returns who is told."""
        now = time.time()
        told: dict[str, None] = {}
        for origin in origins:
            soa = self._soa_of(origin)
            if soa is None:
                continue
            serial = soa_serial(soa.rdatas[0])
            for name, secondary in self._secondaries.items():
                if secondary.address in but and not again:
                    self._watch(name, origin)
                    continue
                if again or not self.peer(name, origin).has(serial):
                    self._outbox.announce(name, origin, serial, now)
                    self._watch(name, origin)
                    told[name] = None
        self._wake.set()
        return list(told)

    def forget(self, origin: bytes) -> None:
        """The zone is gone."""
        self._outbox.forget(origin)
        for key in [key for key in self._peers if key[1] == origin]:
            del self._peers[key]
            self._unwritten.add(key)

    def peer(self, name: str, origin: bytes) -> Peer:
        """What is known of a secondary and a zone."""
        return self._peers.setdefault((name, origin), Peer())

    def status(self, origin: bytes, serial: int) -> list[dict[str, Any]]:
        """Each secondary's state for a zone that stands at `serial` here."""
        return [
            {
                "name": name,
                "address": str(secondary.address),
                "has-it": self.peer(name, origin).has(serial),
                "silent-since": self._silent.get(name),
                "ahead": self.peer(name, origin).ahead(serial),
                **{k.replace("_", "-"): v for k, v in asdict(self.peer(name, origin)).items()},
            }
            for name, secondary in self._secondaries.items()
        ]

    async def serials(self, origins: list[bytes]) -> tuple[dict[bytes, list[int]], set[str]]:
        """The serials that secondaries have of these zones, asked for now, and the names of the
        secondaries that did not say all of it within FIRST_ASK seconds."""
        found: dict[bytes, list[int]] = {origin: [] for origin in origins}
        asked = {
            name: asyncio.ensure_future(self._serials_of(name, found)) for name in self._secondaries
        }
        if asked:
            _, late = await asyncio.wait(asked.values(), timeout=FIRST_ASK)
            for task in late:
                task.cancel()
            await asyncio.gather(*asked.values(), return_exceptions=True)
        return found, {n for n, task in asked.items() if task.cancelled() or task.exception()}

    async def _serials_of(self, name: str, found: dict[bytes, list[int]]) -> None:
        """Add what one secondary has. Raises SilentError where it does not answer."""
        host, port = self._secondaries[name].address

        async def ask(origin: bytes) -> None:
            async with self._slots[name]:
                try:
                    soa = await ask_soa(origin, host, port, self._keys[name], TIMEOUT)
                except SilentError as error:
                    self._heard(name, error)
                    raise
                except (ZonecastError, OSError):
                    return  # it says that it has none
                finally:
                    self._changed()
            found[origin].append(soa_serial(soa.rdatas[0]))

        first, *rest = found
        await ask(first)
        await asyncio.gather(*map(ask, rest))

    def silent(self) -> frozenset[str]:
        """The secondaries that do not answer."""
        return frozenset(self._silent)

    async def run(self) -> None:
        """Send what is due, for ever; cancel it to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write_peers())
                while True:
                    self._wake.clear()
                    for due in self._outbox.due(time.time()):
                        self._start(self._tell(due))
                    await self._sleep_until(self._outbox.deadline())
        finally:
            for task in [*self._tasks, *self._watches.values()]:
                task.cancel()
            self._write()

    async def _sleep_until(self, deadline: float | None) -> None:
        pause = None if deadline is None else max(deadline - time.time(), 0.0)
        try:
            await asyncio.wait_for(self._wake.wait(), pause)
        except TimeoutError:
            return

    def _start(self, work: Any) -> asyncio.Task[None]:
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _tell(self, due: Due) -> None:
        secondary = self._secondaries[due.secondary]
        soa = self._soa_of(due.origin)
        if soa is None:
            return
        peer = self.peer(due.secondary, due.origin)
        host, port = secondary.address
        async with self._slots[due.secondary]:
            try:
                await send_notify(due.origin, soa, host, port, self._keys[due.secondary], TIMEOUT)
            except (ZonecastError, OSError) as error:
                if not peer.has(due.serial):
                    self._heard(due.secondary, error)
                    self._note(due.secondary, due.origin, error=f"NOTIFY: {error}")
                return
        self._heard(due.secondary)
        self._outbox.answered(due.secondary, due.origin, due.serial)
        self._note(due.secondary, due.origin, told=due.serial, told_at=time.time(), error="")

    def _watch(self, name: str, origin: bytes) -> None:
        old = self._watches.pop((name, origin), None)
        if old is not None:
            old.cancel()
        task = asyncio.get_running_loop().create_task(self._look(name, origin))
        self._watches[name, origin] = task
        task.add_done_callback(lambda done: self._unwatch(name, origin, done))

    def _unwatch(self, name: str, origin: bytes, done: asyncio.Task[None]) -> None:
        if self._watches.get((name, origin)) is done:
            del self._watches[name, origin]

    async def _look(self, name: str, origin: bytes) -> None:
        """Ask a secondary for its SOA until it has the version that is published here."""
        looks = silent = 0
        pause = LOOKS[0]
        while (soa := self._soa_of(origin)) is not None:
            await asyncio.sleep(pause)
            if await self._ask(name, origin):
                looks, silent = looks + 1, 0
                pause = LOOKS[min(looks, len(LOOKS) - 1)]
            else:
                pause = SILENT_LOOKS[min(silent, len(SILENT_LOOKS) - 1)]
                silent += 1
            wanted = soa_serial(soa.rdatas[0])
            if self.peer(name, origin).has(wanted) and name not in self._silent:
                self._outbox.answered(name, origin, wanted)
                return
            if looks and not looks % LOOKS_TO_TELL_AGAIN:
                self._outbox.announce(name, origin, wanted, time.time())
                self._wake.set()

    async def _ask(self, name: str, origin: bytes) -> bool:
        """Note what a secondary serves; False where nothing came within the time."""
        host, port = self._secondaries[name].address
        async with self._slots[name]:
            started = time.monotonic()
            try:
                soa = await ask_soa(origin, host, port, self._keys[name], TIMEOUT)
            except (ZonecastError, OSError) as error:
                self._heard(name, error)
                self._note(name, origin, error=f"asked for its SOA: {error}")
                return time.monotonic() - started < TIMEOUT
        self._heard(name)
        self._note(name, origin, seen=soa_serial(soa.rdatas[0]), seen_at=time.time(), error="")
        return True

    def _heard(self, name: str, error: Exception | None = None) -> None:
        """Note that a secondary said something, or by `error` that it did not."""
        if isinstance(error, (SilentError, OSError)):
            self._silent.setdefault(name, time.time())
        else:
            self._silent.pop(name, None)

    def _note(self, name: str, origin: bytes, **changes: Any) -> None:
        peer = self.peer(name, origin)
        for field, value in changes.items():
            setattr(peer, field, value)
        self._unwritten.add((name, origin))
        self._changed()

    async def _write_peers(self) -> None:
        while True:
            await asyncio.sleep(WRITE_INTERVAL)
            self._write()

    def _write(self) -> None:
        records = {
            name.encode() + b"\x00" + origin: (
                asdict(self._peers[name, origin]) if (name, origin) in self._peers else None
            )
            for name, origin in self._unwritten
        }
        try:
            self._control.write("peers", records)
        except StoreError as error:
            log.error("what secondaries have is not kept: %s", error)
            return
        self._unwritten.clear()
