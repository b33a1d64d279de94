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
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from zonecast.protocol import primaries, refresh
from zonecast.protocol.primaries import Choice, Source
from zonecast.protocol.refresh import Refresh, Timers
from zonecast.server.peers import primary_of, to_message
from zonecast.server.pulling.agenda import Agenda
from zonecast.server.pulling.polling import Polling
from zonecast.server.pulling.pullers import Pullers
from zonecast.server.pulling.timers import KeptTimers
from zonecast.zone import names
from zonecast.zone.rrset import soa_timers

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import PrimaryConfig
    from zonecast.store.control import ControlStore
    from zonecast.store.reader import ZonesReader

log = logging.getLogger("zonecast.pulling")

# What `status` shows of a zone's last transfer, as the puller says it.
_LAST = ("how", "primary", "records", "bytes", "seconds", "secure", "no-ixfr")


@dataclass
class Pulled:
    """One zone that is pulled: its machine, its primaries in order and the choice among them, the
    catalog that listed it (None: the configuration did), what the last poll found to transfer from,
    what the last transfer was, and by primary why no IXFR is asked of it next."""

    origin: bytes
    machine: Refresh
    primaries: list[PrimaryConfig]
    choice: Choice
    catalog: bytes | None = None
    sources: list[Source] = field(default_factory=list)
    last: dict[str, Any] = field(default_factory=dict)
    stalled: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> list[str]:
        """The primaries' names, in order."""
        return [peer.name for peer in self.primaries]


