"""The answer form under a changeset: a node's entries, and what a new or lost zone cut hides."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zonecast.protocol.compiled import OCCLUDED, compile_hashed, compile_node, hides_below
from zonecast.store.reader import prefixed
from zonecast.zone import rdata as rd
from zonecast.zone.names import parent_node
from zonecast.zone.rrset import RRset, node_of, type_of


class EntryEditor:
    """Writes a zone's answer entries. Nodes must come in ascending order, ancestors first."""

    def __init__(self, cursor: Any, prefix: bytes) -> None:
        self._cursor = cursor
        self._prefix = prefix

    def write_node(self, node: bytes, before: Iterable[RRset], after: Iterable[RRset]) -> None:
        """Replace the entries of one node; where it begins or ceases to hide what is below it,
        mark that again. At the apex, `after` must hold the SOA."""
        before, after = list(before), list(after)
        place = self._prefix + node + b"\x00"
        # The types of a node are its entries' last two octets, so its own entries stand together.
        # Under type 0 the apex has the zone's negative SOA and the NSEC3s, which are others'.
        old = [key for key, _ in prefixed(self._cursor, place, place + b"\x00\x01")]
        old += [self._prefix + key for key in compile_hashed(before)]
        hidden = self._is_hidden(node)
        entries = compile_node(after, OCCLUDED if hidden else 0) | compile_hashed(after)
        for key in old:
            if key[len(self._prefix) :] not in entries:
                self._cursor.pop(key)
        for key, entry in sorted(entries.items()):
            self._cursor.put(self._prefix + key, entry)
        if hides_below(before) != hides_below(after) and not hidden:
            self._mark_below(node, hides_below(after))

    def _is_hidden(self, node: bytes) -> bool:
        while node:
            node = parent_node(node)
            if self._hides(node):
                return True
        return False

    def _hides(self, node: bytes) -> bool:
        types = (rd.DNAME,) if not node else (rd.DNAME, rd.NS)
        place = self._prefix + node + b"\x00"
        return any(self._cursor.set_key(place + rtype.to_bytes(2, "big")) for rtype in types)

    def _mark_below(self, node: bytes, hidden: bool) -> None:
        """Set or clear OCCLUDED on everything below `node`, minding cuts further down."""
        cut: bytes | None = None
        keys = [
            key[len(self._prefix) :]
            for key, _ in prefixed(self._cursor, self._prefix + node)
            if node_of(key[len(self._prefix) :]) != node
        ]
        types: dict[bytes, set[int]] = {}
        for key in keys:
            types.setdefault(node_of(key), set()).add(type_of(key))
        for below, held in types.items():
            if cut is not None and not below.startswith(cut):
                cut = None
            occluded = hidden or cut is not None
            if cut is None and held & {rd.NS, rd.DNAME}:
                cut = below
            for rtype in held:
                glue = rd.NS in held and rtype not in (rd.NS, rd.DS, rd.NSEC)
                self._flag(below + b"\x00" + rtype.to_bytes(2, "big"), occluded or glue)

    def _flag(self, key: bytes, occluded: bool) -> None:
        self._cursor.set_key(self._prefix + key)
        entry = self._cursor.value()
        flags = entry[0] & ~OCCLUDED | (OCCLUDED if occluded else 0)
        if flags != entry[0]:
            self._cursor.put(self._prefix + key, bytes((flags,)) + entry[1:])
