"""Telling secondaries, and seeing for ourselves what they serve.

After a version is visible here, each secondary is told of it and asked until it has it
(`server.telling`), each on its own: one that is silent delays no other. What each was told and was
seen serving is kept in the control store.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from zonecast.errors import ZonecastError
from zonecast.server.peers import signing_key
from zonecast.server.query import SilentError, ask_soa
from zonecast.server.telling import Teller
from zonecast.zone.rrset import RRset, soa_serial
from zonecast.zone.serial import is_greater

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.values import Endpoint
    from zonecast.store.control import ControlStore


# Seconds that a repository's first publication waits for what secondaries have, for one of them
# to answer, and how many queries are under way at once to it.
FIRST_ASK = 10.0
TIMEOUT = 2.0
AT_ONCE = 16
# Seconds between writes of the peers' records.
WRITE_INTERVAL = 1.0


@dataclass(slots=True)
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

    def record(self) -> dict[str, Any]:
        """What is kept, in the control store."""
        return {
            "told": self.told,
            "told_at": self.told_at,
            "seen": self.seen,
            "seen_at": self.seen_at,
            "error": self.error,
        }


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
        self._tellers = {
            name: Teller(secondary, self._keys[name], soa_of, partial(self._note, name))
            for name, secondary in self._secondaries.items()
        }
        # The secondaries that a zone is for, None for all of them.
        self.audience: Callable[[bytes], frozenset[str] | None] = lambda _: None
        self._unwritten: set[tuple[str, bytes]] = set()
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
        told: dict[str, None] = {}
        for origin in origins:
            soa = self._soa_of(origin)
            if soa is None:
                continue
            serial = soa_serial(soa.rdatas[0])
            for name, teller in self._tellers_of(origin):
                if self._secondaries[name].address in but and not again:
                    teller.announce(origin, serial, tell=False)
                elif again or not self.peer(name, origin).has(serial):
                    teller.announce(origin, serial)
                    told[name] = None
        return list(told)

    def _tellers_of(self, origin: bytes) -> list[tuple[str, Teller]]:
        among = self.audience(origin)
        return [(n, teller) for n, teller in self._tellers.items() if among is None or n in among]

    def forget(self, origin: bytes) -> None:
        """The zone is gone."""
        for name, teller in self._tellers.items():
            teller.forget(origin)
            if self._peers.pop((name, origin), None) is not None:
                self._unwritten.add((name, origin))

    def peer(self, name: str, origin: bytes) -> Peer:
        """What is known of a secondary and a zone."""
        return self._peers.setdefault((name, origin), Peer())

    def status(self, origin: bytes, serial: int) -> list[dict[str, Any]]:
        """Each secondary's state for a zone that stands at `serial` here."""
        found = []
        for name, teller in self._tellers_of(origin):
            peer = self.peer(name, origin)
            found.append(
                {
                    "name": name,
                    "address": str(self._secondaries[name].address),
                    "has-it": peer.has(serial),
                    "silent-since": teller.silent_since,
                    "ahead": peer.ahead(serial),
                    "told": peer.told,
                    "told-at": peer.told_at,
                    "seen": peer.seen,
                    "seen-at": peer.seen_at,
                    "error": peer.error or ("" if peer.has(serial) else teller.silence),
                }
            )
        return found

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
        slots = asyncio.Semaphore(AT_ONCE)

        async def ask(origin: bytes) -> None:
            async with slots:
                try:
                    soa = await ask_soa(origin, host, port, self._keys[name], TIMEOUT)
                except SilentError as error:
                    self._tellers[name].fell_silent(str(error))
                    raise
                except (ZonecastError, OSError):
                    return  # it says that it has none
                finally:
                    self._changed()
            found[origin].append(soa_serial(soa.rdatas[0]))

        first, *rest = found
        await ask(first)
        await asyncio.gather(*map(ask, rest))

    def behind(self) -> int:
        """How many zones are to be seen at secondaries yet, each at each."""
        return sum(teller.behind for teller in self._tellers.values())

    def silent(self) -> frozenset[str]:
        """The secondaries that do not answer."""
        return frozenset(
            name for name, teller in self._tellers.items() if teller.silent_since is not None
        )

    async def run(self) -> None:
        """Tell all of them, for ever; cancel it to stop."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._write_peers())
                for teller in self._tellers.values():
                    group.create_task(teller.run())
        finally:
            self._write()

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
                self._peers[name, origin].record() if (name, origin) in self._peers else None
            )
            for name, origin in self._unwritten
        }
        if self._control.keep("what secondaries have", {"peers": records}):
            self._unwritten.clear()
