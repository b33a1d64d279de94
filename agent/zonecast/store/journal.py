"""The journal as read: the changesets that lead from one serial to the newest version."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

# Octets of an entry before its changeset: the old serial, the new one, and when it was published.
HEAD = 16


def entry_time(now: float) -> bytes:
    """POSIX seconds as a journal entry has them: in milliseconds."""
    return round(now * 1000).to_bytes(8, "big")


def time_of(entry: bytes) -> float:
    """When an entry was published, in POSIX seconds."""
    return int.from_bytes(entry[8:HEAD], "big") / 1000


class StoredChain:
    """Changesets, oldest first, each as finished transfer records in IXFR order; read one at a
    time, for a journal may be larger than memory is to be. `octets` is what all take together."""

    def __init__(self, read: Callable[[bytes], bytes], keys: list[bytes], octets: int) -> None:
        self._read = read
        self._keys = keys
        self.octets = octets

    def __len__(self) -> int:
        return len(self._keys)

    def __iter__(self) -> Iterator[bytes]:
        return (self._read(key)[HEAD:] for key in self._keys)


def find_chain(
    cursor: Any, prefix: bytes, serial: int, read: Callable[[bytes], bytes]
) -> StoredChain | None:
    """The chain that begins at `serial`, None where the history does not reach back so far. The
    cursor is on the zone's newest entry; `read` gives the entry under a key."""
    wanted = serial.to_bytes(4, "big")
    keys: list[bytes] = []
    octets = 0
    while cursor.key().startswith(prefix):
        entry = cursor.value()
        keys.append(cursor.key())
        octets += len(entry) - HEAD
        if entry[:4] == wanted:
            return StoredChain(read, keys[::-1], octets)
        if not cursor.prev():
            break
    return None
