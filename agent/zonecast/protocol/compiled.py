"""The two compiled forms of an RRset, made when a version is stored, never when it is asked for.

*Answer entry*, under the RRset's key: what follows the question in the reply to an exact match.

    flags (1) · record count (2) · tail

The tail is the finished records, each with the owner C00C (the question's name), rdata
uncompressed so that a slower path may put another owner in front. `flags` is zero where the tail
is the whole answer; any set bit sends the query to the slow path. With SIGNED the RRset's RRSIGs
follow the tail in the same form, and the entry ends in their count (2) and the octets that the
plain tail takes (4). RRSIGs have no entries of their own; a signature over nothing is an entry
with no plain records. Under the apex with type 0 stands the SOA as negative answers carry it
(RFC 2308 §3).

*Transfer records*: each record with its own relative owner, case kept, and the pointer C00C to
the origin, which is the question of every transfer message (RFC 5936 §3.4).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from zonecast.errors import ChangesetError
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import MAX_RRSET, RRset, Zone, make_rrset, node_of, rrset_key, soa_timers

OCCLUDED = 1  # glue or otherwise below a zone cut or a DNAME: not an answer
CUT = 2  # an NS RRset below the apex
TARGETS = 4  # names hosts whose addresses belong in the additional section
SIGNED = 8  # RRSIGs follow

CLASS_IN = 1
POINTER = b"\xc0\x0c"
NEGATIVE_KEY = rrset_key(b"", 0)

_FIXED = struct.Struct(">HHIH")
_HEAD = struct.Struct(">BH")
_TRAILER = struct.Struct(">HI")


class Entry(NamedTuple):
    """An answer entry taken apart. `records` and `signatures` hold each record from its type
    onward (type, class, TTL, length, rdata), ready for an owner to be put in front."""

    flags: int
    records: list[bytes]
    signatures: list[bytes]


def record_tails(rrset: RRset) -> list[bytes]:
    """Each record of an RRset from its type onward."""
    rtype, ttl = rrset.rtype, rrset.ttl
    return [_FIXED.pack(rtype, CLASS_IN, ttl, len(rdata)) + rdata for rdata in rrset.rdatas]


def answer_entry(rrset: RRset | None, signatures: Iterable[RRset] = (), flags: int = 0) -> bytes:
    """The answer entry of an RRset and the RRSIG RRsets over it. Raises ChangesetError for an
    RRset that fits into no message."""
    tails = [] if rrset is None else record_tails(rrset)
    signed = [tail for sigs in signatures for tail in record_tails(sigs)]
    if rrset is not None and rrset.rtype in rd.TARGET_TYPES:
        flags |= TARGETS
    plain = _join(tails)
    if len(plain) > MAX_RRSET:
        raise ChangesetError(f"an RRset of {len(plain)} octets fits into no message")
    if not signed:
        return _HEAD.pack(flags, len(tails)) + plain
    head = _HEAD.pack(flags | SIGNED, len(tails))
    return head + plain + _join(signed) + _TRAILER.pack(len(signed), len(plain))


def _join(tails: list[bytes]) -> bytes:
    return b"".join([POINTER + tail for tail in tails])


def read_entry(entry: bytes) -> Entry:
    """An answer entry taken apart."""
    flags, count = _HEAD.unpack_from(entry)
    records = _split(entry, 3, count)
    if not flags & SIGNED:
        return Entry(flags, records, [])
    signature_count, plain = _TRAILER.unpack_from(entry, len(entry) - 6)
    return Entry(flags, records, _split(entry, 3 + plain, signature_count))


def _split(entry: bytes, position: int, count: int) -> list[bytes]:
    tails = []
    for _ in range(count):
        start = position + 2
        position = start + 10 + int.from_bytes(entry[start + 8 : start + 10], "big")
        tails.append(entry[start:position])
    return tails


def negative_entry(soa: RRset) -> bytes:
    """The SOA with the TTL of negative answers: min(SOA TTL, minimum) (RFC 2308 §3, §5)."""
    minimum = soa_timers(soa.rdatas[0])[3]
    return answer_entry(soa._replace(ttl=min(soa.ttl, minimum)))


def transfer_records(rrset: RRset) -> bytes:
    """An RRset as finished transfer records."""
    owner = rrset.owner + POINTER
    return b"".join([owner + tail for tail in record_tails(rrset)])


def read_transfer_records(octets: bytes) -> Iterator[tuple[bytes, int, int, bytes]]:
    """(owner, type, TTL, rdata) of each finished transfer record."""
    position = 0
    size = len(octets)
    while position < size:
        start = position
        while octets[position] != 0xC0:
            position += octets[position] + 1
        owner = octets[start:position]
        rtype, _, ttl, length = _FIXED.unpack_from(octets, position + 2)
        position += 12 + length
        yield owner, rtype, ttl, octets[position - length : position]


def group(records: Iterable[tuple[bytes, int, int, bytes]]) -> dict[bytes, RRset]:
    """Records in any order as RRsets by key. One RRset has one TTL: the last one seen
    (RFC 2181 §5.2 calls differing ones an error; a transfer's receiver has to choose)."""
    found: dict[bytes, tuple[bytes, int, int, list[bytes]]] = {}
    for owner, rtype, ttl, rdata in records:
        key = rrset_key(owner, rtype, rdata)
        known = found.get(key)
        if known is None:
            found[key] = (owner, rtype, ttl, [rdata])
        else:
            known[3].append(rdata)
            if known[2] != ttl:
                found[key] = (known[0], rtype, ttl, known[3])
    return {
        key: make_rrset(owner, rtype, ttl, rdatas)
        for key, (owner, rtype, ttl, rdatas) in found.items()
    }


def split_records(octets: bytes, limit: int) -> Iterator[bytes]:
    """Finished transfer records in pieces of whole records, none over `limit` octets where the
    record itself is not."""
    position = start = 0
    size = len(octets)
    while position < size:
        before = position
        while octets[position] != 0xC0:
            position += octets[position] + 1
        position += 12 + int.from_bytes(octets[position + 10 : position + 12], "big")
        if position - start > limit and before > start:
            yield octets[start:before]
            start = before
    if start < size:
        yield octets[start:]


def compile_node(rrsets: Iterable[RRset], flags: int) -> dict[bytes, bytes]:
    """The answer entries of one node, by RRset key. `flags` is OCCLUDED for a node below a cut."""
    plain: dict[int, RRset] = {}
    signatures: dict[int, list[RRset]] = {}
    owner = b""
    for rrset in rrsets:
        owner = rrset.owner
        if rrset.rtype == rd.RRSIG:
            covered = int.from_bytes(rrset.rdatas[0][:2], "big")
            signatures.setdefault(covered, []).append(rrset)
        else:
            plain[rrset.rtype] = rrset
    is_cut = bool(owner) and rd.NS in plain
    entries = {}
    for rtype in plain.keys() | signatures.keys():
        own = flags
        if is_cut:
            own |= CUT if rtype == rd.NS else 0 if rtype in (rd.DS, rd.NSEC) else OCCLUDED
        entry = answer_entry(plain.get(rtype), signatures.get(rtype, ()), own)
        entries[rrset_key(owner, rtype)] = entry
        if rtype == rd.SOA and not owner:
            entries[NEGATIVE_KEY] = negative_entry(plain[rtype])
    return entries


def hides_below(rrsets: Iterable[RRset]) -> bool:
    """Whether a node's RRsets make everything below it occluded: a zone cut or a DNAME."""
    return any(r.rtype == rd.DNAME or (r.rtype == rd.NS and r.owner) for r in rrsets)


def compile_zone(zone: Zone) -> dict[bytes, bytes]:
    """All answer entries of a zone, by RRset key."""
    nodes: dict[bytes, list[RRset]] = {}
    for key in sorted(zone.rrsets):
        nodes.setdefault(node_of(key), []).append(zone.rrsets[key])
    return dict(compile_nodes(nodes.items()))


def compile_nodes(
    nodes: Iterable[tuple[bytes, Iterable[RRset]]],
) -> Iterator[tuple[bytes, bytes]]:
    """The answer entries of whole nodes in canonical order, (key, entry) in key order. What a
    node hides comes right after it, since its key is the prefix of theirs."""
    hiding: bytes | None = None
    for node, rrsets in nodes:
        rrsets = list(rrsets)
        if hiding is not None and not node.startswith(hiding):
            hiding = None
        entries = compile_node(rrsets, 0 if hiding is None else OCCLUDED)
        yield from sorted(entries.items()) if len(entries) > 1 else entries.items()
        if hiding is None and hides_below(rrsets):
            hiding = node
