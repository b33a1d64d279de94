"""The compiled forms of a whole zone, made node by node in canonical order.

This is how a zone that is new gets into the store, from git as from a primary: nodes come as
finished records, and of most nodes (one record, or several of types that need no flags) the answer
entries and the transfer records are joins of these. What is rarer (the apex, signatures, NSEC3)
goes by RRsets, as `compiled` makes their forms. A property test holds both to be the same.

The result is a fraction of the size of the zone as RRsets: octets, and no value for each record.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
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
    transfer_records,
)
from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key
from zonecast.zone.rrset import (
    MAX_RRSET,
    SOA_KEY,
    RRset,
    Zone,
    add_hashes,
    records_digest,
    rrset_hash,
    soa_serial,
    sum_digests,
)

# Octets that a transfer run is filled to.
RUN_SIZE = 8192

_NS, _DS, _DNAME, _NSEC = (rtype.to_bytes(2, "big") for rtype in (rd.NS, rd.DS, rd.DNAME, rd.NSEC))
_TARGETS = frozenset(rtype.to_bytes(2, "big") for rtype in rd.TARGET_TYPES)
_NAMES = frozenset(rtype.to_bytes(2, "big") for rtype in rd.LAYOUTS)
# Types whose entries hold more than their own records, or stand elsewhere.
_BY_RRSETS = frozenset(rtype.to_bytes(2, "big") for rtype in (rd.RRSIG, rd.NSEC3))
# Types with which a node of one record is more than that record's entry.
_NOT_SINGLE = _BY_RRSETS | _TARGETS | {_DNAME}
_HEAD = struct.Struct(">BHH")
_ONE = b"\x00\x00\x01" + POINTER
_ONE_OCCLUDED = bytes((OCCLUDED,)) + _ONE[1:]
_ORDER = itemgetter(slice(10, None))

Row = tuple[bytes, int, int, bytes]


class AssembledZone(NamedTuple):
    """A whole zone, compiled. `head` are the apex's answer entries, by key; `entries` all others
    as key, entry, key, entry… in key order; `runs` the transfer form without the SOA;
    `content_hash` and the count of `records` are of the zone with its SOA."""

    origin: bytes
    soa: RRset
    head: list[tuple[bytes, bytes]]
    entries: list[bytes]
    runs: list[tuple[bytes, bytes]]
    content_hash: int
    records: int

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
        rrsets = group(record for _, run in self.runs for record in read_transfer_records(run))
        rrsets[SOA_KEY] = self.soa
        return Zone(self.origin, rrsets)


class Assembly:
    """Takes the nodes of the zone at `origin` in canonical order, the apex (which may have no
    records but the SOA) first, if at all."""

    def __init__(self, origin: bytes) -> None:
        self.node: bytes | None = None
        self._origin = origin
        self._apex: list[RRset] = []
        self._hashed: dict[bytes, bytes] = {}
        self._entries: list[bytes] = []
        self._runs: list[tuple[bytes, bytes]] = []
        self._hash = 0
        self._records = 0
        self._hiding: bytes | None = None
        self._digests: list[bytes] = []
        self._held: list[bytes] = []
        self._first = b""
        self._size = 0

    def add(self, node: bytes, owner: bytes, tails: list[bytes]) -> None:
        """The node with this key, greater than any before: its owner, and its records from their
        types onward, uncompressed, in any order. Raises ChangesetError for an RRset that fits into
        no message."""
        hiding = self._hiding
        if hiding is not None and not node.startswith(hiding):
            hiding = self._hiding = None
        if len(tails) == 1 and node:
            tail = tails[0]
            kind = tail[:2]
            if kind not in _NOT_SINGLE and len(tail) < MAX_RRSET - 2:
                self.node = node
                key = node + b"\x00" + kind
                self._entries += (key, (_ONE if hiding is None else _ONE_OCCLUDED) + tail)
                self._records += 1
                if kind in _NAMES and not _is_canonical(tail):
                    self._hash += _hash_of(owner, tails)
                else:
                    self._digests.append(records_digest(key + tail))
                self._add_octets(node, owner + POINTER + tail)
                return
        kinds: dict[bytes, list[bytes]] = {}
        for tail in tails:
            kind = tail[:2]
            if kind in kinds:
                kinds[kind].append(tail)
            else:
                kinds[kind] = [tail]
        if node and kinds.keys().isdisjoint(_BY_RRSETS):
            self._add_kinds(node, owner, kinds)
        else:
            self.add_rrsets(node, group(row_of(owner, tail) for tail in tails))

    def _add_kinds(self, node: bytes, owner: bytes, kinds: dict[bytes, list[bytes]]) -> None:
        """A node below the apex without signatures, its records by type."""
        self.node = node
        common = 0 if self._hiding is None else OCCLUDED
        is_cut = _NS in kinds
        if (is_cut or _DNAME in kinds) and not common:
            self._hiding = node
        front = owner + POINTER
        octets = []
        for kind in sorted(kinds) if len(kinds) > 1 else kinds:
            tails = kinds[kind]
            flags = common
            if kind in _TARGETS:
                flags |= TARGETS
            if is_cut:
                if kind == _NS:
                    flags |= CUT | SECURE if _DS in kinds else CUT
                elif kind not in (_DS, _NSEC):
                    flags |= OCCLUDED
            if len(tails) > 1:
                tails = _put_right(owner, tails)
            whole = POINTER.join(tails)
            if len(whole) > MAX_RRSET - 2:
                raise ChangesetError(f"an RRset of {len(whole) + 2} octets fits into no message")
            key = node + b"\x00" + kind
            self._entries += (key, _HEAD.pack(flags, len(tails), 0xC00C) + whole)
            self._records += len(tails)
            if kind in _NAMES and not all(map(_is_canonical, tails)):
                self._hash += _hash_of(owner, tails)
            else:
                self._digests.append(records_digest(key + b"".join(tails)))
            octets.append(front + front.join(tails))
        self._add_octets(node, b"".join(octets))

    def add_rrsets(self, node: bytes, rrsets: dict[bytes, RRset]) -> None:
        """A node by its RRsets and their keys, whatever they are. Raises ChangesetError as `add`
        does."""
        self.node = node
        held = [rrsets[key] for key in sorted(rrsets)]
        hidden = self._hiding is not None and node.startswith(self._hiding)
        if not hidden:
            self._hiding = node if hides_below(held) else None
        if node:
            for key, entry in sorted(compile_node(held, OCCLUDED if hidden else 0).items()):
                self._entries += (key, entry)
        else:
            self._apex = held
        self._hashed.update(compile_hashed(held))
        self._hash += sum(map(rrset_hash, held))
        self._records += sum(len(rrset.rdatas) for rrset in held)
        if held:
            self._add_octets(node, b"".join(map(transfer_records, held)))

    def _add_octets(self, node: bytes, octets: bytes) -> None:
        if self._held and self._size + len(octets) > RUN_SIZE:
            self._close_run()
        if not self._held:
            self._first = node
        self._held.append(octets)
        self._size += len(octets)

    def _close_run(self) -> None:
        if self._held:
            self._runs.append((self._first, b"".join(self._held)))
        self._hash += sum_digests(self._digests)
        self._held, self._digests, self._size = [], [], 0

    def rows(self) -> Iterator[Row]:
        """The records of the nodes so far, as (owner, type, TTL, rdata)."""
        for _, run in self._runs:
            yield from read_transfer_records(run)
        yield from read_transfer_records(b"".join(self._held))

    def finish(self, soa: RRset) -> AssembledZone:
        """The zone with this SOA. Nothing may be added afterwards."""
        self._close_run()
        head = compile_node([*self._apex, soa], 0) | self._hashed
        return AssembledZone(
            self._origin,
            soa,
            sorted(head.items()),
            self._entries,
            self._runs,
            add_hashes(self._hash, rrset_hash(soa)),
            self._records + 1,
        )


def assemble(origin: bytes, soa: RRset, rrsets: Iterable[RRset]) -> AssembledZone:
    """A zone from its RRsets without the SOA, in canonical order. Raises ChangesetError for an RRset
    that fits into no message."""
    assembly = Assembly(origin)
    node = b""
    held: list[RRset] = []
    for rrset in rrsets:
        if not held or held[0].owner != rrset.owner:
            key = node_key(rrset.owner)
            if held and key != node:
                _add_node(assembly, node, held)
                held = []
            node = key
        held.append(rrset)
    if held:
        _add_node(assembly, node, held)
    return assembly.finish(soa)


def _add_node(assembly: Assembly, node: bytes, rrsets: Sequence[RRset]) -> None:
    owner = rrsets[0].owner
    if all(rrset.owner == owner for rrset in rrsets):
        assembly.add(node, owner, [tail for rrset in rrsets for tail in record_tails(rrset)])
    else:
        assembly.add_rrsets(node, {rrset.key: rrset for rrset in rrsets})


def _put_right(owner: bytes, tails: list[bytes]) -> list[bytes]:
    """The records of one RRset with one TTL, in canonical order, without duplicates."""
    head = tails[0][:8]
    for tail in tails:
        if tail[:8] != head or (head[:2] in _NAMES and not _is_canonical(tail)):
            (rrset,) = group(row_of(owner, tail) for tail in tails).values()
            return record_tails(rrset)
    return sorted({*tails}, key=_ORDER)


def _is_canonical(tail: bytes) -> bool:
    """Whether no letter of a record's rdata could stand for another (more than names is looked at)."""
    rdata = tail[10:]
    return rdata.lower() == rdata


def _hash_of(owner: bytes, tails: list[bytes]) -> int:
    (rrset,) = group(row_of(owner, tail) for tail in tails).values()
    return rrset_hash(rrset)


def row_of(owner: bytes, tail: bytes) -> Row:
    """(owner, type, TTL, rdata) of a record that is finished from its type onward."""
    return owner, int.from_bytes(tail[:2], "big"), int.from_bytes(tail[4:8], "big"), tail[10:]
