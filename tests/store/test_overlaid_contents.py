"""A stored zone with a change laid over it answers like the version that the change makes."""

from __future__ import annotations

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from test_store_equals_zone import ORIGIN, build, zones

from zonecast.protocol.view import ZoneRef
from zonecast.store.contents import Overlaid
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone.contents import WholeZone
from zonecast.zone.names import parent_node
from zonecast.zone.rrset import RRset, Zone, node_of


def at_nodes(zone: Zone, nodes: set[bytes]) -> dict[bytes, dict[bytes, RRset]]:
    return {
        node: {key: rrset for key, rrset in zone.rrsets.items() if node_of(key) == node}
        for node in nodes
    }


@settings(max_examples=60, deadline=None)
@given(zones(), zones(), st.sets(st.integers(0, 20)))
def test_overlaid_contents_are_those_of_the_new_version(
    first: dict, second: dict, more: set
) -> None:
    old, new = build(first, 1), build(second, 2)
    keys = old.rrsets.keys() | new.rrsets.keys()
    nodes = sorted(set(map(node_of, keys)))
    changed = {node_of(key) for key in keys if old.rrsets.get(key) != new.rrsets.get(key)}
    changed |= {nodes[number] for number in more if number < len(nodes)}
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        writer = ZonesWriter(Path(directory))
        with writer.transaction(0.0) as transaction:
            record = transaction.replace(old)
        with writer.snapshot() as snapshot:
            ref = ZoneRef(ORIGIN, record.prefix)
            found = Overlaid(snapshot, ref, at_nodes(new, changed))
            whole = WholeZone(new)
            for key in keys:
                assert found.get(key) == whole.get(key)
            for node in {b"", *nodes, *map(parent_node, nodes), b"nothing\x00", b"b\x00a\x00"}:
                assert found.types_at(node) == whole.types_at(node)
                assert found.exists(node) == whole.exists(node)
        writer.close()
