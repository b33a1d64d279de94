"""Catalog zones (RFC 9432): a zone that lists the zones a secondary serves.

A member is a PTR record at `<label>.zones`; its label is a hash of the member's name, so that it
is stable, and a primary that lost its store gives the same one. Below it stand the properties
`group` (§4.3.2) and `coo`, the catalog that the member moves to (§4.3.1). A catalog that is broken
in any way is ignored whole (§5.1): it must not take zones away from a fleet.

Who has a member that several catalogs list is settled in `catalog_owners`. Not implemented:
custom properties (§4.4) and whatever else is unknown, which is ignored.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from zonecast.errors import ZonecastError
from zonecast.zone import rdata as rd
from zonecast.zone.names import from_text, labels, to_text
from zonecast.zone.rrset import RRset, Zone, make_rrset, rrset_key

_INVALID = from_text("invalid.")
_VERSION = b"\x07version"
_ZONES = b"\x05zones"
_GROUP = b"\x05group"
_COO = b"\x03coo"
_VERSION_KEY = rrset_key(_VERSION, rd.TXT)
_VERSION_TEXT = b"\x012"

# refresh, retry, expire, minimum in seconds: NOTIFY does the work; a catalog hardly ever expires.
_TIMERS = (3600, 600, 2147483646, 0)
_TTL = 0


class CatalogError(ZonecastError):
    """A catalog zone that is broken and has to be ignored as it is."""


class Member(NamedTuple):
    """What a catalog says of one zone: its `label`, lower-cased; its groups, each the octets of
    one TXT string; and the lower-cased catalog that it moves to, None where it stays."""

    label: bytes
    groups: tuple[bytes, ...] = ()
    coo: bytes | None = None


class Listing(NamedTuple):
    """What a catalog that we publish says of a member, see `Member`; another `reset` gives it
    another label."""

    groups: tuple[bytes, ...] = ()
    coo: bytes | None = None
    reset: str = ""


_PLAIN: Final = Listing()


def member_label(member: bytes, reset: str = "") -> bytes:
    """The label under which the catalogs we publish list a member. The same for every catalog,
    so that a member that moves keeps its data; another `reset` gives another one."""
    salted = member.lower() + reset.encode()
    return hashlib.blake2b(salted, digest_size=16).hexdigest().encode()


def build(
    origin: bytes,
    members: Iterable[bytes] | Mapping[bytes, Listing],
    serial: int,
    old: Zone | None = None,
) -> Zone:
    """The catalog at `origin` listing `members`, at `serial`; `old` itself where it lists the
    same already, so that nothing is published for nothing."""
    rrsets = [
        RRset(b"", rd.SOA, _TTL, (_INVALID + _INVALID + struct.pack(">IIIII", serial, *_TIMERS),)),
        RRset(b"", rd.NS, _TTL, (_INVALID,)),
        RRset(_VERSION, rd.TXT, _TTL, (_VERSION_TEXT,)),
    ]
    said = members if isinstance(members, Mapping) else dict.fromkeys(members, _PLAIN)
    for member, listing in sorted({name.lower(): said[name] for name in said}.items()):
        label = member_label(member, listing.reset)
        owner = bytes((len(label),)) + label + _ZONES
        rrsets.append(make_rrset(owner, rd.PTR, _TTL, (member,)))
        if listing.groups:
            texts = [bytes((len(group),)) + group for group in listing.groups]
            rrsets.append(make_rrset(_GROUP + owner, rd.TXT, _TTL, texts))
        if listing.coo is not None:
            rrsets.append(make_rrset(_COO + owner, rd.PTR, _TTL, (listing.coo,)))
    zone = Zone(origin, {rrset.key: rrset for rrset in rrsets})
    if old is not None and old.content_hash() == zone.content_hash():
        return old
    return zone


def members(zone: Zone) -> dict[bytes, Member]:
    """The members of a catalog by name in lower case.

    Raises CatalogError for a version other than "2" or not exactly one (RFC 9432 §4.2.1), a
    label with several members, a member listed twice (§4.1), or one that is to move to several
    catalogs (§4.3.1): the catalog is then broken.
    """
    where = f"catalog {to_text(zone.origin)}"
    version = zone.rrsets.get(_VERSION_KEY)
    if version is None or version.rdatas != (_VERSION_TEXT,):
        raise CatalogError(
            "no version record" if version is None else 'a version other than "2"',
            where=where,
            remedy='it needs one TXT record "2" at version; the members stay as they were',
        )
    listed: dict[bytes, bytes] = {}
    groups: dict[bytes, tuple[bytes, ...]] = {}
    moves: dict[bytes, bytes] = {}
    for rrset in zone.rrsets.values():
        parts = labels(rrset.owner.lower())
        if parts[-1:] != [b"zones"]:
            continue
        if len(parts) == 2 and rrset.rtype == rd.PTR:
            listed[parts[0]] = _only(rrset, f"several members under one label, {parts[0]!r}", where)
        elif len(parts) == 3 and (parts[0], rrset.rtype) == (b"coo", rd.PTR):
            moves[parts[1]] = _only(rrset, f"several coo records of {parts[1]!r}", where)
        elif len(parts) == 3 and (parts[0], rrset.rtype) == (b"group", rd.TXT):
            # A value is all of the rdata, and ours to know are those of one string (§4.3.2).
            values = [rdata[1:] for rdata in rrset.rdatas if rdata and rdata[0] == len(rdata) - 1]
            groups[parts[1]] = tuple(sorted(values))
    return _by_name(zone, listed, groups, moves)


def _only(rrset: RRset, broken: str, where: str) -> bytes:
    if len(rrset.rdatas) > 1:
        raise CatalogError(broken, where=where, remedy=_AS_THEY_WERE)
    return rrset.rdatas[0].lower()


_AS_THEY_WERE = "mend it where it is made; the members stay as they were"


def _by_name(
    zone: Zone,
    listed: Mapping[bytes, bytes],
    groups: Mapping[bytes, tuple[bytes, ...]],
    moves: Mapping[bytes, bytes],
) -> dict[bytes, Member]:
    where, own = f"catalog {to_text(zone.origin)}", zone.origin.lower()
    found: dict[bytes, Member] = {}
    for label, name in listed.items():
        if name == own:
            raise CatalogError("lists itself as a member", where=where, remedy=_AS_THEY_WERE)
        if name in found:
            raise CatalogError(f"lists {to_text(name)} twice", where=where, remedy=_AS_THEY_WERE)
        coo = moves.get(label)
        found[name] = Member(label, groups.get(label, ()), None if coo == own else coo)
    return found