class Pulling:
    """All pulled zones of one agent. `pulled` is awaited with the origins that changed after
    each transfer; `changed` is called when `status` shows more, `tell_expired` as
    `KeptTimers` says."""

    def __init__(
        self,
        config: Config,
        control: ControlStore,
        reader: ZonesReader,
        pulled: Callable[[list[bytes]], Awaitable[None]],
        changed: Callable[[], None],
        tell_expired: Callable[[frozenset[bytes] | None], None],
    ) -> None:
        self._config = config
        self._reader = reader
        self._pulled = pulled
        self._changed = changed
        self.pullers = Pullers(config)
        self.zones: dict[bytes, Pulled] = {}
        self.unlisted_notifies = 0
        self._timers = KeptTimers(control, self._kept, tell_expired)
        self._primaries = {peer.name: primary_of(config, peer) for peer in config.primary}
        self._agenda = Agenda()
        self._wake = asyncio.Event()
        self._polling = Polling(list(self._primaries.values()))
        self._tasks: set[asyncio.Task[None]] = set()
        self.after_transfer: Callable[[Pulled], Awaitable[None]] | None = None
        members = config.zone + config.catalog
        self._tolerances = {member.name: member.pin_tolerance for member in members}
        for member in members:
            self.add(member.name, member.primaries)

    def add(self, origin: bytes, sources: Iterable[str], catalog: bytes | None = None) -> None:
        """Pull a zone from now on from these primaries, with the timers it had before."""
        peers = [self._config.primary_named(name) for name in sources]
        choice = Choice(self._tolerances.get(catalog or origin, 0.0))
        machine = self._machine(origin, choice)
        self.zones[origin] = Pulled(origin, machine, peers, choice, catalog)
        self._schedule(origin, 0.0)

    def _machine(self, origin: bytes, choice: Choice) -> Refresh:
        now = time.time()
        with self._reader.begin() as snapshot:
            record = snapshot.record(origin)
            if record is None:
                return Refresh(now)
            choice.had(record.source, record.serial)
            timers = Timers(*soa_timers(snapshot.soa(snapshot.zones[origin]).rdatas[0])[:3])
        saved = self._timers.saved(origin)
        if saved is not None and saved["serial"] == record.serial:
            machine = Refresh.from_dict(saved, now)
            # A NOTIFY may have been answered by a worker and have died with the controller.
            machine.check_soon(now)
            return machine
        return Refresh.stored(record.serial, timers, record.published, now)

    def forget(self, origin: bytes) -> None:
        """Stop pulling a zone. What is under way for it ends without effect on its timers."""
        self.zones.pop(origin, None)
        self._timers.forget(origin)

    async def remove(self, origins: Collection[bytes]) -> None:
        """Remove zones from the store, with their journals."""
        zones = [names.to_text(origin) for origin in origins]
        reply = await self.pullers.submit({"remove": {"zones": zones}})
        if not reply["ok"]:
            log.error("zones are not removed: %s", reply["error"])

    def release_expired(self) -> None:
        """Let zones that are no longer pulled be answered again: whoever took them over, a
        repository for instance, answers for them now."""
        self._timers.release(self.zones)

    @property
    def expired(self) -> frozenset[bytes]:
        """The origins answered with SERVFAIL."""
        return self._timers.expired

    def _schedule(self, origin: bytes, at: float) -> None:
        if self._agenda.put(origin, at):
            self._wake.set()

    async def run(self) -> None:
        """Drive every zone, for ever; cancel it to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.pullers.run())
                group.create_task(self._timers.run())
                while True:
                    self._wake.clear()
                    now = time.time()
                    for origin in self._agenda.due(now):
                        self._step(origin)
                    next_one = self._agenda.next
                    await self._sleep(None if next_one is None else max(0.0, next_one - now))
        finally:
            self.pullers.stop()
            for task in self._tasks:
                task.cancel()
            self._timers.write()

    async def _sleep(self, pause: float | None) -> None:
        # Not asyncio.wait_for: it may swallow the cancellation that ends this.
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await self._wake.wait()

    def _step(self, origin: bytes) -> None:
        """Do what the zone's machine says is due."""
        zone = self.zones.get(origin)
        if zone is None:
            return
        while True:
            action = zone.machine.act(time.time())
            if isinstance(action, refresh.Wait):
                if action.until is not None:
                    self._agenda.put(origin, action.until)
                return
            if isinstance(action, refresh.Expire):
                log.error("%s has expired: answered with SERVFAIL", names.to_text(origin))
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
        """Ask the primaries which version they have, and tell the machine."""
        machine = zone.machine
        verdict = await self._polling.poll(zone.origin, zone.choice, zone.names, machine.serial)
        now, jitter = time.time(), random.random()
        if isinstance(verdict, primaries.Newer):
            zone.sources = verdict.sources
            machine.newer()
        elif isinstance(verdict, primaries.Behind):
            machine.backwards(verdict.serial, now, jitter)
        elif isinstance(verdict, primaries.Failed):
            machine.failed(now, jitter, verdict.reason)
        else:
            machine.unchanged(now, jitter, verdict.expire)
        if isinstance(verdict, primaries.Same | primaries.Failed) and verdict.until is not None:
            machine.check_by(verdict.until)
        self._noted(zone)

    async def _transfer(self, zone: Pulled, force: bool) -> None:
        machine = zone.machine
        sources, zone.sources = zone.sources, []
        if force or not sources:
            sources = zone.choice.sources(zone.names, time.time(), self._polling.standings)
        reply = await self.pullers.submit(
            {
                "pull": {
                    "zone": names.to_text(zone.origin),
                    "serial": machine.serial,
                    "force": force,
                    "primaries": [to_message(self._primaries[source.name]) for source in sources],
                    "whole": [source.name for source in sources if not source.incremental],
                    "stalled": zone.stalled,
                }
            }
        )
        if self.zones.get(zone.origin) is not zone:
            if reply["ok"] and zone.origin not in self.zones:
                await self.remove([zone.origin])  # it came after nobody wanted it any more
            return
        if reply["ok"] and reply["expire"] is None and zone.choice.of(reply["primary"]).at is None:
            await self._polling.learn(zone.origin, zone.choice, reply["primary"], reply["serial"])
        now, jitter = time.time(), random.random()
        self._note_errors(zone, reply, now, jitter)
        if not reply["ok"]:
            if reply.get("backwards") is not None:
                machine.backwards(reply["backwards"], now, jitter)
            else:
                machine.failed(now, jitter, reply["error"])
            self._noted(zone)
            return
        had_expired = machine.expired
        self._note_transfer(zone, reply, now, jitter)
        if reply["how"] != "unchanged":
            if had_expired or machine.expires_at != now + reply["timers"][2]:
                # Whoever is told now and pulls from us must have it, and not be told the whole of
                # the SOA's expire.
                await self._timers.written()
            await self._pulled([zone.origin])
            if self.after_transfer is not None:
                await self.after_transfer(zone)

    def _note_errors(self, zone: Pulled, reply: dict[str, Any], now: float, jitter: float) -> None:
        """What was wrong with primaries, also where another one gave the zone."""
        for name, error in reply.get("errors", {}).items():
            zone.choice.failed(name, error)
        for name in reply.get("silent", ()):
            self._polling.standings[name].silent(now, jitter)
        zone.stalled |= reply.get("stalled", {})

    def _note_transfer(
        self, zone: Pulled, reply: dict[str, Any], now: float, jitter: float
    ) -> None:
        machine, name = zone.machine, reply["primary"]
        zone.last = {key: reply[key] for key in _LAST}
        zone.last["at"] = now
        zone.stalled.pop(name, None)
        expire = reply["expire"]
        if expire is None:
            # It may have said so with the SOA.
            expire = zone.choice.of(name).expires_in(now)
        if reply["how"] == "unchanged":
            zone.choice.answered(name, reply["serial"], expire, now)
            machine.unchanged(now, jitter, expire)
        else:
            zone.choice.took(name, reply["serial"], now, expire)
            timers = Timers(*reply["timers"][:3])
            machine.transferred(reply["serial"], timers, now, jitter, expire)
        self._polling.standings[name].answered()
        self._noted(zone)

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
        self._polling.standings[peers[0].name].answered()
        if zone.machine.notified(message["serial"], time.time()):
            zone.choice.prefer(peers[0].name)
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
            "primaries": [self._primary_status(zone, peer) for peer in zone.primaries],
            "catalog": None if zone.catalog is None else names.to_text(zone.catalog),
            "last-transfer": zone.last or None,
        }

    def _primary_status(self, zone: Pulled, peer: PrimaryConfig) -> dict[str, Any]:
        """What one primary last said of a zone, and whether it answers at all."""
        said, standing = zone.choice.of(peer.name), self._polling.standings[peer.name]
        return {
            "name": peer.name,
            "address": str(peer.address),
            "tls": peer.tls,
            "pinned": bool(zone.choice.tolerance) and zone.choice.pinned == peer.name,
            "serial": said.serial,
            "answered": said.at,
            "error": said.error,
            "back-from": said.back_from,
            "silent-since": standing.silent_since,
        }

    def _noted(self, zone: Pulled) -> None:
        self._timers.note(zone.origin)
        self._schedule(zone.origin, 0.0)
        self._changed()

    def _kept(self, origin: bytes) -> dict[str, Any] | None:
        zone = self.zones.get(origin)
        return None if zone is None else zone.machine.to_dict()


def _is_from(peer: PrimaryConfig, message: dict[str, Any]) -> bool:
    """Whether a NOTIFY came from this primary: by key before address (NAT)."""
    if peer.keys:
        key = message["key"]
        return key is not None and names.from_text(key).lower() in peer.keys
    return bool(message["address"] == peer.address.host)
