"""`approve`, and what the hook on a server asks before it judges a push."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zonecast.errors import BadNameError, RejectedError, UsageError
from zonecast.server.publishing.claims import meta_key
from zonecast.server.publishing.safety import held_bases
from zonecast.zone import names

if TYPE_CHECKING:
    from zonecast.server.agent import Agent
    from zonecast.server.publishing.branch import Publishing

Message = dict[str, Any]

# The hashes that git names commits by, whole (SHA-1, SHA-256), and the shortest start of one.
_WHOLE = (40, 64)
_HASH = re.compile(r"[0-9a-f]{4,64}")


class Approving:
    """The two commands of one agent."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent

    async def approve(self, request: Message) -> Message:
        """Let "commit" pass the safety rails, or no longer where "withdraw" is true. A commit
        that is not here yet is named by its whole hash."""
        commit = await self._resolve(request.get("commit"))
        approvals = self._agent.approvals
        if request.get("withdraw"):
            if not approvals.withdraw(commit):
                raise RejectedError(f"{commit} was not approved")
            said = "is no longer approved; what was published stays"
            return {"commit": commit, "said": f"commit {commit} {said}"}
        await self._refuse_old(commit)
        approvals.add(commit, request["uid"], time.time())
        tips = [p for p in self._agent.publishing if p.tip == commit]
        for publishing in tips:
            publishing.again()
        self._agent.changed()
        then = "it is published again, past its rails" if tips else "it may be pushed"
        return {"commit": commit, "said": f"commit {commit} is approved: {then}"}

    async def _resolve(self, text: object) -> str:
        """The whole hash that a request names."""
        if not isinstance(text, str) or not _HASH.fullmatch(text.lower()):
            raise UsageError(
                f"'{text}' is no commit's hash", remedy="git rev-parse gives a commit's hash"
            )
        text = text.lower()
        if len(text) in _WHOLE:
            kinds = {await publishing.kind(text) for publishing in self._agent.publishing}
            if kinds - {None, "commit"}:
                raise UsageError(
                    f"'{text}' is no commit's hash",
                    remedy="git rev-parse COMMIT^{commit} gives a commit's hash",
                )
            return text
        found = {await publishing.find(text) for publishing in self._agent.publishing}
        found |= {a["commit"] for a in self._agent.approvals.listing() if _starts(a, text)}
        known = {commit for commit in found if commit is not None}
        if len(known) != 1:
            what = "names several commits" if known else "names no commit here, or several"
            raise RejectedError(
                f"'{text}' {what}", remedy="give the whole hash: git rev-parse COMMIT"
            )
        return known.pop()

    async def _refuse_old(self, commit: str) -> None:
        """Raises RejectedError where approving this commit would let nothing pass."""
        held = self._held_commits()
        for publishing in self._agent.publishing:
            tip = publishing.tip
            if tip == commit and publishing.done == tip and tip not in held:
                raise RejectedError(f"nothing of commit {commit[:12]} is held back")
            if tip is not None and tip != commit and await publishing.contains(commit):
                remedy = (
                    f"what is held now is of its tip: zonecast approve {tip}"
                    if tip in held
                    else "nothing of its tip is held back, so there is nothing to approve"
                )
                raise RejectedError(
                    f"the branch '{publishing.repository.branch}' has moved on from {commit[:12]}",
                    remedy=remedy,
                )

    def _held_commits(self) -> set[str]:
        with self._agent.reader.begin() as snapshot:
            return {reason["commit"] for reason in snapshot.held().values()}

    async def publication(self, request: Message) -> Message:
        """How the repository at one of "paths" stands with its "branch", whether "commit" is
        approved, and the serials that are served of "zones"; "publishes" is false where this agent
        does not publish that, and "branches" has those that it does."""
        known = {p.repository.branch: p for p in self._publishing(request.get("paths"))}
        publishing = known.get(str(request.get("branch")))
        if publishing is None:
            return {"publishes": False, "branches": sorted(known)}
        name = publishing.repository.name
        with self._agent.reader.begin() as snapshot:
            published = snapshot.meta(meta_key(name)) or {}
            bases = held_bases(snapshot.held(), name)
            records = map(snapshot.record, _origins(request.get("zones", [])))
            serials = {
                names.to_text(record.origin.lower()): record.serial
                for record in records
                if record is not None
            }
        return {
            "publishes": True,
            "commit": published.get("commit"),
            "policy": published.get("policy-text", ""),
            "has-policy": bool(published.get("policy")),
            "serials": serials,
            "settled": publishing.done,
            "rails": self._agent.config.rails.table(),
            "bases": {
                names.to_text(key): base.table() for key, base in bases.items() if b"\x00" in key
            },
            "approved": self._agent.approvals.holds(str(request.get("commit"))),
        }

    def _publishing(self, paths: object) -> Iterator[Publishing]:
        """What is published of the repository at one of these paths."""
        if not isinstance(paths, list):
            raise UsageError("the request names no repository")
        for publishing in self._agent.publishing:
            wanted = publishing.repository
            place = wanted.path or Path(wanted.url.removeprefix("file://"))
            if str(place.resolve()) in paths:
                yield publishing


def _origins(zones: object) -> list[bytes]:
    """The zones that a request names, lower-cased. Raises UsageError."""
    try:
        if isinstance(zones, list):
            return [names.from_text(str(zone), names.ROOT).lower() for zone in zones]
    except BadNameError as error:
        raise UsageError(error.message, remedy="give the zones' names") from None
    raise UsageError("'zones' is no list of names")


def _starts(approval: Message, text: str) -> bool:
    return str(approval["commit"]).startswith(text)
