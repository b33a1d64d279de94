"""A zone as a master file that people go on editing (RFC 1035 §5.1): `$ORIGIN`, `$TTL`, the SOA, then
owner by owner in canonical order, names relative to the origin.

Read again it gives the same zone, to the case of each name. The types that fill zones are written
here, every other one by dnspython; what does not come back as it was is written as octets
(RFC 3597 §5), and what not even so can be read is refused.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from ipaddress import IPv6Address
from typing import NamedTuple

from zonecast.errors import RejectedError
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key
from zonecast.zone.rrset import RRset, Zone, soa_serial, soa_timers
from zonecast.zone.zonefile import read_zone
from zonecast.zone.zonefile.text import rdata_text

_NARROW, _WIDE = 15, 31  # columns for the owner
_TIMERS = ("refresh", "retry", "expire", "negative answers")
_PRINTABLE = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')
_STRING = [chr(octet) if octet in _PRINTABLE else f"\\{octet:03d}" for octet in range(256)]
_STRING[0x22], _STRING[0x5C] = '\\"', "\\\\"


def zone_text(zone: Zone) -> str:
    """The zone, which has a SOA, as a master file. Raises RejectedError for a record that no zone
    file can hold."""
    return "".join(_Writer(zone).lines())


class _Columns(NamedTuple):
    """How wide owner and TTL are; no TTL where `$TTL` is the one of all records."""

    owner: int
    ttl: int

    def head(self, owner: str, ttl: str, rtype: int) -> str:
        middle = f" {ttl:>{self.ttl}}" if self.ttl else ""
        return f"{owner:<{self.owner}}{middle} IN {rd.type_to_text(rtype):<5} "


class _Writer:
    """Writes one zone."""

    def __init__(self, zone: Zone) -> None:
        self._zone = zone
        self._names = _Names(zone.origin)
        self._rrsets = sorted(zone.rrsets.values(), key=_place)
        ttls: Counter[int] = Counter()
        for rrset in self._rrsets:
            ttls[rrset.ttl] += len(rrset.rdatas)
        [(self._ttl, _)] = ttls.most_common(1)
        owners = sorted(len(self._names.owner(rrset.owner)) for rrset in self._rrsets)
        others = [len(str(ttl)) for ttl in ttls if ttl != self._ttl]
        # A few long names do not push everything else to the right.
        wide = owners[len(owners) * 9 // 10]
        self._columns = _Columns(min(max(wide, _NARROW), _WIDE), max(others, default=0))

    def lines(self) -> Iterator[str]:
        yield f"$ORIGIN {names.to_text(self._zone.origin)}\n$TTL {self._ttl}\n"
        owner: bytes | None = None
        for rrset in self._rrsets:
            if owner == b"" and rrset.owner:
                yield "\n"
            field = "" if rrset.owner == owner else self._names.owner(rrset.owner)
            owner = rrset.owner
            ttl = "" if rrset.ttl == self._ttl else str(rrset.ttl)
            for text in self._texts(rrset):
                yield f"{self._columns.head(field, ttl, rrset.rtype)}{text}\n"
                field = ""

    def _texts(self, rrset: RRset) -> list[str]:
        """The rdata of each record."""
        if rrset.rtype == rd.SOA:
            return [self._soa(rdata) for rdata in rrset.rdatas]
        write = _PLAIN.get(rrset.rtype)
        if write is not None:
            texts = [write(rdata, self._names) for rdata in rrset.rdatas]
            known = [text for text in texts if text is not None]
            if len(known) == len(texts):
                return known
        return _others(rrset, self._zone.origin)

    def _soa(self, rdata: bytes) -> str:
        primary, mailbox = (self._names.text(name) for name in rd.names(rd.SOA, rdata))
        indent = " " * (len(self._columns.head("", "", rd.SOA)))
        values = list(zip(map(str, soa_timers(rdata)), _TIMERS, strict=True))
        rows = [(str(soa_serial(rdata)), "serial"), *values]
        lines = [f"{indent}{value:<10} ; {what}" for value, what in rows[:-1]]
        last, what = rows[-1]
        return "\n".join([f"{primary} {mailbox} (", *lines, f"{indent}{last + ' )':<10} ; {what}"])


class _Names:
    """Names as this zone's file writes them."""

    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._known: dict[bytes, str] = {origin: "@"}

    def owner(self, owner: bytes) -> str:
        """An owner, relative to the origin."""
        return names.to_text(owner + names.ROOT)[:-1] if owner else "@"

    def text(self, name: bytes) -> str:
        """A name, relative where it ends in the origin as that is written."""
        known = self._known.get(name)
        if known is None:
            owner = names.relative(name, self._origin)
            if owner and name.endswith(self._origin):
                known = self.owner(owner)
            else:
                known = names.to_text(name)
            self._known[name] = known
        return known


