"""A changeset for people: what happened to each name, record by record."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset
from zonecast.zone.names import node_key
from zonecast.zone.rrset import RRset
from zonecast.zone.zonefile_text import rdata_text

Kind = Literal["delete", "ttl", "add"]

# How the records of one name are listed: what was there comes before what is new.
_ORDER: tuple[Kind, ...] = ("delete", "ttl", "add")


class Difference(NamedTuple):
    """One record deleted, added, or with another TTL. `owner` is absolute text; `ttl` in seconds,
    `old_ttl` is None except where the TTL is what changed."""

    kind: Kind
    owner: str
    rtype: str
    ttl: int
    rdata: str
    old_ttl: int | None = None

    def __str__(self) -> str:
        text = f"{self.ttl} IN {self.rtype} {self.rdata}"
        return text if self.old_ttl is None else f"{text} (TTL was {self.old_ttl})"


def differences(changeset: Changeset) -> list[Difference]:
    """What a changeset does, in canonical order of the names, what is new of a name last. The
    SOA is among it where more than its serial changed."""
    deleted = {rrset.key: rrset for rrset in changeset.deleted}
    added = {rrset.key: rrset for rrset in changeset.added}
    old_soa = changeset.old_soa
    if old_soa is not None and _soa_changed(changeset):
        deleted[old_soa.key] = old_soa
        added[changeset.new_soa.key] = changeset.new_soa
    elif old_soa is None:
        added[changeset.new_soa.key] = changeset.new_soa
    found: list[tuple[bytes, int, Difference]] = []
    for key in deleted.keys() | added.keys():
        for item in _rrset(deleted.get(key), added.get(key), changeset.origin):
            owner = (added.get(key) or deleted[key]).owner
            found.append((node_key(owner), _ORDER.index(item.kind), item))
    return [item for _, _, item in sorted(found)]


def _soa_changed(changeset: Changeset) -> bool:
    alone = changeset._replace(deleted=(), added=())
    return alone.changes_content()


def _rrset(old: RRset | None, new: RRset | None, origin: bytes) -> Iterator[Difference]:
    before = {} if old is None else {rd.canonical(old.rtype, r): r for r in old.rdatas}
    after = {} if new is None else {rd.canonical(new.rtype, r): r for r in new.rdatas}
    for canonical, rdata in before.items():
        if old is not None and canonical not in after:
            yield _difference("delete", old, rdata, origin)
    for canonical, rdata in after.items():
        if new is None:
            continue
        if canonical not in before:
            yield _difference("add", new, rdata, origin)
        elif old is not None and old.ttl != new.ttl:
            yield _difference("ttl", new, rdata, origin)._replace(old_ttl=old.ttl)


def _difference(kind: Kind, rrset: RRset, rdata: bytes, origin: bytes) -> Difference:
    return Difference(
        kind,
        names.owner_text(rrset.owner, origin),
        rd.type_to_text(rrset.rtype),
        rrset.ttl,
        rdata_text(rrset.rtype, rdata),
    )
