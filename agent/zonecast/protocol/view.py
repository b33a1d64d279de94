"""What the answerer is given: the zones served and ordered look-up in their compiled entries.

One interface over an LMDB read transaction and over a dictionary, so that the same answerer runs
in the workers and in property tests.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

from zonecast.protocol.compiled import compile_zone
from zonecast.zone.rrset import Zone


class ZoneRef(NamedTuple):
    """A zone as the workers know it: the lower-cased origin and the 4-octet prefix of its keys."""

    origin: bytes
    prefix: bytes


class View(Protocol):
    """One consistent version of everything served. `zones` is keyed by lower-cased origin; the
    origins in `expired` are answered with SERVFAIL (RFC 1034 §4.3.5). Keys are a zone's prefix
    and an RRset's key."""

    @property
    def zones(self) -> Mapping[bytes, ZoneRef]: ...

    @property
    def prefixes(self) -> Mapping[bytes, bytes]:
        """The prefixes of `zones`, those in `expired` left out."""

    @property
    def expired(self) -> frozenset[bytes]: ...

    @property
    def memo(self) -> dict[bytes, Any]:
        """What was found out about this version: empty at first, lost at any time."""

    def get(self, key: bytes) -> bytes | None:
        """The answer entry under exactly this key."""

    def next_key(self, key: bytes) -> bytes | None:
        """The first entry's key that is not below `key`."""

    def seek(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The first entry whose key is not below `key`, as (key, entry)."""

    def seek_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        """The last entry whose key is below `key`, as (key, entry)."""


class DictView:
    """A View over zones held in memory."""

    def __init__(self, zones: list[Zone], expired: frozenset[bytes] = frozenset()) -> None:
        self.zones: dict[bytes, ZoneRef] = {}
        self.expired = expired
        self.memo: dict[bytes, Any] = {}
        self._entries: dict[bytes, bytes] = {}
        for number, zone in enumerate(zones):
            ref = ZoneRef(zone.origin.lower(), number.to_bytes(4, "big"))
            self.zones[ref.origin] = ref
            for key, entry in compile_zone(zone).items():
                self._entries[ref.prefix + key] = entry
        self._keys = sorted(self._entries)
        self.prefixes = {
            ref.origin: ref.prefix for ref in self.zones.values() if ref.origin not in expired
        }

    def get(self, key: bytes) -> bytes | None:
        return self._entries.get(key)

    def next_key(self, key: bytes) -> bytes | None:
        found = self.seek(key)
        return None if found is None else found[0]

    def seek(self, key: bytes) -> tuple[bytes, bytes] | None:
        place = bisect_left(self._keys, key)
        if place == len(self._keys):
            return None
        found = self._keys[place]
        return found, self._entries[found]

    def seek_before(self, key: bytes) -> tuple[bytes, bytes] | None:
        place = bisect_left(self._keys, key)
        if not place:
            return None
        found = self._keys[place - 1]
        return found, self._entries[found]
