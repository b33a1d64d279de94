"""A published zone with new RRsets laid over some of its nodes: what the checks ask of a version
that is judged without being read as a whole."""

from __future__ import annotations

from collections.abc import Mapping

from zonecast.protocol.view import ZoneRef
from zonecast.store.reader import Snapshot
from zonecast.zone.rrset import RRset, node_of


class Overlaid:
    """The zone `ref` of a Snapshot, an open one, with the nodes of `changes` replaced: each has
    the RRsets there, by key, and none else. A `zone.contents.Contents`."""

    def __init__(
        self, snapshot: Snapshot, ref: ZoneRef, changes: Mapping[bytes, Mapping[bytes, RRset]]
    ) -> None:
        self.origin = ref.origin
        self._snapshot = snapshot
        self._ref = ref
        self._changes = changes
        self._nodes: dict[bytes, Mapping[bytes, RRset]] = {}

    def get(self, key: bytes) -> RRset | None:
        """The RRset with a key."""
        return self._node(node_of(key)).get(key)

    def types_at(self, node: bytes) -> tuple[int, ...]:
        """The types that a node has records of, in rising order; RRSIG once."""
        return tuple(sorted({rrset.rtype for rrset in self._node(node).values()}))

    def exists(self, node: bytes) -> bool:
        """Whether there are records at a node or below it (RFC 4592 §2.2.2)."""
        if not node or any(held and at.startswith(node) for at, held in self._changes.items()):
            return True
        for at in self._snapshot.nodes(self._ref, node):
            if not at.startswith(node):
                break
            if at not in self._changes:
                return True
        return False

    def _node(self, node: bytes) -> Mapping[bytes, RRset]:
        changed = self._changes.get(node)
        if changed is not None:
            return changed
        if node not in self._nodes:
            self._nodes[node] = self._snapshot.node(self._ref, node)
        return self._nodes[node]
