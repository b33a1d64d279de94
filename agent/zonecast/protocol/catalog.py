"""Catalog zones (RFC 9432): a zone that lists the zones a secondary serves.

A member is a PTR record at `<label>.zones`; its label is a hash of the member's name, so that it
is stable, and a primary that lost its store gives the same one. A catalog that is broken in any
way is ignored whole (RFC 9432 §4.1, §4.3): it must not take zones away from a fleet.

Not implemented: the properties `coo` and `group`; unknown ones are ignored (RFC 9432 §4.3).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from typing import NamedTuple

from zonecast.errors import ZonecastError
from zonecast.zone import rdata as rd
from zonecast.zone.names import from_text, labels, to_text
from zonecast.zone.rrset import RRset, Zone, make_rrset, rrset_key

_INVALID = from_text("invalid.")
_VERSION = b"\x07version"
_ZONES = b"\x05zones"
_VERSION_KEY = rrset_key(_VERSION, rd.TXT)
_VERSION_TEXT = b"\x012"

# refresh, retry, expire, minimum in seconds: NOTIFY does the work; a catalog hardly ever expires.
_TIMERS = (3600, 600, 2147483646, 0)
_TTL = 0


class CatalogError(ZonecastError):
    """A catalog zone that is broken and has to be ignored as it is."""


class Changes(NamedTuple):
    """From one version of a catalog to the next: member names in lower case. A member that is to
    be `reset` has a new label: its data is thrown away and fetched anew (RFC 9432 §5.4)."""

    added: frozenset[bytes]
    removed: frozenset[bytes]
    reset: frozenset[bytes]


def member_label(member: bytes) -> bytes:
    """The label under which the catalogs we publish list a member."""
    return hashlib.blake2b(member.lower(), digest_size=16).hexdigest().encode()


def build(origin: bytes, members: Iterable[bytes], serial: int, old: Zone | None = None) -> Zone:
    """The catalog at `origin` listing `members`, at `serial`; `old` itself where it lists the
    same already, so that nothing is published for nothing."""
    rrsets = [
        RRset(b"", rd.SOA, _TTL, (_INVALID + _INVALID + struct.pack(">IIIII", serial, *_TIMERS),)),
        RRset(b"", rd.NS, _TTL, (_INVALID,)),
        RRset(_VERSION, rd.TXT, _TTL, (_VERSION_TEXT,)),
    ]
    for member in sorted({member.lower() for member in members}):
        label = member_label(member)
        owner = bytes((len(label),)) + label + _ZONES
        rrsets.append(make_rrset(owner, rd.PTR, _TTL, (member,)))
    zone = Zone(origin, {rrset.key: rrset for rrset in rrsets})
    if old is not None and old.content_hash() == zone.content_hash():
        return old
    return zone


def members(zone: Zone) -> dict[bytes, bytes]:
    """The members of a catalog with their labels, both in lower case.

    Raises CatalogError for a version other than "2" or not exactly one (RFC 9432 §4.2.1), a
    label with several members, or a member listed twice (§4.3.1): the catalog is then broken.
    """
    where = f"catalog {to_text(zone.origin)}"
    version = zone.rrsets.get(_VERSION_KEY)
    if version is None or version.rdatas != (_VERSION_TEXT,):
        raise CatalogError(
            "no version record" if version is None else 'a version other than "2"',
            where=where,
            remedy='it needs one TXT record "2" at version; the members stay as they were',
        )
    found: dict[bytes, bytes] = {}
    for rrset in zone.rrsets.values():
        parts = labels(rrset.owner.lower())
        if rrset.rtype != rd.PTR or len(parts) != 2 or parts[1] != b"zones":
            continue
        if len(rrset.rdatas) > 1:
            raise CatalogError(f"several members under one label, {parts[0]!r}", where=where)
        member = rrset.rdatas[0].lower()
        if member == zone.origin.lower():
            raise CatalogError("lists itself as a member", where=where)
        if member in found:
            raise CatalogError(f"lists {to_text(member)} twice", where=where)
        found[member] = parts[0]
    return found


def changes(before: dict[bytes, bytes], after: dict[bytes, bytes]) -> Changes:
    """What differs between two results of `members`."""
    return Changes(
        frozenset(after.keys() - before.keys()),
        frozenset(before.keys() - after.keys()),
        frozenset(name for name in before.keys() & after.keys() if before[name] != after[name]),
    )
