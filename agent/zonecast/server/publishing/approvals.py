"""Commits that a person approved: kept by their hash, before and after they are pushed.

An approval is spent once its commit was published and then another: going back to an old commit
is a step of its own.
"""

from __future__ import annotations

from typing import Any

from zonecast.store.control import ControlStore

_DATABASE = "approvals"


class Approvals:
    """The approvals in the control store."""

    def __init__(self, store: ControlStore) -> None:
        self._store = store

    def add(self, commit: str, uid: int, now: float) -> None:
        """Approve a commit, by its whole hash. `uid` is who did; `now` in POSIX seconds."""
        self._store.write(_DATABASE, {commit.encode(): {"uid": uid, "approved": now}})

    def withdraw(self, commit: str) -> bool:
        """Take an approval back; whether there was one."""
        known = self.holds(commit)
        self._store.write(_DATABASE, {commit.encode(): None})
        return known

    def holds(self, commit: str) -> bool:
        """Whether this commit is approved."""
        return commit.encode() in self._store.items(_DATABASE)

    def listing(self) -> list[dict[str, Any]]:
        """Every approval, the oldest first, as `status` shows it."""
        found = self._store.items(_DATABASE)
        listed = [{"commit": commit.decode(), **said} for commit, said in found.items()]
        return sorted(listed, key=lambda approval: float(approval["approved"]))

    def moved(self, former: str, repository: str) -> None:
        """Note that a repository has another name now."""
        found = self._store.items(_DATABASE).items()
        changes = {
            key: {**said, "published-from": repository}
            for key, said in found
            if said.get("published-from") == former
        }
        self._store.write(_DATABASE, changes)

    def published(self, repository: str, commit: str) -> None:
        """Note that a commit of a repository was published, which spends earlier approvals."""
        changes: dict[bytes, Any] = {}
        for key, said in self._store.items(_DATABASE).items():
            if key == commit.encode():
                if "published-from" not in said:
                    changes[key] = {**said, "published-from": repository}
            elif said.get("published-from") == repository:
                changes[key] = None
        self._store.write(_DATABASE, changes)
