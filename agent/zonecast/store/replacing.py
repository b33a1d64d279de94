"""A stored zone and a whole new version of it: what changes, found without a value for each RRset.

Both are runs of finished records in canonical order, so they are walked side by side, node by node,
and only nodes whose octets differ are taken apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from zonecast.protocol.assembly import AssembledZone
from zonecast.protocol.compiled import group, read_transfer_records
from zonecast.protocol.transfer_run import run_octets
from zonecast.zone.changeset import Changeset, diff_rrset
from zonecast.zone.names import node_key
from zonecast.zone.rrset import RRset

# Octets of records that may change in any zone, and the part of it in a bigger one, before the new
# version is another zone: nobody is served by a changeset that is as large.
FEW = 1 << 20
PART = 2

_Node = tuple[bytes, bytes]
_END: _Node = (b"", b"")


def changes(soa: RRset, runs: list[bytes], new: AssembledZone) -> Changeset | None:
    """The changeset from the zone with this SOA and these stored runs; None where so much changes that the
    new version had better be written as a whole."""
    size = sum(len(run) for _, run in new.runs)
    left = max(FEW, size // PART)
    if abs(size - sum(map(len, runs))) > left:
        return None
    unlike: list[tuple[bytes, bytes]] = []
    for gone, come in _unlike(_nodes(runs), _nodes(run for _, run in new.runs)):
        unlike.append((gone, come))
        left -= len(gone) + len(come)
        if left < 0:
            return None
    deleted: dict[bytes, RRset] = {}
    added: dict[bytes, RRset] = {}
    for gone, come in unlike:
        before = group(read_transfer_records(gone))
        after = group(read_transfer_records(come))
        for key in sorted(before.keys() | after.keys()):
            diff_rrset(key, before.get(key), after.get(key), deleted, added)
    return Changeset(new.origin, soa, new.soa, tuple(deleted.values()), tuple(added.values()))


def _unlike(old: Iterator[_Node], new: Iterator[_Node]) -> Iterator[tuple[bytes, bytes]]:
    """(old records, new records) of each node that differs, in canonical order."""
    was, now = next(old, _END), next(new, _END)
    while was is not _END or now is not _END:
        if now is _END or (was is not _END and was[0] < now[0]):
            yield was[1], b""
            was = next(old, _END)
        elif was is _END or now[0] < was[0]:
            yield b"", now[1]
            now = next(new, _END)
        else:
            if was[1] != now[1]:
                yield was[1], now[1]
            was, now = next(old, _END), next(new, _END)


def _nodes(runs: Iterable[bytes]) -> Iterator[_Node]:
    """The key and the records of each node; a node is never in two runs."""
    for run in map(run_octets, runs):
        position = start = 0
        owner: bytes | None = None
        while position < len(run):
            at = position
            while run[at] != 0xC0:
                at += run[at] + 1
            name = run[position:at]
            if name != owner:
                if owner is not None and name.lower() != owner.lower():
                    yield node_key(owner), run[start:position]
                    start = position
                owner = name
            position = at + 12 + (run[at + 10] << 8 | run[at + 11])
        if owner is not None:
            yield node_key(owner), run[start:]
