"""Zones that were renamed: one is gone, another has come, and their contents are alike.

Names inside a zone, owners and those in rdata, are compared relative to its origin, canonically
(RFC 4034 §6.2); the SOA and the TTLs do not count. Alike are two zones of which at least half of
the larger one's records are in both, the share that git asks of a renamed file.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, make_rrset

LEAST = 50
# Pairs of zones that are compared record by record; beyond it only equal contents are found.
MAX_PAIRS = 10_000

_Contents = frozenset[tuple[bytes, bytes]]


class Rename(NamedTuple):
    """The zone at `old` became the one at `new`; `similarity` in per cent."""

    old: bytes
    new: bytes
    similarity: int


def find_renames(removed: Mapping[bytes, Zone], added: Mapping[bytes, Zone]) -> list[Rename]:
    """Which of the removed zones became which of the added ones, each at most once, the most
    alike first. Zones are named by their keys."""
    olds = _by_name(removed)
    news = _by_name(added)
    found = []
    same: dict[_Contents, list[bytes]] = {}
    for name, contents in news.items():
        same.setdefault(contents, []).append(name)
    for name, contents in list(olds.items()):
        if same.get(contents):
            new = same[contents].pop(0)
            found.append(Rename(name, new, 100))
            del olds[name], news[new]
    if len(olds) * len(news) > MAX_PAIRS:
        return found
    pairs = [
        Rename(old, new, alike)
        for old, before in olds.items()
        for new, after in news.items()
        if (alike := _similarity(before, after)) >= LEAST
    ]
    for pair in sorted(pairs, key=lambda pair: -pair.similarity):
        if pair.old in olds and pair.new in news:
            found.append(pair)
            del olds[pair.old], news[pair.new]
    return found


def relocated(zone: Zone, origin: bytes) -> Zone:
    """The zone as it would be at another origin: names below its own one follow it. A name in
    rdata that would become too long stays what it is."""
    rrsets = {key: _relocated(rrset, zone.origin, origin) for key, rrset in zone.rrsets.items()}
    return Zone(origin, rrsets)


def _by_name(zones: Mapping[bytes, Zone]) -> dict[bytes, _Contents]:
    """Each zone's contents, in canonical order of the names; not of zones that hold nothing."""
    ordered = sorted(zones, key=names.node_key)
    found = ((name, _contents(zones[name])) for name in ordered)
    return {name: contents for name, contents in found if contents}


def _contents(zone: Zone) -> _Contents:
    # At the root names only get shorter, so that none is too long.
    return frozenset(
        (key, rd.canonical(rrset.rtype, rdata))
        for key, rrset in relocated(zone, names.ROOT).rrsets.items()
        if key != SOA_KEY
        for rdata in rrset.rdatas
    )


def _similarity(one: _Contents, other: _Contents) -> int:
    least, most = sorted((len(one), len(other)))
    if least * 100 < most * LEAST:
        return 0
    return len(one & other) * 100 // most


def _relocated(rrset: RRset, old: bytes, new: bytes) -> RRset:
    if rrset.rtype not in rd.LAYOUTS:
        return rrset
    rdatas = [_moved(rrset.rtype, rdata, old, new) for rdata in rrset.rdatas]
    return make_rrset(rrset.owner, rrset.rtype, rrset.ttl, rdatas)


def _moved(rtype: int, rdata: bytes, old: bytes, new: bytes) -> bytes:
    parts = []
    position = 0
    for kind, start, end in rd.fields(rtype, rdata):
        part = rdata[start:end]
        if kind in "Nnx":
            owner = names.relative(part, old)
            if owner is not None and len(owner) + len(new) <= names.MAX_NAME:
                part = owner + new
        parts.append(part)
        position = end
    return b"".join(parts) + rdata[position:]
