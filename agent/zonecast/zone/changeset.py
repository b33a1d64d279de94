"""Changesets: what turns one version of a zone into the next.

The unit of everything: the plan a person reads, the journal entry, the IXFR on the wire
(RFC 1995 §4), the store write. Deleted and added hold whole records, grouped as RRsets, in
canonical order and without the SOA, which stands by itself. A changed TTL deletes and adds
every record of its RRset.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from zonecast.errors import ChangesetError
from zonecast.zone import rdata as rd
from zonecast.zone.names import owner_text
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, make_rrset, soa_serial


class Changeset(NamedTuple):
    """From `old_soa` (None: the zone is new) to `new_soa`."""

    origin: bytes
    old_soa: RRset | None
    new_soa: RRset
    deleted: tuple[RRset, ...]
    added: tuple[RRset, ...]

    @property
    def old_serial(self) -> int | None:
        return None if self.old_soa is None else soa_serial(self.old_soa.rdatas[0])

    @property
    def new_serial(self) -> int:
        return soa_serial(self.new_soa.rdatas[0])

    def changes_anything(self) -> bool:
        """Whether the two versions differ at all, serial included."""
        return bool(self.deleted or self.added) or self.old_soa != self.new_soa

    def changes_content(self) -> bool:
        """Whether anything but the serial differs."""
        if self.deleted or self.added or self.old_soa is None:
            return True
        return not _same_soa(self.old_soa, self.new_soa)


def _same_soa(old: RRset, new: RRset) -> bool:
    return old.ttl == new.ttl and all(
        rd.canonical(rd.SOA, old.rdatas[0])[part] == rd.canonical(rd.SOA, new.rdatas[0])[part]
        for part in (slice(None, -20), slice(-16, None))
    )


def diff(old: Zone | None, new: Zone) -> Changeset:
    """The changeset between two versions of a zone. Raises ChangesetError if one has no SOA."""
    new_soa = new.soa
    if new_soa is None or (old is not None and old.soa is None):
        raise ChangesetError("a version without a SOA record cannot be compared")
    if old is None:
        everything = [rrset for rrset in _in_order(new.rrsets) if rrset is not new_soa]
        return Changeset(new.origin, None, new_soa, (), tuple(everything))
    before = old.rrsets
    deleted: dict[bytes, RRset] = {}
    added: dict[bytes, RRset] = {}
    for key, rrset in new.rrsets.items():
        was = before.get(key)
        if was is not rrset and key != SOA_KEY:
            diff_rrset(key, was, rrset, deleted, added)
    for key in before.keys() - new.rrsets.keys():
        deleted[key] = before[key]
    return Changeset(new.origin, old.soa, new_soa, _in_order(deleted), _in_order(added))


def _in_order(rrsets: dict[bytes, RRset]) -> tuple[RRset, ...]:
    """The RRsets in canonical order; the keys that the zone has them by are neither made again nor
    looked up: each RRset's is the next one."""
    return tuple(sorted(rrsets.values(), key=partial(next, iter(rrsets))))


def diff_rrset(
    key: bytes,
    old: RRset | None,
    new: RRset | None,
    deleted: dict[bytes, RRset],
    added: dict[bytes, RRset],
) -> None:
    """Note what turns an RRset into another version of it, under its key; None is none."""
    if old is None or new is None or old.ttl != new.ttl:
        if old is not None:
            deleted[key] = old
        if new is not None:
            added[key] = new
        return
    if old.rdatas == new.rdatas:
        return
    was = {rd.canonical(old.rtype, rdata): rdata for rdata in old.rdatas}
    now = {rd.canonical(new.rtype, rdata): rdata for rdata in new.rdatas}
    gone = tuple(rdata for known, rdata in was.items() if known not in now)
    come = tuple(rdata for known, rdata in now.items() if known not in was)
    if gone:
        deleted[key] = old._replace(rdatas=gone)
    if come:
        added[key] = new._replace(rdatas=come)


def apply(zone: Zone | None, changeset: Changeset) -> Zone:
    """The version that follows `zone`. Raises ChangesetError where the changeset does not fit:
    another serial, a deleted record that is not there, an added one that is (RFC 1995 §4)."""
    if (zone is None) != (changeset.old_soa is None):
        raise ChangesetError("the changeset is for another version of the zone")
    if zone is not None and zone.serial != changeset.old_serial:
        raise ChangesetError(
            f"the changeset starts from serial {changeset.old_serial}, the zone has {zone.serial}"
        )
    rrsets = {} if zone is None else dict(zone.rrsets)
    for rrset in changeset.deleted:
        left = remove_records(rrsets.get(rrset.key), rrset, changeset.origin)
        if left is None:
            del rrsets[rrset.key]
        else:
            rrsets[rrset.key] = left
    for rrset in changeset.added:
        rrsets[rrset.key] = add_records(rrsets.get(rrset.key), rrset, changeset.origin)
    rrsets[SOA_KEY] = changeset.new_soa
    return Zone(changeset.origin, rrsets)


def remove_records(rrset: RRset | None, gone: RRset, origin: bytes) -> RRset | None:
    """What is left of `rrset` without the records of `gone`; None where none is left."""
    left = (
        {} if rrset is None else {rd.canonical(r.rtype, x): x for r in (rrset,) for x in r.rdatas}
    )
    for rdata in gone.rdatas:
        if left.pop(rd.canonical(gone.rtype, rdata), None) is None:
            raise ChangesetError(f"deletes a record that is not there: {describe(gone, origin)}")
    return None if rrset is None or not left else rrset._replace(rdatas=tuple(left.values()))


def add_records(rrset: RRset | None, come: RRset, origin: bytes) -> RRset:
    """`rrset` with the records of `come`, whose TTL becomes the whole RRset's (RFC 2181 §5.2)."""
    if rrset is None:
        return come
    known = {rd.canonical(rrset.rtype, rdata) for rdata in rrset.rdatas}
    if any(rd.canonical(come.rtype, rdata) in known for rdata in come.rdatas):
        raise ChangesetError(f"adds a record that is there already: {describe(come, origin)}")
    return make_rrset(rrset.owner, rrset.rtype, come.ttl, rrset.rdatas + come.rdatas)


def describe(rrset: RRset, origin: bytes) -> str:
    """An RRset's name and type, for a message."""
    return f"{owner_text(rrset.owner, origin)} {rd.type_to_text(rrset.rtype)}"
