"""What the control sockets can be asked: each command is a method of JSON in and out."""

from __future__ import annotations

import asyncio
import os
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from zonecast import __version__
from zonecast.errors import BadNameError, RejectedError, UsageError
from zonecast.protocol.view import ZoneRef
from zonecast.server.approving import Approving
from zonecast.server.publishing.claims import CATALOG_SOURCE
from zonecast.server.publishing.publish import held_status
from zonecast.store.schema import ZoneRecord
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.server.agent import Agent

Message = dict[str, Any]

# With so many zones not seen at secondaries yet, who waits for all of them is not told of each step.
MANY = 2000
# Seconds that anybody may wait for them.
LONGEST = 86400


class Commands:
    """The commands of one agent: those that only look, and those that act."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        approving = Approving(agent)
        self.status = {
            "status": self._status,
            "wait": self._wait,
            "history": self._history,
            "publication": approving.publication,
        }
        self.control = {
            "approve": approving.approve,
            "follow": self._follow,
            "notify": self._notify,
            "refresh": self._refresh,
            "retransfer": self._retransfer,
        }

    async def _status(self, request: Message) -> Message:
        """Everything, or one zone: {"zone": text or null}."""
        return self._report(self._wanted(request))

    def _report(self, wanted: bytes | None) -> Message:
        agent = self._agent
        expired = agent.pulling.expired
        repositories = {repository.name for repository in agent.config.repository}
        with agent.reader.begin() as snapshot:
            records = [r for r in snapshot.records() if wanted in (None, r.origin.lower())]
            held = [
                reason
                for reason in held_status(snapshot.held())
                # What a repository held that is configured no more is nobody's concern.
                if reason["repository"] in repositories
                if wanted is None or reason["what"] in (names.to_text(wanted), reason["repository"])
            ]
        zones = [self._zone(record, expired) for record in records]
        stored = {record.origin.lower() for record in records}
        zones += [
            {"zone": names.to_text(origin), "serial": None, "refresh": agent.pulling.status(origin)}
            for origin in agent.pulling.zones
            if origin not in stored and wanted in (None, origin)
        ]
        return {
            "agent": {
                "version": __version__,
                "pid": os.getpid(),
                "started": agent.started,
                "now": time.time(),
                "listening": agent.listening.addresses(),
                "workers": [
                    {"process": child.module, "pid": child.pid, "restarts": child.restarts}
                    for child in agent.workers.all
                ],
                "pullers": agent.pulling.pullers.pids,
                "guard": dict(agent.workers.guarded),
                "swept": agent.swept,
                "unlisted-notifies": agent.pulling.unlisted_notifies
                + agent.workers.guarded["notifies"],
            },
            "repositories": [publishing.status() for publishing in agent.publishing],
            "catalogs": agent.members.status(),
            "zones": sorted(zones, key=lambda zone: str(zone["zone"])),
            "held": held,
            "approvals": agent.approvals.listing(),
            "warnings": agent.warnings(),
        }

    def _zone(self, record: ZoneRecord, expired: frozenset[bytes]) -> Message:
        origin = record.origin.lower()
        return {
            "zone": names.to_text(record.origin),
            "serial": record.serial,
            "records": record.records,
            "published": record.published,
            "commit": record.commit,
            "source": record.source,
            "path": record.path,
            "expired": origin in expired,
            "refresh": self._agent.pulling.status(origin),
            "secondaries": self._agent.notifying.status(origin, record.serial),
        }

    async def _wait(self, request: Message) -> Message:
        """Wait until every secondary has every zone (or "zone") as the branches hold it now, and
        "commit" or a later one is published where one is given, for at most "timeout" seconds.
        The report says "converged", which it is not while something is held back."""
        wanted = self._wanted(request, must_exist=False)
        since = time.time()
        deadline = request["asked"] + _timeout(request)
        commit = request.get("commit")
        if not isinstance(commit, str | None):
            raise UsageError("'commit' is no commit's hash")
        for publishing in self._agent.publishing:
            publishing.look()
        while True:
            news = self._agent.news
            started = time.monotonic()
            if wanted is None and started < deadline and self._agent.notifying.behind() > MANY:
                await asyncio.sleep(min(deadline - started, 0.2))
                continue
            report = self._report(wanted)
            published = await self._published(commit, since)
            everywhere = published and self._is_everywhere(report, wanted)
            report["converged"] = everywhere and not report["held"]
            left = deadline - time.monotonic()
            if everywhere or left <= 0:
                return report
            # With thousands of zones each report costs; news come by the thousand then, too.
            await asyncio.sleep(3 * (time.monotonic() - started))
            with suppress(TimeoutError):
                async with asyncio.timeout(min(left, 1.0)):
                    await news.wait()

    async def _published(self, commit: str | None, since: float) -> bool:
        """Whether every branch's tip is published, and `commit` with it."""
        repositories = self._agent.publishing
        if not all(publishing.settled(since) for publishing in repositories):
            return False
        if commit is None:
            return True
        for publishing in repositories:
            if await publishing.includes(commit):
                return True
        return False

    def _is_everywhere(self, report: Message, wanted: bytes | None) -> bool:
        """Whether every secondary was seen serving every zone as it is served here."""
        if not report["zones"]:
            return wanted is None and not self._agent.publishing
        return all(
            zone["serial"] is not None
            and all(
                # A secondary that was told its zones one by one never serves the catalog.
                peer["has-it"] or (zone["source"] == CATALOG_SOURCE and peer["seen"] is None)
                for peer in zone["secondaries"]
            )
            for zone in report["zones"]
        )

    async def _history(self, request: Message) -> Message:
        """The versions of "zone", newest first."""
        origin = self._origin(request)
        with self._agent.reader.begin() as snapshot:
            record = snapshot.record(origin)
            if record is None:
                raise RejectedError(f"{request['zone']} is not served here")
            versions = [entry.__dict__ for entry in snapshot.history(_ref(record))]
        return {"zone": names.to_text(record.origin), "versions": versions}

    async def _notify(self, request: Message) -> Message:
        """NOTIFY every secondary about "zone", whatever it has."""
        origin = self._origin(request)
        with self._agent.reader.begin() as snapshot:
            record = snapshot.record(origin)
        if record is None:
            raise RejectedError(f"{request['zone']} is not served here")
        told = self._agent.notifying.announce([origin], again=True)
        return {"zone": names.to_text(origin), "serial": record.serial, "secondaries": told}

    async def _refresh(self, request: Message) -> Message:
        """Look for a newer version of "zone" now."""
        origin = self._origin(request)
        if origin in self._agent.pulling.zones:
            self._agent.pulling.refresh(origin)
            return {"said": f"{names.to_text(origin)}: asking its primaries"}
        with self._agent.reader.begin() as snapshot:
            known = origin in snapshot.zones
        if not known or not self._agent.publishing:
            raise RejectedError(f"{request['zone']} is neither pulled nor published here")
        for publishing in self._agent.publishing:
            publishing.look()
        return {"said": "looking at the repositories' branches"}

    async def _retransfer(self, request: Message) -> Message:
        """Transfer "zone" whole, whatever its serial."""
        origin = self._origin(request)
        if origin not in self._agent.pulling.zones:
            raise RejectedError(
                f"{request['zone']} is not pulled from a primary here",
                remedy="zonecast status shows the zones and where they come from",
            )
        self._agent.pulling.retransfer(origin)
        return {"said": f"{names.to_text(origin)}: transferring"}

    async def _follow(self, request: Message) -> Message:
        """Follow the catalog "zone" as it is stored, however many members go."""
        origin = self._origin(request)
        members = await self._agent.members.follow(origin)
        return {"said": f"{names.to_text(origin)} is followed: {members} members"}

    def _origin(self, request: Message) -> bytes:
        text = request.get("zone")
        if not isinstance(text, str):
            raise UsageError("the request names no zone")
        try:
            return names.from_text(text, names.ROOT).lower()
        except BadNameError as error:
            raise UsageError(error.message, remedy="give the zone's name") from None

    def _wanted(self, request: Message, *, must_exist: bool = True) -> bytes | None:
        if request.get("zone") is None:
            return None
        origin = self._origin(request)
        with self._agent.reader.begin() as snapshot:
            known = origin in snapshot.zones or origin in self._agent.pulling.zones
        if must_exist and not known:
            raise RejectedError(
                f"{request['zone']} is not served here", remedy="zonecast status lists what is"
            )
        return origin


def _timeout(request: Message) -> float:
    """The seconds that a request will wait at most. Raises UsageError."""
    timeout = request.get("timeout", 60.0)
    if not isinstance(timeout, int | float) or not 0 <= timeout <= LONGEST:
        raise UsageError("'timeout' is no number of seconds up to a day's")
    return float(timeout)


def _ref(record: ZoneRecord) -> ZoneRef:
    return ZoneRef(record.origin.lower(), record.prefix)
