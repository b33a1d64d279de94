"""Who may ask for what: a list for the names at and below some, and one for all others.

As with BIND's `allow-query` of a zone, the list of the nearest name above the question's alone
decides. It holds for chains of CNAME and DNAME too: to a client, a zone that it may not ask for is
one that is not served here (RFC 1034 §4.3.2 ends a chain there). A list for a name inside of a zone
is about questions alone: what the zone's other answers lead to or add there goes with the zone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar

from zonecast.protocol.prefixes import Prefixes
from zonecast.protocol.view import View, ZoneRef

T = TypeVar("T")


class QueryLists:
    """`below` are lists by lower-cased name in wire form, `otherwise` is for all other names."""

    def __init__(self, otherwise: Prefixes, below: Mapping[bytes, Prefixes]) -> None:
        self._otherwise = otherwise
        self.below = below

    def allows(self, name: bytes, address: bytes) -> bool:
        """Whether a packed address may ask for a lower-cased name."""
        below = self.below
        position = 0
        while below:
            prefixes = below.get(name[position:])
            if prefixes is not None:
                return prefixes.holds(address)
            length = name[position]
            if not length:
                break
            position += length + 1
        return self._otherwise.holds(address)

    def allows_everything(self, address: bytes) -> bool:
        """Whether a packed address may ask for every name, as far as that is simple to say."""
        return not self.below and self._otherwise.holds(address)


class Permitted:
    """What one client may see of a version: a View without the zones that it may not ask for."""

    def __init__(self, view: View, lists: QueryLists, address: bytes) -> None:
        self.zones: Mapping[bytes, ZoneRef] = _Allowed(view.zones, lists, address)
        self.prefixes: Mapping[bytes, bytes] = _Allowed(view.prefixes, lists, address)
        self.expired = view.expired
        self.memo: dict[bytes, Any] = {}
        self.get = view.get
        self.next_key = view.next_key
        self.seek = view.seek
        self.seek_before = view.seek_before


class _Allowed(Mapping[bytes, T]):
    """What there is of zones, by origin, each looked at when it is asked for: there may be many."""

    def __init__(self, zones: Mapping[bytes, T], lists: QueryLists, address: bytes) -> None:
        self._zones = zones
        self._lists = lists
        self._address = address

    def __getitem__(self, origin: bytes) -> T:
        found = self._zones[origin]
        if not self._lists.allows(origin, self._address):
            raise KeyError(origin)
        return found

    def __iter__(self) -> Iterator[bytes]:
        return (origin for origin in self._zones if origin in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)