def _place(rrset: RRset) -> tuple[bytes, int, bytes, int, int]:
    """Where an RRset stands: at the apex SOA and NS first, signatures after what they cover, names
    in canonical order, each spelling of one by itself."""
    covered = rrset.rtype
    signature = rrset.rtype == rd.RRSIG
    if signature:
        covered = int.from_bytes(rrset.rdatas[0][:2], "big")
    first = {rd.SOA: 0, rd.NS: 1}.get(covered, 2)
    return node_key(rrset.owner), first, rrset.owner, covered, signature


def _a(rdata: bytes, written: _Names) -> str | None:
    return ".".join(map(str, rdata)) if len(rdata) == 4 else None


def _aaaa(rdata: bytes, written: _Names) -> str | None:
    return str(IPv6Address(rdata)) if len(rdata) == 16 else None


def _numbers_and_name(count: int) -> Callable[[bytes, _Names], str | None]:
    def write(rdata: bytes, written: _Names) -> str | None:
        start = 2 * count
        numbers = [str(int.from_bytes(rdata[at : at + 2], "big")) for at in range(0, start, 2)]
        if not _is_name(rdata[start:]):
            return None
        return " ".join([*numbers, written.text(rdata[start:])])

    return write


def _is_name(octets: bytes) -> bool:
    """Whether the octets are one whole name and nothing more."""
    position = 0
    while position < len(octets) and octets[position]:
        position += octets[position] + 1
    return position == len(octets) - 1


def _txt(rdata: bytes, written: _Names) -> str | None:
    strings = []
    position = 0
    while position < len(rdata):
        end = position + 1 + rdata[position]
        string = "".join([_STRING[octet] for octet in rdata[position + 1 : end]])
        strings.append(f'"{string}"')
        position = end
    return " ".join(strings) if strings and position == len(rdata) else None


_PLAIN: dict[int, Callable[[bytes, _Names], str | None]] = {
    rd.A: _a,
    rd.AAAA: _aaaa,
    rd.NS: _numbers_and_name(0),
    rd.CNAME: _numbers_and_name(0),
    rd.PTR: _numbers_and_name(0),
    rd.DNAME: _numbers_and_name(0),
    rd.MX: _numbers_and_name(1),
    rd.SRV: _numbers_and_name(3),
    rd.TXT: _txt,
}


def _others(rrset: RRset, origin: bytes) -> list[str]:
    """The rdata of a rarer type's records, in the first form that comes back as it was."""
    generic = [f"\\# {len(rdata)} {rdata.hex()}".rstrip() for rdata in rrset.rdatas]
    for texts in ([rdata_text(rrset.rtype, rdata) for rdata in rrset.rdatas], generic):
        if _read_back(rrset, origin, texts) == rrset:
            return texts
    raise RejectedError(
        f"a {rd.type_to_text(rrset.rtype)} record that no zone file can hold",
        where=names.owner_text(rrset.owner, origin),
        remedy="remove it where the zone comes from",
    )


def _read_back(rrset: RRset, origin: bytes, texts: list[str]) -> RRset | None:
    """The RRset that these texts make in a file."""
    owner = names.owner_text(rrset.owner, origin)
    head = f"{owner} {rrset.ttl} IN {rd.type_to_text(rrset.rtype)}"
    lines = "".join(f"{head} {text}\n" for text in texts)
    read = read_zone(lines.encode(), path="", origin=origin, include=None)
    return read.zone.rrsets.get(rrset.key)
