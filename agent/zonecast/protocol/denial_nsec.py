"""Proofs by NSEC: RFC 4035 §3.1.3.

Keys are in canonical order, so the NSEC that covers a name stands at the last authoritative owner
before it: one step back from where the name would be.
"""

from __future__ import annotations

from zonecast.protocol.answer_find import Place, entries_at, walk
from zonecast.protocol.compiled import OCCLUDED
from zonecast.protocol.denial_proof import Proof, read_proof
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import node_key, owner_of_node
from zonecast.zone.rrset import node_of


class NsecDenial:
    """See `denial_proof.Denial`. A chain with gaps gives fewer proofs."""

    def __init__(self, view: View, zone: ZoneRef) -> None:
        self._view = view
        self._zone = zone

    def no_data(self, name: bytes) -> list[Proof]:
        """The NSEC of the name (§3.1.3.1); an empty non-terminal has none, and the one before it
        names something below it (RFC 4592 §4.9)."""
        return self._at_or_before(self._node(name))

    def name_error(self, name: bytes, encloser: Place) -> list[Proof]:
        """The NSECs that cover the name and the wildcard (§3.1.3.2), often one and the same."""
        return self._before(self._node(name)) + self._before(encloser.node + b"*\x00")

    def wildcard_answer(self, name: bytes, encloser: Place) -> list[Proof]:
        """The NSEC that covers the name (§3.1.3.3)."""
        return self._before(self._node(name))

    def wildcard_no_data(self, name: bytes, encloser: Place) -> list[Proof]:
        """The wildcard's own NSEC and the one that covers the name (§3.1.3.4)."""
        return self._at_or_before(encloser.node + b"*\x00") + self._before(self._node(name))

    def _node(self, name: bytes) -> bytes:
        return node_key(name[: len(name) - len(self._zone.origin)])

    def _at_or_before(self, node: bytes) -> list[Proof]:
        found = self._at(node)
        if found or any(entries_at(self._view, self._zone.prefix + node)):
            return found  # of a name that lost its own, the one before says nothing
        return self._before(node)

    def _at(self, node: bytes) -> list[Proof]:
        entry = self._view.get(self._zone.prefix + node + b"\x00\x00\x2f")
        if entry is None:
            return []
        return read_proof(entry, owner_of_node(node) + self._zone.origin, rd.NSEC)

    def _before(self, node: bytes) -> list[Proof]:
        """The NSEC of the last authoritative name before `node`."""
        prefix = self._zone.prefix
        found = self._view.seek_before(prefix + node)
        if found is None or not found[0].startswith(prefix):
            return []
        last = node_of(found[0][len(prefix) :])
        if found[1][0] & OCCLUDED:  # it lies below a cut or a DNAME, whose NSEC covers it
            last = walk(self._view, self._zone, owner_of_node(last) + self._zone.origin).node
        return self._at(last)
