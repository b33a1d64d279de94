"""The compiled forms of a whole zone, made node by node in canonical order.

This is how a zone that is new gets into the store, from git as from a primary: nodes come as
finished records, and of most nodes (one record, or several of types that need no flags) the answer
entries and the transfer records are joins of these. What is rarer (the apex, signatures, NSEC3)
goes by RRsets, as `compiled` makes their forms. A property test holds both to be the same.

The result is a fraction of the size of the zone as RRsets: octets, and no value for each record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from operator import itemgetter
from typing import NamedTuple

from zonecast.errors import ChangesetError
from zonecast.protocol.compiled import (
    CUT,
    OCCLUDED,
    POINTER,
    SECURE,
    TARGETS,
    compile_hashed,
    compile_node,
    group,
    hides_below,
    read_transfer_records,
    record_tails,
    too_large,
    transfer_records,
)
from zonecast.protocol.soundness import alias_fault, apex_fault
from zonecast.protocol.transfer_run import run_octets, stored_run
from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key
from zonecast.zone.rrset import MAX_RRSET, SOA_KEY, RRset, Zone, soa_serial

# Octets that a transfer run is filled to.
RUN_SIZE = 8192

_NS, _DS, _DNAME, _NSEC, _CNAME = (
    rtype.to_bytes(2, "big") for rtype in (rd.NS, rd.DS, rd.DNAME, rd.NSEC, rd.CNAME)
)
_TARGETS = frozenset(rtype.to_bytes(2, "big") for rtype in rd.TARGET_TYPES)
_NAMES = frozenset(rtype.to_bytes(2, "big") for rtype in rd.LAYOUTS)
# Types whose entries hold more than their own records, or stand elsewhere.
_BY_RRSETS = frozenset(rtype.to_bytes(2, "big") for rtype in (rd.RRSIG, rd.NSEC3))
# Types whose entries, or those of their node or of what is below, have flags.
_FLAGGED = _BY_RRSETS | _TARGETS | {_DNAME}
_HEAD = struct.Struct(">BHH")
_POINTER = int.from_bytes(POINTER, "big")
_ONE = _HEAD.pack(0, 1, _POINTER)
_ONE_OCCLUDED = _HEAD.pack(OCCLUDED, 1, _POINTER)
_RDATA = itemgetter(slice(10, None))

Row = tuple[bytes, int, int, bytes]
# A node's key, its owner, and its records from their types onward, uncompressed, in any order.
Node = tuple[bytes, bytes, list[bytes]]


class AssembledZone(NamedTuple):
    """A whole zone, compiled. `head` are the apex's answer entries, by key; `entries` all others
    as key, entry, key, entry… in key order; `runs` the transfer form without the SOA, which the
    count of `records` has in it; `fault` what no server may serve of it (see `soundness`)."""

    origin: bytes
    soa: RRset
    head: list[tuple[bytes, bytes]]
    entries: list[bytes]
    runs: list[tuple[bytes, bytes]]
    records: int
    fault: str | None = None

    @property
    def serial(self) -> int:
        return soa_serial(self.soa.rdatas[0])

    def answers(self) -> Iterator[tuple[bytes, bytes]]:
        """All answer entries, (key, entry) in key order."""
        yield from self.head
        entries = iter(self.entries)
        yield from zip(entries, entries, strict=True)

    def zone(self) -> Zone:
        """The zone as a value."""
        rrsets = group(
            record for _, run in self.runs for record in read_transfer_records(run_octets(run))
        )
        rrsets[SOA_KEY] = self.soa
        return Zone(self.origin, rrsets)


class AssembledPart(NamedTuple):
    """What comes of nodes below the apex of which no earlier one hides any: entries and runs as
    `AssembledZone` has them, the entries of `hashed` owners, `hiding` the node that hides those
    that come next, if they are below it."""

    entries: list[bytes]
    runs: list[tuple[bytes, bytes]]
    records: int
    hashed: dict[bytes, bytes]
    hiding: bytes | None
    fault: str | None


class Assembly:
    """Takes the nodes of the zone at `origin` in canonical order, the apex (which may have no
    records but the SOA) first, if at all."""

    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._apex: list[RRset] = []
        self._hashed: dict[bytes, bytes] = {}
        self._entries: list[bytes] = []
        self._runs: list[tuple[bytes, bytes]] = []
        self._records = self._run_start = 1
        self._hiding: bytes | None = None
        self._held: list[bytes] = []
        self._first = b""
        self._size = 0
        self._fault: str | None = None

    def add(self, nodes: Iterable[Node]) -> None:
        """Nodes whose keys are each greater than the one before. Raises ChangesetError for an RRset
        that fits into no message."""
        entries, flagged = self._entries, _FLAGGED
        for node, owner, tails in nodes:
            count = len(tails)
            if not count:
                continue
            if self._hiding is not None and not node.startswith(self._hiding):
                self._hiding = None
            one = _ONE if self._hiding is None else _ONE_OCCLUDED
            before = len(entries)
            last = b"" if node else None
            ordered = sorted(tails) if count > 1 else tails
            for tail in ordered:
                kind = tail[:2]
                if kind == last or kind in flagged or last is None:
                    del entries[before:]
                    self._add_more(node, owner, tails)
                    break
                entries.append(node + b"\x00" + kind)
                entries.append(one + tail)
                last = kind
            else:
                # Every record is an RRset of its own, and its entry is about nothing else.
                front = owner + POINTER
                octets = front + front.join(ordered)
                if len(octets) > MAX_RRSET:
                    _check_size(owner, max(tails, key=len))
                if count > 1:
                    kinds = {tail[:2] for tail in tails}
                    if _CNAME in kinds:
                        self._judge_alias(owner, map(_number, kinds), 1)
                self._add_octets(node, octets, count)

    def _add_more(self, node: bytes, owner: bytes, tails: list[bytes]) -> None:
        """A node of which an entry is about several records, or has flags."""
        kinds: dict[bytes, list[bytes]] = {}
        for tail in tails:
            kind = tail[:2]
            if kind in kinds:
                kinds[kind].append(tail)
            else:
                kinds[kind] = [tail]
        if not node or not _BY_RRSETS.isdisjoint(kinds):
            self.add_rrsets(node, group(row_of(owner, tail) for tail in tails))
            return
        common = 0 if self._hiding is None else OCCLUDED
        is_cut = _NS in kinds
        octets = b""
        records = 0
        front = owner + POINTER
        for kind in sorted(kinds) if len(kinds) > 1 else kinds:
            tails = kinds[kind]
            flags = common | TARGETS if kind in _TARGETS else common
            if is_cut:
                if kind == _NS:
                    flags |= CUT | SECURE if _DS in kinds else CUT
                elif kind not in (_DS, _NSEC):
                    flags |= OCCLUDED
            if len(tails) > 1:
                tails = _put_right(owner, tails)
            if kind == _CNAME:
                self._judge_alias(owner, map(_number, kinds), len(tails))
            whole = POINTER.join(tails)
            _check_size(owner, whole)
            self._entries.append(node + b"\x00" + kind)
            self._entries.append(_HEAD.pack(flags, len(tails), _POINTER) + whole)
            octets += front + front.join(tails)
            records += len(tails)
        self._add_octets(node, octets, records)
        if (is_cut or _DNAME in kinds) and not common:
            self._hiding = node

    def add_rrsets(self, node: bytes, rrsets: dict[bytes, RRset]) -> None:
        """A node by its RRsets and their keys, whatever they are. Raises ChangesetError as `add`
        does."""
        held = [rrsets[key] for key in sorted(rrsets)]
        hidden = self._hiding is not None and node.startswith(self._hiding)
        if not hidden:
            self._hiding = node if hides_below(held) else None
        if node:
            for rrset in held:
                if rrset.rtype == rd.CNAME:
                    self._judge_alias(rrset.owner, (r.rtype for r in held), len(rrset.rdatas))
            for key, entry in sorted(compile_node(held, OCCLUDED if hidden else 0).items()):
                self._entries += (key, entry)
        else:
            self._apex = held
        self._hashed.update(compile_hashed(held))
        records = sum(len(rrset.rdatas) for rrset in held)
        self._add_octets(node, b"".join(map(transfer_records, held)), records)

    def _judge_alias(self, owner: bytes, types: Iterable[int], aliases: int) -> None:
        self._fault = self._fault or alias_fault(self._origin, owner, {*types}, aliases)

    def _judge_apex(self) -> None:
        types = {rrset.rtype for rrset in self._apex}
        for rrset in self._apex:
            if rrset.rtype == rd.CNAME:
                self._judge_alias(b"", types | {rd.SOA}, len(rrset.rdatas))
        self._fault = self._fault or apex_fault(self._origin, rd.NS in types, self._records)

    def _add_octets(self, node: bytes, octets: bytes, records: int) -> None:
        size = len(octets)
        self._size += size
        if self._size > RUN_SIZE or not self._held:
            self._close_run()
            self._first, self._size = node, size
        self._held.append(octets)
        self._records += records

    def _close_run(self) -> None:
        if self._held:
            records = self._records - self._run_start
            self._runs.append((self._first, stored_run(records, b"".join(self._held))))
            self._run_start = self._records
        self._held = []

    def part(self) -> AssembledPart:
        """What was added, for another assembly to join. Nothing may be added afterwards."""
        self._close_run()
        return AssembledPart(
            self._entries, self._runs, self._records - 1, self._hashed, self._hiding, self._fault
        )

    def join(self, part: AssembledPart) -> None:
        """Take nodes that were assembled elsewhere, as if they were added."""
        self._close_run()
        self._entries += part.entries
        self._runs += part.runs
        self._records += part.records
        self._run_start = self._records
        self._size = 0
        self._hashed |= part.hashed
        self._hiding = part.hiding
        self._fault = self._fault or part.fault

    @property
    def hides_all(self) -> bool:
        """Whether the apex hides every other node, as with a DNAME there."""
        return self._hiding == b""

    def rows(self) -> Iterator[Row]:
        """The records of the nodes so far, as (owner, type, TTL, rdata)."""
        for _, run in self._runs:
            yield from read_transfer_records(run_octets(run))
        yield from read_transfer_records(b"".join(self._held))

    def finish(self, soa: RRset) -> AssembledZone:
        """The zone with this SOA. Nothing may be added afterwards."""
        self._close_run()
        self._judge_apex()
        head = compile_node([*self._apex, soa], 0) | self._hashed
        return AssembledZone(
            self._origin,
            soa,
            sorted(head.items()),
            self._entries,
            self._runs,
            self._records,
            self._fault,
        )


def assemble(origin: bytes, soa: RRset, rrsets: Iterable[RRset]) -> AssembledZone:
    """A zone from its RRsets without the SOA, in canonical order. Raises ChangesetError for an RRset
    that fits into no message."""
    assembly = Assembly(origin)
    for node, held in _by_node(rrsets):
        owner = held[0].owner
        if all(rrset.owner == owner for rrset in held):
            tails = [tail for rrset in held for tail in record_tails(rrset)]
            assembly.add(((node, owner, tails),))
        else:
            assembly.add_rrsets(node, {rrset.key: rrset for rrset in held})
    return assembly.finish(soa)


def assembled(zone: Zone) -> AssembledZone:
    """A zone, compiled. Raises ChangesetError without a SOA, and as `assemble` does."""
    if zone.soa is None:
        raise ChangesetError("a version without a SOA record cannot be stored")
    return assemble(zone.origin, zone.soa, (rrset for rrset in zone if rrset is not zone.soa))


def _by_node(rrsets: Iterable[RRset]) -> Iterator[tuple[bytes, list[RRset]]]:
    node = b""
    held: list[RRset] = []
    for rrset in rrsets:
        if held and rrset.owner != held[0].owner:
            key = node_key(rrset.owner)
            if key != node:
                yield node, held
                node, held = key, []
        elif not held:
            node = node_key(rrset.owner)
        held.append(rrset)
    if held:
        yield node, held


def _put_right(owner: bytes, tails: list[bytes]) -> list[bytes]:
    """The records of one RRset with one TTL, in canonical order, without duplicates."""
    head = tails[0][:8]
    by_case = head[:2] in _NAMES
    for tail in tails:
        if tail[:8] != head or (by_case and tail[10:].lower() != tail[10:]):
            (rrset,) = group(row_of(owner, tail) for tail in tails).values()
            return record_tails(rrset)
    return sorted({*tails}, key=_RDATA)  # by rdata alone, whatever its length


def _check_size(owner: bytes, records: bytes) -> None:
    size = len(POINTER) + len(records)
    if size > MAX_RRSET:
        raise too_large(owner, _number(records[:2]), size)


def _number(kind: bytes) -> int:
    return kind[0] << 8 | kind[1]


def row_of(owner: bytes, tail: bytes) -> Row:
    """(owner, type, TTL, rdata) of a record that is finished from its type onward."""
    return owner, int.from_bytes(tail[:2], "big"), int.from_bytes(tail[4:8], "big"), tail[10:]
