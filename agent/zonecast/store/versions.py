"""The store's format: known at start, converted where it is older, refused where it is newer.

Its number stands under `format` in `meta`. Format 1 had none; it kept a content hash with each
zone, and no times in the journal. Format 2 had no counts in the transfer runs, which stay without
until a change touches them.
"""

from __future__ import annotations

import json
from typing import Any

from zonecast.errors import StoreError
from zonecast.store.journal import HEAD, entry_time

FORMAT = 3
FORMAT_KEY = b"format"
_FIRST_HEAD = 8


def bring_up(transaction: Any, databases: dict[str, Any], path: str, now: float) -> None:
    """Bring the `zones` environment at `path` into today's format. `now` is in POSIX seconds.

    Raises StoreError for one that a newer program wrote.
    """
    meta = databases["meta"]
    octets = transaction.get(FORMAT_KEY, db=meta)
    if octets is not None:
        found = int(octets)
    else:
        found = 1 if transaction.stat(meta)["entries"] else FORMAT
    if found > FORMAT:
        raise StoreError(
            f"the store has format {found}, which a newer zonecast wrote; this one knows {FORMAT}",
            where=path,
            remedy="install the newer version again, or move this directory away: zones are then"
            " published from git and pulled anew, without their history",
        )
    if found == 1:
        _from_first(transaction, databases, now)
    if octets is None or found < FORMAT:
        transaction.put(FORMAT_KEY, str(FORMAT).encode(), db=meta)


def _from_first(transaction: Any, databases: dict[str, Any], now: float) -> None:
    """Leave the content hashes out, and let what the journal holds be of now."""
    zones, journal = databases["zones"], databases["journal"]
    for origin, octets in list(transaction.cursor(zones)):
        fields = json.loads(octets)
        del fields["content_hash"]
        transaction.put(origin, json.dumps(fields, separators=(",", ":")).encode(), db=zones)
    time = entry_time(now)
    assert _FIRST_HEAD + len(time) == HEAD
    for key in list(transaction.cursor(journal).iternext(values=False)):
        entry = transaction.get(key, db=journal)
        transaction.put(key, entry[:_FIRST_HEAD] + time + entry[_FIRST_HEAD:], db=journal)
