"""A changeset for people: what happened to each name, record by record.

The SOA of a zone that was there before is never a record deleted and a record added: a serial is
a step from one number to another, and of the rest the fields are named that changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset
from zonecast.zone.rrset import RRset, soa_timers
from zonecast.zone.zonefile.text import rdata_text

Kind = Literal["delete", "ttl", "soa", "add"]

# How the records of one RRset are listed: what was there comes before what is new.
_ORDER: tuple[Kind, ...] = ("delete", "ttl", "soa", "add")
_TIMERS = ("refresh", "retry", "expire", "minimum")


class Field(NamedTuple):
    """A field of a SOA that changed: `mname`, `rname`, `refresh`, `retry`, `expire`, `minimum` or
    `ttl`, names as text, numbers in seconds."""

    name: str
    old: str | int
    new: str | int


class Difference(NamedTuple):
    """One record deleted, added, or with another TTL, or a SOA of which `fields` changed. `owner`
    is absolute text; `ttl` in seconds, `old_ttl` is None except where the TTL changed alone."""

    kind: Kind
    owner: str
    rtype: str
    ttl: int
    rdata: str
    old_ttl: int | None = None
    fields: tuple[Field, ...] = ()

    def __str__(self) -> str:
        if self.fields:
            changed = ", ".join(f"{name} {old} → {new}" for name, old, new in self.fields)
            return f"IN {self.rtype} {changed}"
        text = f"{self.ttl} IN {self.rtype} {self.rdata}"
        return text if self.old_ttl is None else f"{text} (TTL was {self.old_ttl})"


def differences(changeset: Changeset) -> list[Difference]:
    """What a changeset does, in canonical order of names and types (RFC 4034 §6.1), of each RRset
    what is new last. Of a zone that is new the SOA is among it."""
    deleted = {rrset.key: rrset for rrset in changeset.deleted}
    added = {rrset.key: rrset for rrset in changeset.added}
    found: list[Difference] = []
    soa_key = changeset.new_soa.key
    for key in sorted(deleted.keys() | added.keys() | {soa_key}):
        if key == soa_key:
            found += _soa(changeset)
        else:
            items = _rrset(deleted.get(key), added.get(key), changeset.origin)
            # Sorted by what happened alone: the records are in canonical order as they come.
            found += sorted(items, key=lambda item: _ORDER.index(item.kind))
    return found


def _soa(changeset: Changeset) -> list[Difference]:
    old, new = changeset.old_soa, changeset.new_soa
    if old is None:
        return [_difference("add", new, new.rdatas[0], changeset.origin)]
    fields = tuple(_soa_fields(old, new))
    if not fields:
        return []
    item = _difference("soa", new, new.rdatas[0], changeset.origin)
    return [item._replace(fields=fields)]


def _soa_fields(old: RRset, new: RRset) -> Iterator[Field]:
    before, after = old.rdatas[0], new.rdatas[0]
    for name, was, now in zip(
        ("mname", "rname"), rd.names(rd.SOA, before), rd.names(rd.SOA, after), strict=True
    ):
        if was.lower() != now.lower():
            yield Field(name, names.to_text(was), names.to_text(now))
    for timer, old_timer, new_timer in zip(
        _TIMERS, soa_timers(before), soa_timers(after), strict=True
    ):
        if old_timer != new_timer:
            yield Field(timer, old_timer, new_timer)
    if old.ttl != new.ttl:
        yield Field("ttl", old.ttl, new.ttl)


def _rrset(old: RRset | None, new: RRset | None, origin: bytes) -> Iterator[Difference]:
    before = {} if old is None else {rd.canonical(old.rtype, r): r for r in old.rdatas}
    after = {} if new is None else {rd.canonical(new.rtype, r): r for r in new.rdatas}
    for canonical, rdata in sorted(before.items()):
        if old is not None and canonical not in after:
            yield _difference("delete", old, rdata, origin)
    for canonical, rdata in sorted(after.items()):
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


def removal(changeset: Changeset) -> list[Difference]:
    """What goes when a zone is removed, from the changeset that would make it."""
    return [item._replace(kind="delete") for item in differences(changeset)]
