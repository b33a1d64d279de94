"""Versions that are refused although they came well: of a whole zone it is known from compiling it,
of changes by what they touched and the apex alone, so that the cost is that of the changes."""

from __future__ import annotations

from collections.abc import Iterable

from zonecast.protocol.soundness import alias_fault, apex_fault
from zonecast.protocol.transfer_in import TransferError
from zonecast.protocol.view import ZoneRef
from zonecast.store.reader import Snapshot
from zonecast.store.schema import ZoneRecord
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset
from zonecast.zone.names import node_key, to_text
from zonecast.zone.rrset import rrset_key


def refused(origin: bytes, primary: str, serial: int, fault: str) -> TransferError:
    """The error for a version of `primary`'s that no server may serve."""
    return TransferError(
        f"serial {serial} is refused: {fault}",
        where=f"transfer of {to_text(origin)} from {primary}",
        remedy="mend the zone where it is made; a later version is taken by itself, and until then"
        " what is here stays as it is",
    )


def fault_after(
    snapshot: Snapshot, record: ZoneRecord, changesets: Iterable[Changeset]
) -> str | None:
    """What is wrong with the zone of this record, to which these changesets have been applied; None
    for nothing."""
    origin = record.origin
    ref = ZoneRef(origin.lower(), record.prefix)
    touched = {b""} | {rrset.owner for changeset in changesets for rrset in changeset.added}
    for owner in touched:
        node = node_key(owner)
        if _has(snapshot, ref, owner, rd.CNAME):
            held = snapshot.node(ref, node)
            types = {rrset.rtype for rrset in held.values()}
            aliases = held[rrset_key(owner, rd.CNAME)].rdatas
            fault = alias_fault(origin, owner, types, len(aliases))
            if fault is not None:
                return fault
    return apex_fault(origin, _has(snapshot, ref, b"", rd.NS), record.records)


def _has(snapshot: Snapshot, ref: ZoneRef, owner: bytes, rtype: int) -> bool:
    """Whether there are records of a type, and not signatures over none alone."""
    entry = snapshot.get(ref.prefix + rrset_key(owner, rtype))
    return entry is not None and entry[1:3] != b"\x00\x00"
