"""What rules may ask of a version of a zone by look-up, wherever its records are kept.

A rule that only asks `Contents` can judge a few RRsets of a version that nobody holds in memory:
the dictionary of a zone that was just read answers here, a store with a changeset laid over it
can answer as well.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import cached_property
from typing import Protocol

from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, Zone


class Contents(Protocol):
    """One version of a zone, asked by key (`rrset.rrset_key`) or by node key."""

    @property
    def origin(self) -> bytes:
        """The zone's name."""

    def get(self, key: bytes) -> RRset | None:
        """The RRset with a key."""

    def types_at(self, node: bytes) -> tuple[int, ...]:
        """The types that a node has records of, in rising order; RRSIG once, whatever it covers."""

    def exists(self, node: bytes) -> bool:
        """Whether there are records at a node or below it: an empty non-terminal exists
        (RFC 4592 §2.2.2), and the apex always does."""


class WholeZone:
    """The contents of a zone that is in memory as a whole. Nothing may change it meanwhile."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self.get = zone.rrsets.get

    @property
    def origin(self) -> bytes:
        """The zone's name."""
        return self._zone.origin

    @cached_property
    def _keys(self) -> list[bytes]:
        """Every key in order: what is at a node, and what is below it, stands together. Most zones
        that are right are never asked for it."""
        return sorted(self._zone.rrsets)

    def types_at(self, node: bytes) -> tuple[int, ...]:
        """See Contents."""
        prefix = node + b"\x00"
        found: list[int] = []
        place = bisect_left(self._keys, prefix)
        end = len(prefix)
        while place < len(self._keys) and self._keys[place].startswith(prefix):
            rtype = int.from_bytes(self._keys[place][end : end + 2], "big")
            if rtype != rd.RRSIG or rd.RRSIG not in found:
                found.append(rtype)
            place += 1
        return tuple(found)

    def exists(self, node: bytes) -> bool:
        """See Contents."""
        place = bisect_left(self._keys, node)
        return not node or (place < len(self._keys) and self._keys[place].startswith(node))
