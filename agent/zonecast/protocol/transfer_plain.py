"""A whole zone as it comes in: compiled while it comes, as long as its order is the canonical one.

The short path of `transfer_in`, for nearly every record of any big zone. It knows nothing of
errors: a record that is wrong, or only odd, it leaves where it is, to be read the long way. All
servers but those that keep zones in other databases send them in canonical order; what comes in
another is kept record by record, and put in order when it is complete.
"""

from __future__ import annotations

import struct

from zonecast.errors import WireError
from zonecast.protocol.assembly import AssembledZone, Assembly, Row, assemble, row_of
from zonecast.protocol.compiled import group
from zonecast.protocol.question import CLASS_IN
from zonecast.zone import rdata as rd
from zonecast.zone.names import MAX_NAME, node_key
from zonecast.zone.rrset import RRset

# What a pointer is the end of, from there on: pointer, type, class, TTL, length.
_FIXED = struct.Struct(">HHHIH")
_TAIL = struct.Struct(">HHIH")
_MAX_TTL = 0x7FFFFFFF
_SIZES = {rd.A: 4, rd.AAAA: 16}
# The SOA, which the transfer's states turn on, and what no zone holds.
_LEFT = frozenset((0, rd.SOA, rd.OPT, *range(128, 256)))

# The owners of one message's names by the places where these begin; None for one that is outside
# the zone. A pointer to a place that is not here is left to be looked up.
Owners = dict[int, bytes | None]


class WholeIn:
    """The records of one version of the zone at `origin`, its SOA left out."""

    def __init__(self, origin: bytes) -> None:
        self._origin = origin
        self._room = MAX_NAME - len(origin)
        self._assembly = Assembly(origin)
        self._node = b""
        self._owner: bytes | None = None
        self._tails: list[bytes] = []
        # All records, once one came out of order.
        self._rows: list[Row] | None = None

    def take(self, message: bytes, position: int, count: int, owners: Owners) -> tuple[int, int]:
        """Take `count` records of a message, the first at `position`, as far as they are plain:
        where it ended, and how many are left. Raises ChangesetError for an RRset that fits into no
        message."""
        left = count if self._rows is None else 0
        known: dict[bytes, bytes] = {}
        current, tails = self._owner, self._tails
        unpack, size_of, layouts, room = _FIXED.unpack_from, _SIZES.get, rd.LAYOUTS, self._room
        try:
            while left:
                at = position
                while 0 < (octet := message[at]) < 64:
                    at += octet + 1
                pointer, rtype, rclass, ttl, length = unpack(message, at)
                owner = owners.get(pointer & 0x3FFF) if octet >= 192 else None
                if owner is None or rclass != CLASS_IN or ttl > _MAX_TTL or rtype in _LEFT:
                    break
                if at > position:
                    owner = message[position:at] + owner
                    owners[position] = owner
                end = at + 12 + length
                tail = message[at + 2 : end]
                if rtype in layouts:
                    written, tail = tail, known.get(tail, b"")
                    if not tail:
                        known[written] = tail = _uncompressed(message, at + 2, end, rtype)
                elif length != size_of(rtype, length):
                    break
                if end > len(message):
                    break
                if owner != current:
                    if len(owner) > room or not self._turn_to(owner):
                        break
                    current, tails = owner, self._tails
                tails.append(tail)
                position = end
                left -= 1
        except (IndexError, struct.error, WireError):
            pass  # the long way says what is wrong, and where
        return position, left if self._rows is None else count

    def _turn_to(self, owner: bytes) -> bool:
        """Begin the node of an owner, which must come after the one before."""
        node = node_key(owner)
        if self._owner is not None:
            if node <= self._node:
                return False
            self._assembly.add(self._node, self._owner, self._tails)
        self._node, self._owner, self._tails = node, owner, []
        return True

    def add(self, row: Row) -> None:
        """Take one record that was read the long way. Raises ChangesetError as `take` does."""
        owner, rtype, ttl, rdata = row
        if self._rows is None:
            if owner == self._owner or self._turn_to(owner):
                self._tails.append(_TAIL.pack(rtype, CLASS_IN, ttl, len(rdata)) + rdata)
                return
            # Out of order, or the node's owner in another case, which is a RRset's own.
            self._rows = list(self._assembly.rows())
            if self._owner is not None:
                self._rows += [row_of(self._owner, tail) for tail in self._tails]
            self._assembly, self._tails = Assembly(self._origin), []
        self._rows.append(row)

    def finish(self, soa: RRset) -> AssembledZone:
        """The version, with its SOA. Raises ChangesetError as `take` does."""
        if self._rows is not None:
            rrsets = group(self._rows)
            self._rows = []
            return assemble(self._origin, soa, (rrsets[key] for key in sorted(rrsets)))
        if self._owner is not None:
            self._assembly.add(self._node, self._owner, self._tails)
        return self._assembly.finish(soa)


def _uncompressed(message: bytes, start: int, end: int, rtype: int) -> bytes:
    """A record from its type onward, the names in its rdata written out. Raises WireError."""
    rdata = rd.decompress(message, start + 10, end, rtype)
    return message[start : start + 8] + len(rdata).to_bytes(2, "big") + rdata
