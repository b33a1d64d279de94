"""The two compiled forms of an RRset, made when a version is stored, never when it is asked for.

*Answer entry*, under the RRset's key: what follows the question in the reply to an exact match.

    flags (1) · record count (2) · tail

The tail is the finished records, each with the owner C00C (the question's name), rdata
uncompressed so that a slower path may put another owner in front. `flags` is zero where the tail
is the whole answer; any set bit but SIGNED sends the query to the slow path. With SIGNED the RRset's RRSIGs
follow the tail in the same form, and the entry ends in their count (2) and the octets that the
plain tail takes (4). RRSIGs have no entries of their own; a signature over nothing is an entry
with no plain records. Under the apex with type 0 stands the SOA as negative answers carry it
(RFC 2308 §3), its flags saying how the zone proves that something is not there, and right after
it the NSEC3 RRsets in the order of their hashes: an NSEC3's owner is no name of the zone
(RFC 5155 §7.2.8), and nothing stands between two of them.

*Transfer records*: each record with its own relative owner, case kept, and the pointer C00C to
the origin, which is the question of every transfer message (RFC 5936 §3.4).
"""

from __future__ import annotations

import struct
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple

from zonecast.errors import ChangesetError
from zonecast.zone import rdata as rd
from zonecast.zone.names import ROOT, node_key, to_text
from zonecast.zone.rrset import MAX_RRSET, RRset, Zone, make_rrset, node_of, rrset_key, soa_timers

OCCLUDED = 1  # glue or otherwise below a zone cut or a DNAME: not an answer
CUT = 2  # an NS RRset below the apex
TARGETS = 4  # names hosts whose addresses belong in the additional section
SIGNED = 8  # RRSIGs follow
SECURE = 16  # on the NS RRset of a cut: there is a DS RRset
NSEC_CHAIN = 32  # on the negative SOA: the apex has signatures, so that NSECs are proofs
NSEC3_CHAIN = 64  # on the negative SOA: the apex has an NSEC3PARAM
CHAINS = NSEC_CHAIN | NSEC3_CHAIN

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


def answer_entry(rrset: RRset | None, signatures: Collection[RRset] = (), flags: int = 0) -> bytes:
    """The answer entry of an RRset and the RRSIG RRsets over it. Raises ChangesetError for what
    fits into no message together."""
    tails = [] if rrset is None else record_tails(rrset)
    signed = [tail for sigs in signatures for tail in record_tails(sigs)]
    if rrset is not None and rrset.rtype in rd.TARGET_TYPES:
        flags |= TARGETS
    plain = _join(tails)
    if rrset is not None and len(plain) > MAX_RRSET:
        raise too_large(rrset.owner, rrset.rtype, len(plain))
    if not signed:
        return _HEAD.pack(flags, len(tails)) + plain
    head = _HEAD.pack(flags | SIGNED, len(tails))
    over = _join(signed)
    if len(plain) + len(over) > MAX_RRSET:
        whole = rrset or next(iter(signatures))
        more = "" if rrset is None else " with its signatures"
        raise too_large(whole.owner, whole.rtype, len(plain) + len(over), more)
    return head + plain + over + _TRAILER.pack(len(signed), len(plain))


def too_large(owner: bytes, rtype: int, size: int, more: str = "") -> ChangesetError:
    """The error for an RRset of so many octets, with `more` that is in them. Its owner is shown
    without the origin."""
    return ChangesetError(
        f"the {rd.type_to_text(rtype)} RRset of {to_text(owner + ROOT)[:-1] or '@'}{more},"
        f" {size} octets, fits into no message",
        remedy=f"keep it below {MAX_RRSET} octets: fewer records there, or over several names",
    )


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


def as_plain(entry: bytes, dnssec: bool) -> bytes | None:
    """The entry whose tail is the whole answer to a client that sets DO, or does not: None where
    there is more to it than signatures, or nothing but signatures."""
    if entry[0] != SIGNED or entry[1:3] == b"\x00\x00":
        return None
    signatures, plain = _TRAILER.unpack_from(entry, len(entry) - 6)
    if not dnssec:
        return b"\x00" + entry[1:3] + entry[3 : 3 + plain]
    count: int = (entry[1] << 8 | entry[2]) + signatures
    return b"\x00" + count.to_bytes(2, "big") + entry[3:-6]


def _split(entry: bytes, position: int, count: int) -> list[bytes]:
    tails = []
    for _ in range(count):
        start = position + 2
        position = start + 10 + int.from_bytes(entry[start + 8 : start + 10], "big")
        tails.append(entry[start:position])
    return tails


