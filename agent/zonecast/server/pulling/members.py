"""Catalogs as a secondary uses them (RFC 9432): members are pulled, former members removed.

What each catalog listed is kept with labels and owners, so that after a restart members are served
before any primary answers, each stays with the catalog it came from, and a changed label is known
for what it is. A catalog that is broken, or that would take away much at once, changes nothing and
is reported; `follow` lets the latter pass.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from zonecast.errors import RejectedError
from zonecast.protocol import catalog as rfc9432
from zonecast.protocol.catalog_owners import Owned, Settled, settle, too_many
from zonecast.server.pulling.member_marks import MARK, read_mark, write_mark
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.config import Config
    from zonecast.config.tables import CatalogConfig, GroupConfig
    from zonecast.server.pulling.schedule import Pulled, Pulling
    from zonecast.store.control import ControlStore
    from zonecast.store.reader import ZonesReader

log = logging.getLogger("zonecast.members")

# The share of members that may go at once is judged in catalogs of so many, as the gate's is of
# records; of fewer, not all of several.
SMALLEST = 10

# What `status` says is not kept.
_LISTED = "members of catalogs"


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
        self._config = config
        self._catalogs = {catalog.name: catalog for catalog in config.catalog}
        self._control = control
        self._reader = reader
        self._pulling = pulling
        self._removed = removed
        self.troubles: dict[bytes, str] = {}
        # By catalog and member, of those that are not for every secondary: for whom they are.
        self.audiences: dict[bytes, frozenset[str]] = {}
        # Two transfers of a catalog in quick succession are followed in their order.
        self._following = asyncio.Lock()
        self._listed: dict[bytes, dict[bytes, rfc9432.Member]] = {}
        self._owned: dict[bytes, Owned] = {}
        marks = control.items("marks")
        for origin in self._catalogs:
            self._listed[origin], owned = read_mark(origin, marks.get(MARK + origin, {}))
            self._owned |= owned
        self._clashes: dict[tuple[bytes, bytes], str] = {}
        self._note_clashes(settle(self._owned, self._listed))
        self._adopt()
        pulling.after_transfer = self._transferred

    async def catch_up(self) -> None:
        """Follow the catalogs as they are stored: the last run may have been ended between the
        transfer of one and its members. What was listed by catalogs that are no longer configured
        is forgotten."""
        for origin in self._catalogs:
            await self._read(origin)
        marks = [mark for mark in self._control.items("marks") if mark.startswith(MARK)]
        gone = [mark for mark in marks if mark.removeprefix(MARK) not in self._catalogs]
        self._control.keep("marks of former catalogs", {"marks": dict.fromkeys(gone)})

    async def follow(self, catalog: bytes) -> int:
        """Follow a catalog as it is stored now, however many members go; how many it lists.
        Raises RejectedError for one that is not pulled here, or broken."""
        if catalog not in self._catalogs:
            raise RejectedError(
                f"{names.to_text(catalog)} is no catalog that is pulled here",
                remedy="zonecast status --format json lists them under 'catalogs'",
            )
        await self._read(catalog, allowed=True)
        if catalog in self.troubles:
            raise RejectedError(self.troubles[catalog])
        return len(self._listed[catalog])

    async def settle_again(self) -> None:
        """Take up members that were somebody else's: a repository may have let one go."""
        async with self._following:
            self._adopt()

    async def _transferred(self, zone: Pulled) -> None:
        """A zone was transferred: if it is a catalog, follow what it lists now."""
        if zone.origin in self._catalogs:
            await self._read(zone.origin)

    async def _read(self, catalog: bytes, *, allowed: bool = False) -> None:
        """Follow a catalog as it is stored now."""
        async with self._following:
            try:
                found = self._judge(catalog, allowed)
            except rfc9432.CatalogError as error:
                self.troubles[catalog] = str(error)
                log.error("%s", error)
                return
            if found is not None:
                self.troubles.pop(catalog, None)
                await self._apply(found)
                self._keep()

    def _judge(self, catalog: bytes, allowed: bool) -> Settled | None:
        """Who has which member by the stored version of a catalog, which is what it lists from
        now on; None where none is stored. Raises CatalogError where it is not to be followed."""
        with self._reader.begin() as snapshot:
            contents = snapshot.zone(catalog)
        if contents is None:
            return None
        listed = {**self._listed, catalog: rfc9432.members(contents)}
        found = settle(self._owned, listed)
        share = self._catalogs[catalog].max_removal
        gone = found.removed | found.reset
        much = too_many(catalog, self._owned, gone, share, SMALLEST)
        if much is not None and not allowed:
            raise rfc9432.CatalogError(
                f"serial {contents.serial} removes or resets {much[0]} of its {much[1]} members at"
                f" once (max-removal is {share:g}); all of them stay as they were",
                where=f"catalog {names.to_text(catalog)}",
                remedy="mend it where it is made, or where this is meant:"
                f" zonecast follow {names.to_text(catalog)}",
            )
        self._listed = listed
        return found

    async def _apply(self, found: Settled) -> None:
        gone = [
            origin
            for origin in sorted(found.removed | found.reset)
            if (zone := self._pulling.zones.get(origin)) is not None and zone.catalog is not None
        ]
        for origin in gone:
            self._pulling.forget(origin)
        if gone:
            await self._pulling.remove(gone)
            await self._removed(gone)
        self._owned = found.owned
        self._note_clashes(found)
        self._adopt()

    def _note_clashes(self, found: Settled) -> None:
        self._clashes = {
            (catalog, name): f"it stays with {names.to_text(owner)}, which listed it first and does"
            " not give it away (coo)"
            for (catalog, name), owner in found.clashes.items()
        }

    def _adopt(self) -> None:
        """Pull every member as its catalog, and its group there, says."""
        audiences = {o: c.secondaries for o, c in self._catalogs.items()}
        new = [name for name in self._owned if name not in self._pulling.zones]
        with self._reader.begin() as snapshot:
            records = {name: snapshot.record(name) for name in new}
        for name, owned in self._owned.items():
            self._clashes.pop((owned.catalog, name), None)
            record = records.get(name)
            if record is not None and (record.commit or record.path):
                self._refuse(owned.catalog, name, "a repository of this agent publishes it")
                continue
            primaries, secondaries = self._settings(owned)
            zone = self._pulling.zones.get(name)
            if zone is not None and zone.catalog is None:
                self._refuse(owned.catalog, name, "the configuration names it itself")
                continue
            audiences[name] = secondaries
            if zone is None:
                self._pulling.add(name, primaries, owned.catalog)
            else:
                zone.catalog = owned.catalog
                if zone.names != list(primaries):
                    zone.primaries[:] = [self._config.primary_named(p) for p in primaries]
                    self._pulling.refresh(name)

        self._restrict({o: frozenset(among) for o, among in audiences.items() if among is not None})

    def _restrict(self, audiences: dict[bytes, frozenset[str]]) -> None:
        """Let these zones be for these secondaries alone, all others for each."""
        self.audiences.clear()
        self.audiences |= audiences
        self._keep_audiences()

    def _keep_audiences(self) -> None:
        audiences, stored = self.audiences, self._control.items("audiences")
        changes: dict[bytes, Any] = {o: sorted(among) for o, among in audiences.items()}
        changes = {o: among for o, among in changes.items() if stored.get(o) != among}
        gone = dict.fromkeys(stored.keys() - audiences.keys())
        self._control.keep("whom members of catalogs are for", {"audiences": gone | changes})

    def _refuse(self, catalog: bytes, member: bytes, why: str) -> None:
        self._clashes[catalog, member] = why

    def _settings(self, owned: Owned) -> tuple[tuple[str, ...], tuple[str, ...] | None]:
        """The primaries of a member, and the secondaries that it is for."""
        config = self._catalogs[owned.catalog]
        group = group_of(config, owned.member)
        if group is None:
            return config.primaries, config.secondaries
        among = config.secondaries if group.secondaries is None else group.secondaries
        return group.primaries or config.primaries, among

    def _keep(self) -> None:
        marks = {
            MARK + catalog: write_mark(catalog, listed, self._owned)
            for catalog, listed in self._listed.items()
        }
        self._control.keep(_LISTED, {"marks": marks})

    def keep(self) -> None:
        """Write what could not be written."""
        if _LISTED in self._control.troubles:
            self._keep()
        self._keep_audiences()

    def status(self) -> dict[str, Any]:
        """Each catalog with how many members it lists, what is wrong with it, which members came
        to nothing and why, and how many there are of each group that the configuration knows."""
        return {
            names.to_text(origin): {
                "members": len(self._listed[origin]),
                "trouble": self.troubles.get(origin),
                "clashes": {
                    names.to_text(member): why
                    for (catalog, member), why in self._clashes.items()
                    if catalog == origin
                },
                "groups": {
                    group.name: sum(
                        group_of(config, member) is group
                        for member in self._listed[origin].values()
                    )
                    for group in config.group
                },
            }
            for origin, config in self._catalogs.items()
        }


def group_of(config: CatalogConfig, member: rfc9432.Member) -> GroupConfig | None:
    """The first of the catalog's configured groups that a member has; None for none."""
    for group in config.group:
        if group.name.encode() in member.groups:
            return group
    return None
