"""A whole zone as it comes in: compiled while it comes, as long as its order is the canonical one.

The short path of `transfer_in`, for nearly every record of any big zone. It knows nothing of
errors: a record that is wrong, or only odd, it leaves where it is, to be read the long way. All
servers but those that keep zones in other databases send them in canonical order; what comes in
another is kept record by record, and put in order when it is complete.
"""

from __future__ import annotations

import struct
from typing import Final, NamedTuple

from zonecast.errors import WireError
from zonecast.protocol.assembly import (
    AssembledPart,
    AssembledZone,
    Assembly,
    Node,
    Row,
    assemble,
    row_of,
)
from zonecast.protocol.compiled import group
from zonecast.protocol.question import CLASS_IN
from zonecast.zone import rdata as rd
from zonecast.zone.names import MAX_NAME, node_key
from zonecast.zone.rrset import RRset

# What a pointer is the end of, from there on: pointer, type, class, TTL, length.
_FIXED = struct.Struct(">HHIH")
# Octets before the name that is all else in the rdata of a type.
_ONE_NAME = {rd.NS: 0, rd.CNAME: 0, rd.PTR: 0, rd.MX: 2, rd.SRV: 6}
# Of so many heads (see WholeIn) it is known what follows.
_MAX_HEADS = 10_000

# The owners of one message's names by the two octets, as a number, that point to them; None for one
# outside the zone. A pointer that is not here is left to be looked up.
Owners = dict[int, bytes | None]
POINTERS: Final = 0xC000


class Part(NamedTuple):
    """What was read of a stretch of messages: the first nodes as they are, for one may go on what
    came before and others be hidden by it; what became of the others; and the last node, which may
    go on."""

    lead: list[Node]
    assembled: AssembledPart
    last: Node