def negative_entry(soa: RRset, signatures: Iterable[RRset] = (), flags: int = 0) -> bytes:
    """The SOA with the TTL of negative answers, min(SOA TTL, minimum) (RFC 2308 §3, §5), and its
    signatures with none above that."""
    ttl = min(soa.ttl, soa_timers(soa.rdatas[0])[3])
    signed = [sigs._replace(ttl=min(sigs.ttl, ttl)) for sigs in signatures]
    return answer_entry(soa._replace(ttl=ttl), signed, flags)


def hashed_key(owner: bytes) -> bytes | None:
    """The key of the NSEC3 RRset at this owner, None where the owner is no hash: more labels than
    one, or none."""
    if not owner or owner[0] + 1 != len(owner):
        return None
    return NEGATIVE_KEY + node_key(owner)


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
    """The answer entries of one node without its NSEC3, by RRset key. `flags` is OCCLUDED for a
    node below a cut."""
    owner, plain, signatures = _sorted_out(rrsets)
    is_cut = bool(owner) and rd.NS in plain
    entries = {}
    for rtype in plain.keys() | signatures.keys():
        own = flags
        if rtype == rd.NSEC3 and rtype in plain and hashed_key(owner):
            continue
        if is_cut:
            if rtype == rd.NS:
                own |= CUT | SECURE if rd.DS in plain else CUT
            elif rtype not in (rd.DS, rd.NSEC):
                own |= OCCLUDED
        entry = answer_entry(plain.get(rtype), signatures.get(rtype, ()), own)
        entries[rrset_key(owner, rtype)] = entry
        if rtype == rd.SOA and not owner:
            # Whether the apex has an NSEC itself does not matter: where it is lost, the others
            # are still to be had.
            chains = NSEC_CHAIN if signatures else 0
            chains |= NSEC3_CHAIN if rd.NSEC3PARAM in plain else 0
            negative = negative_entry(plain[rtype], signatures.get(rtype, ()), chains)
            entries[NEGATIVE_KEY] = negative
    return entries


def compile_hashed(rrsets: Iterable[RRset]) -> dict[bytes, bytes]:
    """The answer entry of a node's NSEC3 by its key (see the module's text), where it has one.
    Never occluded: a DNAME at the apex hides no proof."""
    owner, plain, signatures = _sorted_out(rrsets)
    key = hashed_key(owner) if rd.NSEC3 in plain else None
    if key is None:
        return {}
    return {key: answer_entry(plain[rd.NSEC3], signatures.get(rd.NSEC3, ()))}


def _sorted_out(
    rrsets: Iterable[RRset],
) -> tuple[bytes, dict[int, RRset], dict[int, list[RRset]]]:
    """A node's owner, its RRsets by type, and its RRSIGs by the type that they cover."""
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
    return owner, plain, signatures


def hides_below(rrsets: Iterable[RRset]) -> bool:
    """Whether a node's RRsets make everything below it occluded: a zone cut or a DNAME."""
    return any(r.rtype == rd.DNAME or (r.rtype == rd.NS and r.owner) for r in rrsets)


def compile_zone(zone: Zone) -> dict[bytes, bytes]:
    """All answer entries of a zone, by RRset key."""
    nodes: dict[bytes, list[RRset]] = {}
    for key in sorted(zone.rrsets):
        nodes.setdefault(node_of(key), []).append(zone.rrsets[key])
    hashed = [nodes[node] for node in hashed_nodes(zone.rrsets.values())]
    return dict(compile_nodes(nodes.items(), hashed))


def hashed_nodes(rrsets: Iterable[RRset]) -> set[bytes]:
    """The node keys of those RRsets that are NSEC3s."""
    return {node_key(rrset.owner) for rrset in rrsets if rrset.rtype == rd.NSEC3}


def compile_nodes(
    nodes: Iterable[tuple[bytes, Iterable[RRset]]], hashed: Iterable[Iterable[RRset]]
) -> Iterator[tuple[bytes, bytes]]:
    """The answer entries of whole nodes in canonical order, (key, entry) in key order. What a
    node hides comes right after it, since its key is the prefix of theirs. `hashed` are those of
    the nodes that hold NSEC3s, whose entries stand with the apex's."""
    hiding: bytes | None = None
    for node, rrsets in nodes:
        rrsets = list(rrsets)
        if hiding is not None and not node.startswith(hiding):
            hiding = None
        entries = compile_node(rrsets, 0 if hiding is None else OCCLUDED)
        if not node:
            for held in hashed:
                entries.update(compile_hashed(held))
        yield from sorted(entries.items()) if len(entries) > 1 else entries.items()
        if hiding is None and hides_below(rrsets):
            hiding = node
