"""Catalogs as a secondary uses them (RFC 9432): members are pulled, former members removed.

What each catalog listed is kept with its labels, so that after a restart members are served
before any primary answers, and a changed label is known for what it is. A catalog that is broken,
or that has lost all of its several members at once, changes nothing and is reported.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Any

from zonecast.errors import StoreError
from zonecast.protocol import catalog as rfc9432
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.server.pulling.schedule import Pulled, Pulling
    from zonecast.store.control import ControlStore
    from zonecast.store.reader import ZonesReader

log = logging.getLogger("zonecast.members")

_MARK = b"members/"


class Members:
    """All catalogs that one agent consumes. `removed` is awaited with members that are gone."""

    def __init__(
        self,
        config: Config,
        control: ControlStore,
        reader: ZonesReader,
        pulling: Pulling,
        removed: Callable[[list[bytes]], Awaitable[None]],
    ) -> None:
        self._catalogs = {member.name: member.primaries for member in config.catalog}
        self._control = control
        self._reader = reader
        self._pulling = pulling
        self._removed = removed
        self.troubles: dict[bytes, str] = {}
        # Two transfers of a catalog in quick succession are followed in their order.
        self._following = asyncio.Lock()
        self._listed = {origin: self._load(origin) for origin in self._catalogs}
        for origin, listed in self._listed.items():
            self._adopt(origin, listed)
        pulling.after_transfer = self._transferred

    async def catch_up(self) -> None:
        """Follow the catalogs as they are stored: the last run may have been ended between the
        transfer of one and its members. What was listed by catalogs that are no longer configured
        is forgotten."""
        for origin in self._catalogs:
            await self._read(origin)
        marks = self._control.items("marks")
        gone = [m for m in marks if m.startswith(_MARK) and m[len(_MARK) :] not in self._catalogs]
        self._control.write("marks", dict.fromkeys(gone))

    def _load(self, origin: bytes) -> dict[bytes, bytes]:
        saved: dict[str, str] = self._control.items("marks").get(_MARK + origin, {})
        return {bytes.fromhex(name): label.encode("latin-1") for name, label in saved.items()}

    def _adopt(self, catalog: bytes, members: Iterable[bytes]) -> None:
        for member in members:
            if member in self._pulling.zones:
                continue
            if self._is_ours(member):
                log.warning(
                    "%s lists %s, which a repository of this agent publishes: ignored",
                    names.to_text(catalog),
                    names.to_text(member),
                )
                continue
            self._pulling.add(member, self._catalogs[catalog], catalog)

    def _is_ours(self, member: bytes) -> bool:
        with self._reader.begin() as snapshot:
            record = snapshot.record(member)
        return record is not None and bool(record.commit or record.path)

    async def _transferred(self, zone: Pulled) -> None:
        """A zone was transferred: if it is a catalog, follow what it lists now."""
        if zone.origin in self._catalogs:
            await self._read(zone.origin)

    async def _read(self, catalog: bytes) -> None:
        """Follow a catalog as it is stored now."""
        async with self._following:
            await self._compare(catalog)

    async def _compare(self, catalog: bytes) -> None:
        with self._reader.begin() as snapshot:
            contents = snapshot.zone(catalog)
        if contents is None:
            return
        before = self._listed[catalog]
        try:
            after = rfc9432.members(contents)
            if not after and len(before) > 1:
                raise rfc9432.CatalogError(
                    f"lists nothing any more; its {len(before)} members stay as they were",
                    remedy="list at least one member, or remove the catalog from the configuration",
                )
        except rfc9432.CatalogError as error:
            self.troubles[catalog] = str(error)
            log.error("%s: %s", names.to_text(catalog), error)
            return
        self.troubles.pop(catalog, None)
        self._listed[catalog] = after
        await self._follow(catalog, rfc9432.changes(before, after))
        saved = {name.hex(): label.decode("latin-1") for name, label in after.items()}
        try:
            self._control.write("marks", {_MARK + catalog: saved})
        except StoreError as error:
            log.error("%s: its members are not kept: %s", names.to_text(catalog), error)

    async def _follow(self, catalog: bytes, changes: rfc9432.Changes) -> None:
        gone = [
            origin
            for origin in changes.removed | changes.reset
            if (zone := self._pulling.zones.get(origin)) is not None and zone.catalog == catalog
        ]
        for origin in gone:
            self._pulling.forget(origin)
        if gone:
            await self._pulling.remove(gone)
            await self._removed(gone)
        self._adopt(catalog, sorted(changes.added | changes.reset))
        # A member that another catalog lists too is that one's now.
        for other, listed in self._listed.items():
            self._adopt(other, sorted(listed.keys() & changes.removed))

    def status(self) -> dict[str, Any]:
        """Each catalog with how many members it lists, and what is wrong with it."""
        return {
            names.to_text(origin): {
                "members": len(self._listed[origin]),
                "trouble": self.troubles.get(origin),
            }
            for origin in self._catalogs
        }
