"""Where a name stands: its zone, and the place in the zone where the walk for it ends.

Steps 2 and 3 of RFC 1034 §4.3.2, with DNAME as in RFC 6672 §3.2 and the closest encloser of
RFC 4592 §3.3.1.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key
from zonecast.zone.rrset import rrset_key

FOUND, MISSING, CUT, DNAME = range(4)


class Place(NamedTuple):
    """Where the walk from the apex towards a name ended.

    kind     node                                                   entry
    FOUND    the name's own (it may hold nothing: RFC 8020)         b""
    MISSING  the closest encloser's                                 b""
    CUT      the zone cut's, at the name or above it                the NS RRset's
    DNAME    the DNAME's owner's, above the name                    the DNAME RRset's

    `start` is where the node's name begins in the name looked for.
    """

    kind: int
    node: bytes
    start: int
    entry: bytes


def zone_of(view: View, name: bytes, qtype: int) -> ZoneRef | None:
    """The nearest enclosing zone served here; for DS the one above the name, if that is served
    (RFC 4035 §3.1.4.1)."""
    zones = view.zones
    lowered = name.lower()
    position = 0
    if qtype == rd.DS and lowered[0]:
        position = lowered[0] + 1
    while True:
        zone = zones.get(lowered[position:])
        if zone is not None:
            return zone
        if not lowered[position]:
            return zones.get(lowered) if qtype == rd.DS else None
        position += lowered[position] + 1


def walk(view: View, zone: ZoneRef, name: bytes) -> Place:
    """Walk from the apex of `zone` towards `name`, which lies in it, up to the first zone cut,
    DNAME or missing label."""
    prefix = zone.prefix
    top = len(name) - len(zone.origin)
    if top:
        entry = view.get(prefix + _DNAME_AT_APEX)
        if entry is not None:
            return Place(DNAME, b"", top, entry)
    whole = node_key(name[:top])
    node = b""
    place = top
    for start in reversed(list(label_starts(name, top))):
        child = whole[: whole.index(b"\x00", len(node)) + 1]
        if not exists(view, prefix + child):
            return Place(MISSING, node, place, b"")
        node, place = child, start
        entry = view.get(prefix + node + b"\x00\x00\x02")
        if entry is not None:
            return Place(CUT, node, start, entry)
        entry = view.get(prefix + node + b"\x00\x00\x27") if start else None
        if entry is not None:
            return Place(DNAME, node, start, entry)
    return Place(FOUND, node, 0, b"")


def wildcard(view: View, zone: ZoneRef, place: Place) -> Place:
    """The place of the wildcard that stands for a MISSING name (RFC 4592 §3.3.1), the MISSING
    place itself where there is none. NS at a wildcard delegates every name that it stands for
    (RFC 4592 §4.2 leaves it undefined)."""
    node = place.node + b"*\x00"
    if not exists(view, zone.prefix + node):
        return place
    entry = view.get(zone.prefix + node + b"\x00\x00\x02")
    return Place(FOUND, node, 0, b"") if entry is None else Place(CUT, node, 0, entry)


def exists(view: View, prefixed_node: bytes) -> bool:
    """Whether the node, or anything below it, holds an RRset."""
    found = view.seek(prefixed_node)
    return found is not None and found[0].startswith(prefixed_node)


def entries_at(view: View, prefixed_node: bytes) -> Iterator[bytes]:
    """The entries of one node in the order of their types."""
    start = prefixed_node + b"\x00"
    found = view.seek(start + b"\x00\x01")
    while found is not None and found[0].startswith(start):
        yield found[1]
        found = view.seek(found[0] + b"\x00")


def label_starts(name: bytes, top: int) -> Iterator[int]:
    """Where the labels of a name begin, those before `top`."""
    position = 0
    while position < top:
        yield position
        position += name[position] + 1


_DNAME_AT_APEX = rrset_key(b"", rd.DNAME)
