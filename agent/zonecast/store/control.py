"""The controller's own records: timers, what each secondary was told and serves, expiries."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lmdb

from zonecast.errors import StoreError
from zonecast.store.schema import CONTROL_DATABASES, encode_json, open_environment


class ControlStore:
    """The `control` environment. One process, the controller, writes it; each call that writes
    is one transaction, so callers batch."""

    def __init__(self, state_dir: Path) -> None:
        self.environment, self._databases = open_environment(
            state_dir, "control", CONTROL_DATABASES, write=True
        )

    def items(self, database: str) -> dict[bytes, Any]:
        """Everything in `timers`, `peers`, `marks`, `audiences` or `approvals`, JSON decoded."""
        return {key: json.loads(value) for key, value in self._iterate(database)}

    def expired(self) -> frozenset[bytes]:
        """The origins answered with SERVFAIL."""
        return frozenset(key for key, _ in self._iterate("expired"))

    def _iterate(self, database: str) -> Iterator[tuple[bytes, bytes]]:
        with self.environment.begin() as transaction:
            yield from transaction.cursor(self._databases[database])

    def write(self, database: str, changes: Mapping[bytes, Any]) -> None:
        """Write several records, durably, in one transaction; None deletes one."""
        if not changes:
            return
        try:
            with self.environment.begin(write=True, db=self._databases[database]) as transaction:
                for key, value in changes.items():
                    if value is None:
                        transaction.delete(key)
                    else:
                        transaction.put(key, encode_json(value))
        except lmdb.Error as error:
            raise StoreError(
                f"the store cannot be written: {error}", where=self.environment.path()
            ) from error

    def set_expired(self, origin: bytes, expired: bool) -> None:
        """Mark a zone expired, or no longer so; the workers see it with their next batch."""
        if expired != (origin in self.expired()):
            self.write("expired", {origin: "" if expired else None})

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()
