"""Whose a zone is. A zone has one source: the repository whose published commit names it, until
that commit names it no more or the configuration does not name the repository.

A repository's name in the store is its path or url. One that moved is found by what is in it: it
contains the commit that was published under the name that it had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from zonecast.protocol.catalog import CatalogError, members
from zonecast.repository import Repository
from zonecast.store.reader import Snapshot
from zonecast.store.schema import ZoneRecord
from zonecast.store.writer import WriteTransaction
from zonecast.zone.rrset import Zone

CATALOG_SOURCE = "catalog"

_REPOSITORY = "repository/"


def meta_key(name: str) -> str:
    """Where the store keeps what was last published from a repository."""
    return _REPOSITORY + name


def sources_key(name: str) -> str:
    """Where the store keeps the blobs of what was last published from a repository."""
    return f"sources/{name}"


def names_key(name: str) -> str:
    """Where the store keeps which zones a repository's published commit names, held or not."""
    return f"names/{name}"


def elsewhere_key(name: str, origin: bytes) -> bytes:
    """The key under which a zone is held back of a repository that is not its source: the zone's
    own is its source's."""
    return b"elsewhere/" + hashlib.sha256(name.encode() + b"\x00" + origin).hexdigest().encode()


def claimed(snapshot: Snapshot, repositories: Iterable[str]) -> dict[bytes, str]:
    """The zones that published commits of these repositories name, and which does."""
    found: dict[bytes, str] = {}
    unknown = set()
    for name in repositories:
        named = snapshot.meta(names_key(name))
        if named is None:
            unknown.add(name)
        else:
            found |= dict.fromkeys(map(bytes.fromhex, named), name)
    if unknown:
        for record in snapshot.records():
            if record.source in unknown:
                found.setdefault(record.origin.lower(), record.source)
    return found


def is_catalog(snapshot: Snapshot, record: ZoneRecord) -> bool:
    """Whether a stored zone is a catalog (RFC 9432)."""
    return record.source == CATALOG_SOURCE or listed(snapshot.zone(record.origin)) is not None


def listed(zone: Zone | None) -> frozenset[bytes] | None:
    """The members of a catalog; None where there is none, or it is broken."""
    try:
        return None if zone is None else frozenset(members(zone))
    except CatalogError:
        return None


def former_name(
    name: str, others: Iterable[str], commit: str, repository: Repository, snapshot: Snapshot
) -> str | None:
    """The name that the repository `name` had, whose branch is at `commit`: of those published
    once and no longer configured the last one published whose commit is part of that."""
    if snapshot.meta(meta_key(name)) is not None:
        return None
    known = {key.removeprefix(_REPOSITORY): said for key, said in snapshot.metas(_REPOSITORY)}
    gone = [former for former in known if former not in others]
    for former in sorted(gone, key=lambda former: -float(known[former].get("published", 0.0))):
        asked = ("merge-base", "--is-ancestor", known[former]["commit"], commit)
        # Status 128: no commit of this repository.
        if repository.commands.result(*asked, allowed=(0, 1, 128)).status == 0:
            return former
    return None


def rename(former: str, name: str, transaction: WriteTransaction) -> None:
    """Give everything that the store has from one repository to another."""
    snapshot = transaction.snapshot
    for key in (meta_key, sources_key, names_key):
        transaction.set_meta(key(name), snapshot.meta(key(former)))
        transaction.set_meta(key(former), None)
    for record in list(snapshot.records()):
        if record.source == former:
            transaction.adopt(record, source=name, path=record.path, commit=record.commit)
    whole = meta_key(former).encode()
    for held, reason in snapshot.held().items():
        if reason["repository"] == former:
            transaction.hold(held, None)
            now = meta_key(name).encode() if held == whole else held
            transaction.hold(now, {**reason, "repository": name})
