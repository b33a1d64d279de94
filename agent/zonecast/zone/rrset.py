"""RRsets and zones as values.

A zone is a dictionary from RRset key to RRset. An RRset's key is its owner's node key, a zero
octet, the type and, for RRSIG alone, the type covered: signatures over different types are
different RRsets with TTLs of their own (RFC 4034 §3). Sorted keys give canonical order
(RFC 4034 §6.1) with the RRsets of one owner side by side.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key

_HASH_MODULUS = 1 << 128
_FIXED = struct.Struct(">HHIH")

# Octets that one RRset's records may take (owner as a pointer): so much fits into a message of
# 65535 with everything else a message may have to carry.
MAX_RRSET = 64000


class RRset(NamedTuple):
    """The records of one owner and type (RFC 2181 §5): `owner` relative to the origin with its
    case kept, `ttl` in seconds, `rdatas` uncompressed, without duplicates, sorted."""

    owner: bytes
    rtype: int
    ttl: int
    rdatas: tuple[bytes, ...]

    @property
    def key(self) -> bytes:
        return rrset_key(self.owner, self.rtype, self.rdatas[0])


def rrset_key(owner: bytes, rtype: int, rdata: bytes = b"") -> bytes:
    """The key of an RRset; `rdata` is any of its records' and is looked at for RRSIG alone."""
    key = node_key(owner) + b"\x00" + rtype.to_bytes(2, "big")
    return key + rdata[:2] if rtype == rd.RRSIG else key


def node_of(key: bytes) -> bytes:
    """The node key inside an RRset's key."""
    if not key[0]:
        return b""
    # A node key's last label ends in a zero, and another zero comes before the type.
    return key[: key.index(b"\x00\x00") + 1]


def type_of(key: bytes) -> int:
    """The type inside an RRset's key."""
    start = len(node_of(key)) + 1
    return int.from_bytes(key[start : start + 2], "big")


def make_rrset(owner: bytes, rtype: int, ttl: int, rdatas: Iterable[bytes]) -> RRset:
    """An RRset with duplicates dropped (compared canonically, the first one's case kept)."""
    rdatas = tuple(rdatas)
    if len(rdatas) > 1:
        whole = b"".join(rdatas)
        if rtype not in rd.LAYOUTS or whole.lower() == whole:
            rdatas = tuple(sorted({*rdatas}))  # every one is its own canonical form
        else:
            unique: dict[bytes, bytes] = {}
            for rdata in rdatas:
                unique.setdefault(rd.canonical(rtype, rdata), rdata)
            rdatas = tuple([unique[key] for key in sorted(unique)])
    return RRset(owner, rtype, ttl, rdatas)


@dataclass
class Zone:
    """A zone's contents. `origin` is a name; `rrsets` maps RRset keys to RRsets."""

    origin: bytes
    rrsets: dict[bytes, RRset] = field(default_factory=dict)

    @property
    def soa(self) -> RRset | None:
        """The SOA RRset at the apex, None where there is none."""
        return self.rrsets.get(SOA_KEY)

    @property
    def serial(self) -> int | None:
        """The SOA's serial, None without a SOA."""
        soa = self.soa
        return None if soa is None else soa_serial(soa.rdatas[0])

    def __iter__(self) -> Iterator[RRset]:
        """The RRsets in canonical order."""
        for key in sorted(self.rrsets):
            yield self.rrsets[key]

    def count(self) -> int:
        """How many records the zone holds."""
        return sum(len(rrset.rdatas) for rrset in self.rrsets.values())

    def content_hash(self) -> int:
        """See `rrset_hash`: the sum over all RRsets, the SOA's serial left out."""
        return sum(map(rrset_hash, self.rrsets.values())) % _HASH_MODULUS


SOA_KEY = rrset_key(b"", rd.SOA)
NS_KEY = rrset_key(b"", rd.NS)


def soa_serial(rdata: bytes) -> int:
    """The serial in a SOA's rdata."""
    return int.from_bytes(rdata[-20:-16], "big")


def soa_timers(rdata: bytes) -> tuple[int, int, int, int]:
    """(refresh, retry, expire, minimum) in seconds, from a SOA's rdata (RFC 1035 §3.3.13)."""
    tail = rdata[-16:]
    refresh, retry, expire, minimum = (
        int.from_bytes(tail[i : i + 4], "big") for i in range(0, 16, 4)
    )
    return refresh, retry, expire, minimum


def with_serial(soa: RRset, serial: int) -> RRset:
    """The same SOA with another serial."""
    rdata = soa.rdatas[0]
    return soa._replace(rdatas=(rdata[:-20] + serial.to_bytes(4, "big") + rdata[-16:],))


def rrset_hash(rrset: RRset) -> int:
    """An RRset's share of its zone's content hash, which is their sum modulo 2**128.

    A sum, so that a changeset updates it without reading the zone. Equal for equal content:
    names by RFC 4034 §6.2, order and the SOA's serial left out.
    """
    rtype = rrset.rtype
    rdatas = sorted([rd.canonical(rtype, rdata) for rdata in rrset.rdatas])
    if rtype == rd.SOA:
        rdatas = [rdata[:-20] + rdata[-16:] for rdata in rdatas]
    tails = [_FIXED.pack(rtype, 1, rrset.ttl, len(rdata)) + rdata for rdata in rdatas]
    octets = rrset.key + b"".join(tails)
    return int.from_bytes(hashlib.blake2b(octets, digest_size=16).digest(), "big")


def add_hashes(*hashes: int) -> int:
    """The sum of content hashes (negative ones subtract)."""
    return sum(hashes) % _HASH_MODULUS
