"""The safety rails as they apply to one commit: what they compare it with, by whose policy, and
who said that it is meant. The same in the agent and in the hook on its server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, NamedTuple

from zonecast.options import Document, as_table, read_table
from zonecast.repository import Repository
from zonecast.repository.history import trailers
from zonecast.server.publishing.touching import Touched
from zonecast.zone import names
from zonecast.zone.changeset import Changeset
from zonecast.zone.findings import Finding
from zonecast.zone.permits import TRAILER, Permit, Said
from zonecast.zone.policy import POLICY_FILE, Floors, Policy, Rails
from zonecast.zone.rails import history_finding, rail_findings, removal_findings, stray_findings
from zonecast.zone.zonefile import Parsed


class Base(NamedTuple):
    """Where a zone stands: the commit whose version of it is published (None: none is) and the
    rails for the step away from it."""

    commit: str | None
    rails: Rails

    def table(self) -> dict[str, Any]:
        """As JSON values, which `read_base` reads."""
        return {"commit": self.commit, "rails": as_table(self.rails)}


def read_base(table: Mapping[str, Any]) -> Base:
    """A base from its table. Raises ConfigError."""
    return Base(table["commit"], read_table(Rails, table["rails"], Document("rails")))


def held_bases(held: Mapping[bytes, Mapping[str, Any]], repository: str) -> dict[bytes, Base]:
    """The bases of what is held back of a repository's commits, by lower-cased origin."""
    return {
        key: read_base(reason["base"])
        for key, reason in held.items()
        if reason["repository"] == repository and "base" in reason
    }


@dataclass
class Safety:
    """The rails for the step to `commit` ("" before there is one).

    `published` is the last published commit, `policy` the one published with it. A zone that is
    held has its own base, that of before it was held: what was refused with one commit is not
    let through by the next one, nor is a rail loosened by the commit that runs into it.
    """

    repository: Repository
    commit: str
    published: str | None
    policy: Policy
    floors: Floors = field(default_factory=Floors)
    approved: bool = False
    bases: Mapping[bytes, Base] = field(default_factory=dict)
    _permits: dict[str | None, Permit] = field(default_factory=dict)
    _commits: dict[str, Touched] = field(default_factory=dict)

    def base(self, origin: bytes) -> Base:
        """Where a zone stands."""
        known = self.bases.get(origin.lower())
        return known or Base(self.published, self.policy.zone(origin).rails)

    def step(self, changeset: Changeset, records: Callable[[], int], new: Parsed) -> list[Finding]:
        """What stops a zone's next version; see `rail_findings`. Raises RepositoryError."""
        if changeset.old_soa is None or not (changeset.deleted or changeset.added):
            return []
        base = self.base(changeset.origin)
        permit = partial(self.permit, base.commit)
        return rail_findings(changeset, records, new, base.rails, permit, self.floors)

    def removal(self, origin: bytes, path: str) -> list[Finding]:
        """What stops the removal of a zone that was published from `path`."""
        base = self.base(origin)
        permit = self.permit(base.commit)
        return removal_findings(origin, path, base.rails, self.floors, permit)

    def strays(self) -> list[Finding]:
        """Warnings for what the commits since the last published one say and cannot be read."""
        return stray_findings(self.permit(self.published))

    def history(self) -> Finding | None:
        """What stops a commit that does not contain the last published one."""
        return self.without(self.published)

    def without(self, commit: str | None) -> Finding | None:
        """What stops history that does not contain `commit`, published or about to be."""
        if commit is None or self.approved or commit == self.commit:
            return None
        if not self.floors.over(self.policy.rails).rewrite or self._contains(commit):
            return None
        return history_finding(commit, self.commit)

    def permit(self, base: str | None) -> Permit:
        """What the commits since `base` say is meant. Where `base` is not among a commit's
        ancestors its own trailers count alone: old ones would come back with rewritten history."""
        if base not in self._permits:
            self._permits[base] = self._permit(base)
        return self._permits[base]

    def _permit(self, base: str | None) -> Permit:
        if not self.commit:
            return Permit()
        since = base if base is not None and self._contains(base) else None
        found = trailers(self.repository.commands, TRAILER, since, self.commit)
        said = tuple(Said(item.value, self._touched(item.commit)) for item in found)
        return Permit(self.commit, said, self.approved)

    def _touched(self, commit: str) -> Touched:
        if commit not in self._commits:
            self._commits[commit] = Touched(self.repository, commit)
        return self._commits[commit]

    def _contains(self, commit: str) -> bool:
        # Status 128: the commit is not here at all, as after somebody cleaned up.
        asked = ("merge-base", "--is-ancestor", commit, self.commit)
        return self.repository.commands.result(*asked, allowed=(0, 1, 128)).status == 0


def read_policy(content: str) -> Policy:
    """A policy that was published, from its text. Raises ConfigError."""
    return Policy.from_toml(content.encode(), POLICY_FILE)


def base_key(origin: str) -> bytes:
    """The key of a zone's base, from the zone's name in text."""
    return names.from_text(origin, names.ROOT).lower()
