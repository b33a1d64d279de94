"""The controller's own records: timers, what each secondary was told and serves, expiries."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import lmdb

from zonecast.errors import StoreError
from zonecast.store.schema import CONTROL_DATABASES, encode_json, open_environment

log = logging.getLogger("zonecast.store")

Changes = Mapping[str, Mapping[bytes, Any]]


class ControlStore:
    """The `control` environment. One process, the controller, writes it; each call that writes
    is one transaction, so callers batch. `troubles` has what is not kept at present, with why."""

    def __init__(self, state_dir: Path) -> None:
        self.troubles: dict[str, str] = {}
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
        """Write several records, durably, in one transaction; None deletes one. Raises
        StoreError."""
        self._write({database: changes})

    def keep(self, what: str, changes: Changes) -> bool:
        """`write`, to several databases at once, what a running agent can do without. Where that
        fails it is logged, `troubles` has it until it succeeds, and the answer is False."""
        try:
            self._write(changes)
        except StoreError as error:
            if what not in self.troubles:
                log.error("%s: not kept: %s", what, error)
            self.troubles[what] = error.message
            return False
        if self.troubles.pop(what, None) is not None:
            log.info("%s: kept again", what)
        return True

    def _write(self, changes: Changes) -> None:
        if not any(changes.values()):
            return
        try:
            with self.environment.begin(write=True) as transaction:
                for database, records in changes.items():
                    handle = self._databases[database]
                    for key, value in records.items():
                        if value is None:
                            transaction.delete(key, db=handle)
                        else:
                            transaction.put(key, encode_json(value), db=handle)
        except lmdb.Error as error:
            raise StoreError(
                f"the store cannot be written: {error}",
                where=self.environment.path(),
                remedy="check its owner and the free space",
            ) from error

    def set_expired(self, origin: bytes, expired: bool) -> None:
        """Mark a zone expired, or no longer so; the workers see it with their next batch."""
        if expired != (origin in self.expired()):
            self.write("expired", {origin: "" if expired else None})

    def close(self) -> None:
        """Close the environment."""
        self.environment.close()
