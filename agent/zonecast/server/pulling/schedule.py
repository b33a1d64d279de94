"""The secondary's side of the controller: when each zone is checked and pulled.

`protocol.refresh` decides; this drives it: one machine a zone, polls from here over UDP,
transfers through the pullers, timers kept in the control store, members learned from catalogs.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from zonecast.errors import StoreError, ZonecastError
from zonecast.protocol import refresh
from zonecast.protocol.refresh import Refresh, Timers
from zonecast.server.peers import Primary, primary_of, to_message
from zonecast.server.pulling.connecting import connect
from zonecast.server.pulling.pullers import Pullers
from zonecast.server.query import Version, ask_version
from zonecast.zone import names
from zonecast.zone.rrset import soa_serial, soa_timers
from zonecast.zone.serial import is_greater

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import PrimaryConfig
    from zonecast.store.control import ControlStore
    from zonecast.store.reader import ZonesReader

log = logging.getLogger("zonecast.pulling")

POLL_TIMEOUT = 3.0
POLLS_AT_ONCE = 64
WRITE_INTERVAL = 1.0


@dataclass
class Pulled:
    """One zone that is pulled: its machine, its primaries in order, the catalog that listed it
    (None: the configuration did) and what the last transfer was."""

    origin: bytes
    machine: Refresh
    primaries: list[PrimaryConfig]
    catalog: bytes | None = None
    last: dict[str, Any] = field(default_factory=dict)


class Pulling:
    """All pulled zones of one agent. `pulled` is awaited with the origins that changed after
    each transfer; `removed` with those that are gone; `changed` when `status` shows more."""

    def __init__(
        self,
        config: Config,
        control: ControlStore,
        reader: ZonesReader,
        pulled: Callable[[list[bytes]], Awaitable[None]],
        changed: Callable[[], None],
    ) -> None:
        self._config = config
        self._control = control
        self._reader = reader
        self._pulled = pulled
        self._changed = changed
        self.pullers = Pullers(config)
        self.zones: dict[bytes, Pulled] = {}
        self.unlisted_notifies = 0
        self._saved = control.items("timers")
        self._primaries = {peer.name: primary_of(config, peer) for peer in config.primary}
        self._heap: list[tuple[float, bytes]] = []
        self._wake = asyncio.Event()
        self._slots = asyncio.Semaphore(POLLS_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._unwritten: set[bytes] = set()
        self.after_transfer: Callable[[Pulled], Awaitable[None]] | None = None
        for member in config.zone + config.catalog:
            self.add(member.name, member.primaries)

    def add(self, origin: bytes, primaries: Iterable[str], catalog: bytes | None = None) -> None:
        """Pull a zone from now on, with the timers it had before."""
        peers = [self._config.primary_named(name) for name in primaries]
        self.zones[origin] = Pulled(origin, self._machine(origin), peers, catalog)
        self._schedule(origin, 0.0)

    def _machine(self, origin: bytes) -> Refresh:
        now = time.time()
        with self._reader.begin() as snapshot:
            record = snapshot.record(origin)
            if record is None:
                return Refresh(now)
            timers = Timers(*soa_timers(snapshot.soa(snapshot.zones[origin]).rdatas[0])[:3])
        saved = self._saved.get(origin)
        if saved is not None and saved["serial"] == record.serial:
            machine = Refresh.from_dict(saved, now)
            # A NOTIFY may have been answered by a worker and have died with the controller.
            machine.check_soon(now)
            return machine
        return Refresh.stored(record.serial, timers, record.published, now)

    def forget(self, origin: bytes) -> None:
        """Stop pulling a zone. What is under way for it ends without effect on its timers."""
        self.zones.pop(origin, None)
        self._saved.pop(origin, None)
        self._set_expired(origin, False)
        self._unwritten.add(origin)

    async def remove(self, origins: Collection[bytes]) -> None:
        """Remove zones from the store, with their journals."""
        zones = [names.to_text(origin) for origin in origins]
        reply = await self.pullers.submit({"remove": {"zones": zones}})
        if not reply["ok"]:
            log.error("zones are not removed: %s", reply["error"])

    def release_expired(self) -> None:
        """Let zones that are no longer pulled be answered again: whoever took them over, a
        repository for instance, answers for them now."""
        for origin in self._control.expired() - self.zones.keys():
            self._set_expired(origin, False)

    def _set_expired(self, origin: bytes, expired: bool) -> None:
        try:
            self._control.set_expired(origin, expired)
        except StoreError as error:
            log.error("%s: %s", names.to_text(origin), error)

    def _schedule(self, origin: bytes, at: float) -> None:
        heappush(self._heap, (at, origin))
        self._wake.set()

    async def run(self) -> None:
        """Drive every zone, for ever; cancel it to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pullers.run())
                group.create_task(self._write_timers())
                while True:
                    self._wake.clear()
                    now = time.time()
                    while self._heap and self._heap[0][0] <= now:
                        self._step(heappop(self._heap)[1])
                    pause = self._heap[0][0] - now if self._heap else None
                    await self._sleep(pause)
        finally:
            self.pullers.stop()
            for task in self._tasks:
                task.cancel()
            self._write()

    async def _sleep(self, pause: float | None) -> None:
        try:
            await asyncio.wait_for(self._wake.wait(), pause)
        except TimeoutError:
            return

    def _step(self, origin: bytes) -> None:
        """Do what the zone's machine says is due."""
        zone = self.zones.get(origin)
        if zone is None:
            return
        while True:
            action = zone.machine.act(time.time())
            if isinstance(action, refresh.Wait):
                if action.until is not None:
                    heappush(self._heap, (action.until, origin))
                return
            if isinstance(action, refresh.Expire):
                log.error("%s has expired: answered with SERVFAIL", names.to_text(origin))
                self._set_expired(origin, True)
                self._noted(zone)
            elif isinstance(action, refresh.Poll):
                self._start(zone, self._poll(zone))
            else:
                self._start(zone, self._transfer(zone, action.force))

    def _start(self, zone: Pulled, work: Coroutine[Any, Any, None]) -> None:
        async def guarded() -> None:
            try:
                await work
            except Exception as error:
                # What happens with one zone must not leave it waiting for ever.
                log.exception("%s", names.to_text(zone.origin))
                zone.machine.failed(time.time(), random.random(), f"internal error: {error!r}")
                self._noted(zone)

        task = asyncio.get_running_loop().create_task(guarded())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _poll(self, zone: Pulled) -> None:
        """Ask the primaries in order until one has a newer version. One that has ours is not the
        last word: it may be stale itself."""
        troubles = []
        behind: int | None = None
        confirmed: list[int | None] = []
        for peer in list(zone.primaries):
            try:
                async with self._slots:
                    version = await _ask(zone.origin, self._primaries[peer.name])
            except (ZonecastError, OSError) as error:
                troubles.append(f"{peer.name}: {error}")
                continue
            serial = soa_serial(version.soa.rdatas[0])
            ours = zone.machine.serial
            if ours is None or is_greater(serial, ours):
                _put_first(zone.primaries, peer)
                zone.machine.newer()
                break
            if serial == ours:
                confirmed.append(version.expire)
            else:
                behind = serial
        else:
            if confirmed:
                # Who does not say when it expires there may be the one that never does.
                seconds = [expire for expire in confirmed if expire is not None]
                latest = max(seconds) if len(seconds) == len(confirmed) else None
                zone.machine.unchanged(time.time(), random.random(), latest)
                self._set_expired(zone.origin, zone.machine.expired)
            elif behind is not None:
                zone.machine.backwards(behind, time.time(), random.random())
            else:
                zone.machine.failed(time.time(), random.random(), "; ".join(troubles))
        self._noted(zone)

    async def _transfer(self, zone: Pulled, force: bool) -> None:
        reply = await self.pullers.submit(
            {
                "pull": {
                    "zone": names.to_text(zone.origin),
                    "serial": zone.machine.serial,
                    "force": force,
                    "primaries": [
                        to_message(self._primaries[peer.name]) for peer in zone.primaries
                    ],
                }
            }
        )
        if self.zones.get(zone.origin) is not zone:
            if reply["ok"] and zone.origin not in self.zones:
                await self.remove([zone.origin])  # it came after nobody wanted it any more
            return
        now, jitter = time.time(), random.random()
        if not reply["ok"]:
            if reply.get("backwards") is not None:
                zone.machine.backwards(reply["backwards"], now, jitter)
            else:
                zone.machine.failed(now, jitter, reply["error"])
            self._noted(zone)
            return
        zone.last = {
            k: reply.get(k) for k in ("how", "primary", "records", "bytes", "seconds", "secure")
        }
        zone.last["at"] = now
        expire = reply["expire"]
        if reply["how"] == "unchanged":
            zone.machine.unchanged(now, jitter, expire)
        else:
            timers = Timers(*reply["timers"][:3])
            zone.machine.transferred(reply["serial"], timers, now, jitter, expire)
        self._set_expired(zone.origin, zone.machine.expired)
        self._noted(zone)
        if expire is not None and expire < reply["timers"][2]:
            self._write()  # whoever pulls from us must not be told the whole of the SOA's
        if reply["how"] != "unchanged":
            await self._pulled([zone.origin])
            if self.after_transfer is not None:
                await self.after_transfer(zone)

    def notified(self, message: dict[str, Any]) -> None:
        """A NOTIFY that a worker let through: checked against the zone's own primaries."""
        origin = names.from_text(message["zone"]).lower()
        zone = self.zones.get(origin)
        peers = [] if zone is None else [p for p in zone.primaries if _is_from(p, message)]
        # Several may share a key: the one at that address, if there is one.
        peers.sort(key=lambda peer: peer.address.host != message["address"])
        if zone is None or not peers:
            self.unlisted_notifies += 1
            return
        if zone.machine.notified(message["serial"], time.time()):
            _put_first(zone.primaries, peers[0])
            self._schedule(origin, 0.0)

    def refresh(self, origin: bytes) -> None:
        """Check a zone now, because somebody asked."""
        self.zones[origin].machine.check_soon(time.time())
        self._schedule(origin, 0.0)

    def retransfer(self, origin: bytes) -> None:
        """Transfer a zone now, whatever its serial."""
        self.zones[origin].machine.retransfer()
        self._schedule(origin, 0.0)

    def status(self, origin: bytes) -> dict[str, Any] | None:
        """A pulled zone's state, None for a zone that is not pulled."""
        zone = self.zones.get(origin)
        if zone is None:
            return None
        return {
            **zone.machine.to_dict(),
            "phase": zone.machine.phase.value,
            "primaries": [{"name": p.name, "address": str(p.address)} for p in zone.primaries],
            "catalog": None if zone.catalog is None else names.to_text(zone.catalog),
            "last-transfer": zone.last or None,
        }

    def _noted(self, zone: Pulled) -> None:
        self._unwritten.add(zone.origin)
        self._schedule(zone.origin, 0.0)
        self._changed()

    async def _write_timers(self) -> None:
        while True:
            await asyncio.sleep(WRITE_INTERVAL)
            self._write()

    def _write(self) -> None:
        records = {
            origin: self.zones[origin].machine.to_dict() if origin in self.zones else None
            for origin in self._unwritten
        }
        try:
            self._control.write("timers", records)
        except StoreError as error:
            log.error("timers are not kept: %s", error)
            return
        self._unwritten.clear()


async def _ask(origin: bytes, primary: Primary) -> Version:
    """What a primary has of a zone; where TLS is strict, nothing is asked in clear."""
    host, port, key, tls = primary.host, primary.port, primary.key, primary.tls
    if tls is None or not tls.strict:
        return await ask_version(origin, host, port, key, POLL_TIMEOUT)

    async def over_tls() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        stream = await connect(primary, POLL_TIMEOUT)
        return stream.reader, stream.writer

    return await ask_version(origin, host, tls.port, key, POLL_TIMEOUT, over_tls)


def _put_first(primaries: list[PrimaryConfig], first: PrimaryConfig) -> None:
    """Try this primary first from now on: it has what we want."""
    primaries.sort(key=lambda peer: peer is not first)


def _is_from(peer: PrimaryConfig, message: dict[str, Any]) -> bool:
    """Whether a NOTIFY came from this primary: by key before address (NAT)."""
    if peer.keys:
        key = message["key"]
        return key is not None and names.from_text(key).lower() in peer.keys
    return bool(message["address"] == peer.address.host)
