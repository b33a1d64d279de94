"""Which catalog a member belongs to, where several list it (RFC 9432 §4.3.1, §5.2 to §5.5).

A member stays with the catalog that it came from for as long as that lists it, and moves only
where that one's `coo` names another catalog and the other lists it too. It keeps its data where its
label there is the same; under another label it is reset. A catalog that lists a member of another's
gets nothing: that is a *clash*, and said.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from zonecast.protocol.catalog import Member

# What each catalog lists, by its lower-cased origin.
Listings = Mapping[bytes, Mapping[bytes, Member]]


class Owned(NamedTuple):
    """A member as it is served: the catalog that it came from and what that says of it."""

    catalog: bytes
    member: Member


class Settled(NamedTuple):
    """Every member with its owner from now on; those of before that are `removed`, and those
    whose data is `reset`; the pairs (catalog, member) that came to nothing, with the owner."""

    owned: dict[bytes, Owned]
    removed: frozenset[bytes]
    reset: frozenset[bytes]
    clashes: dict[tuple[bytes, bytes], bytes]


def settle(before: Mapping[bytes, Owned], listed: Listings) -> Settled:
    """Who has each member after `listed`, the catalogs in the order of the configuration."""
    listing: dict[bytes, list[bytes]] = {}
    for catalog, members in listed.items():
        for name in members:
            listing.setdefault(name, []).append(catalog)
    owned: dict[bytes, Owned] = {}
    reset = set()
    clashes: dict[tuple[bytes, bytes], bytes] = {}
    for name, catalogs in listing.items():
        was = before.get(name)
        kept = was is not None and was.catalog in catalogs
        first = was.catalog if was is not None and kept else catalogs[0]
        catalog = _follow_coo(name, first, listed)
        owned[name] = Owned(catalog, listed[catalog][name])
        if was is not None and (not kept or was.member.label != owned[name].member.label):
            reset.add(name)
        for other in catalogs:
            # One that gave it away lists it for those who have not heard of that yet.
            if other != catalog and listed[other][name].coo is None:
                clashes[other, name] = catalog
    return Settled(owned, frozenset(before.keys() - owned.keys()), frozenset(reset), clashes)


def _follow_coo(name: bytes, catalog: bytes, listed: Listings) -> bytes:
    """Where a member of `catalog` moves to; nowhere where that leads in a circle."""
    passed = [catalog]
    while True:
        following = listed[passed[-1]][name].coo
        if following is None or name not in listed.get(following, {}):
            return passed[-1]
        if following in passed:
            return catalog
        passed.append(following)


def too_many(
    catalog: bytes, before: Mapping[bytes, Owned], gone: Collection[bytes], share: float, least: int
) -> tuple[int, int] | None:
    """How many members of `catalog` are in `gone` and how many it has, where that is too much at
    once: more than `share` of `least` members and more, or all of several. None where it is
    not, and with a share of 1."""
    had = {name for name, one in before.items() if one.catalog == catalog}
    lost = sum(1 for name in gone if name in had)
    much = lost > share * len(had) if len(had) >= least else lost == len(had) > 1
    return (lost, len(had)) if share < 1.0 and much else None