class WholeIn:
    """The records of one version of the zone at `origin`, its SOA left out.

    The ten octets between a record's owner and its rdata, its *head* (type, class, TTL, length), are
    looked up together: that of a record that came the long way is right, and a zone has few.

    With `apart`, what is taken begins somewhere in the zone, and comes to a `part` of it.
    """

    def __init__(self, origin: bytes, *, apart: bool = False) -> None:
        self._origin = origin
        self._room = MAX_NAME - len(origin)
        self._assembly = Assembly(origin)
        # The node that more records may belong to; before the first record none has this owner.
        self._open: Node = (b"", b"\x00", [])
        # Where a record with this head ends, from its owner's pointer on; below zero if there may
        # be compressed names in its rdata.
        self._ends: dict[bytes, int] = {}
        # All records, once one came out of order.
        self._rows: list[Row] | None = None
        # The first nodes of a part, until one comes that is below no node before it.
        self._lead: list[Node] = []
        self._leads = apart

    def take(self, message: bytes, position: int, count: int, owners: Owners) -> tuple[int, int]:
        """Take `count` records of a message, the first at `position`, as far as they are plain:
        where it ended, and how many are left. Raises ChangesetError for an RRset that fits into no
        message."""
        if self._rows is not None:
            return position, count
        nodes = [self._open]
        last, current, tails = self._open
        known: dict[bytes, bytes] = {}
        others: dict[int, bytes] = {}
        ends, size, room = self._ends, len(message), self._room
        try:
            while count:
                at = position
                while 0 < (octet := message[at]) < 64:
                    at += octet + 1
                owner = owners.get(octet << 8 | message[at + 1])
                end = ends.get(message[at + 2 : at + 12])
                if owner is None or end is None:
                    break
                if at > position:
                    owner = message[position:at] + owner
                    owners[position + POINTERS] = owner
                if end > 0:
                    end += at
                    tail = message[at + 2 : end]
                else:
                    end = at - end
                    written = message[at + 2 : end]
                    tail = known.get(written, b"")
                    if not tail:
                        tail = self._uncompressed(message, at + 2, end, owners, others)
                        known[written] = tail
                if end > size:
                    break
                if owner == current:
                    tails.append(tail)
                else:
                    node = node_key(owner)
                    if node <= last or len(owner) > room:
                        break
                    last, current, tails = opened = (node, owner, [tail])
                    nodes.append(opened)
                position = end
                count -= 1
        except (IndexError, WireError):
            pass  # the long way says what is wrong, and where
        self._open = nodes.pop()
        self._close(nodes)
        return position, count

    def _close(self, nodes: list[Node]) -> None:
        """Nodes that have all their records."""
        if not self._leads:
            self._assembly.add(nodes)
            return
        for number, node in enumerate(nodes):
            if not node[2]:
                continue  # what stands for a node before the first record
            if self._lead and _top(node) != _top(self._lead[0]):
                self._leads = False
                self._assembly.add(nodes[number:])
                return
            self._lead.append(node)

    def _uncompressed(
        self, message: bytes, start: int, end: int, owners: Owners, others: dict[int, bytes]
    ) -> bytes:
        """A record from its type onward, the names in its rdata written out. `others` are names in
        this message by what points to them. Raises WireError, IndexError."""
        rtype = message[start] << 8 | message[start + 1]
        rdata = b""
        if rtype in _ONE_NAME:
            at = first = start + 10 + _ONE_NAME[rtype]
            while 0 < (octet := message[at]) < 64:
                at += octet + 1
            if not octet:
                after, above = at + 1, b"\x00"
            else:
                after, above = at + 2, self._above(message, at, owners, others)
            if after == end and at - first + len(above) <= MAX_NAME:
                rdata = message[start + 10 : at] + above
        if not rdata:
            rdata = rd.decompress(message, start + 10, end, rtype)
            if rd.LAYOUTS.get(rtype) == "N" and rd.read_name(message, start + 10)[1] != end:
                raise WireError("octets after a name")
        return message[start : start + 8] + len(rdata).to_bytes(2, "big") + rdata

    def _above(self, message: bytes, at: int, owners: Owners, others: dict[int, bytes]) -> bytes:
        """The name that a pointer at `at` points to. Raises as `_uncompressed` does."""
        pointer = message[at] << 8 | message[at + 1]
        owner = owners.get(pointer)
        if owner is not None:
            return owner + self._origin
        if pointer not in others:
            # Of the pointer itself, so that it is seen to point backwards.
            others[pointer] = rd.read_name(message, at)[0]
        return others[pointer]

    def learn(self, head: bytes) -> None:
        """Take note of the head of a record that was read the long way and taken by `add`."""
        if len(self._ends) < _MAX_HEADS:
            end = 12 + int.from_bytes(head[8:], "big")
            self._ends[head] = -end if int.from_bytes(head[:2], "big") in rd.LAYOUTS else end

    def add(self, row: Row) -> None:
        """Take one record that was read the long way. Raises ChangesetError as `take` does."""
        if self._rows is None:
            owner, rtype, ttl, rdata = row
            tail = _FIXED.pack(rtype, CLASS_IN, ttl, len(rdata)) + rdata
            node = node_key(owner)
            if owner == self._open[1]:
                self._open[2].append(tail)
            elif node > self._open[0] or not self._open[2]:
                self._close([self._open])
                self._open = (node, owner, [tail])
            else:
                self._fall_back()
        if self._rows is not None:
            self._rows.append(row)

    def _fall_back(self) -> None:
        """Keep records as they are: one is out of order, or a node has owners in different cases,
        which is a matter of each RRset."""
        _, owner, tails = self._open
        self._rows = [*self._assembly.rows(), *(row_of(owner, tail) for tail in tails)]
        self._assembly = Assembly(self._origin)

    def part(self) -> Part | None:
        """What was taken, as a part; None where it is no such thing: out of order, or all below
        one name. Nothing may be taken afterwards."""
        if self._rows is not None or self._leads:
            return None
        return Part(self._lead, self._assembly.part(), self._open)

    def join(self, part: Part) -> bool:
        """Take what comes next from a part; False where it does not go on what is here, and nothing
        was taken. Raises ChangesetError as `take` does."""
        lead = list(part.lead)
        node, owner, tails = lead[0]
        last, current, held = self._open
        # What the apex hides, if it is not known yet, is hidden in the part as well.
        if self._rows is not None or self._assembly.hides_all or not last or not node:
            return False
        if owner == current:
            lead[0] = (node, owner, held + tails)
        elif node > last:
            lead.insert(0, self._open)
        else:
            return False
        self._assembly.add(lead)
        self._assembly.join(part.assembled)
        self._open = part.last
        return True

    def finish(self, soa: RRset) -> AssembledZone:
        """The version, with its SOA. Raises ChangesetError as `take` does."""
        if self._rows is not None:
            rrsets = group(self._rows)
            self._rows = []
            return assemble(self._origin, soa, (rrsets[key] for key in sorted(rrsets)))
        self._assembly.add((self._open,))
        return self._assembly.finish(soa)


def _top(node: Node) -> bytes:
    """The name right below the apex that a node is at, or below."""
    return node[0][: node[0].find(b"\x00") + 1]
