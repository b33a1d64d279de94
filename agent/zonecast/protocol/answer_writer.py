"""Writing an answer: names compressed (RFC 1035 §4.1.4), RRsets whole or not at all (RFC 2181 §9).

Names are compressed without regard to case, and wherever they stood before: an answer holds as
much as another server's. The query's own case is kept in the question and in every name that points
to it. Only names inside rdata of the types of RFC 1035 are compressed (RFC 3597 §4).

The fast path does without: it leaves names inside rdata whole, or points to the question alone, and
what does not fit so is written here.
"""

from __future__ import annotations

from zonecast.protocol.sections import HEADER
from zonecast.zone import rdata as rd

_REACH = 0x4000  # a pointer holds 14 bits
_HOPS = 8  # pointers followed to read one name: some resolvers give up after ten


class Writer:
    """The answer under way: header and question first, then RRsets up to `limit` octets."""

    def __init__(self, question: bytes, limit: int) -> None:
        self._octets = bytearray(12)
        self._limit = limit
        # Lower-cased suffix → where it begins, and the pointers to follow from there.
        self._places: dict[bytes, tuple[int, int]] = {}
        self._remember(question[:-4].lower(), len(question) - 5, 0)
        self._octets += question

    @property
    def size(self) -> int:
        """The octets written."""
        return len(self._octets)

    def add(self, owner: bytes, tails: list[bytes]) -> bool:
        """Write records from their types onward under one owner; False, and nothing written,
        where they do not fit."""
        mark = len(self._octets)
        for tail in tails:
            self._name(owner)
            self._tail(tail)
            if len(self._octets) > self._limit:
                del self._octets[mark:]
                self._places = {
                    name: place for name, place in self._places.items() if place[0] < mark
                }
                return False
        return True

    def finish(self, query_id: int, flags: int, counts: tuple[int, int, int], opt: bytes) -> bytes:
        """The whole message, `opt` put last and already counted."""
        HEADER.pack_into(self._octets, 0, query_id, flags, 1, *counts)
        return bytes(self._octets) + opt

    def _remember(self, lowered: bytes, end: int, hops: int) -> None:
        """Note where the suffixes of a name about to be written begin, those before `end`."""
        here = len(self._octets)
        position = 0
        while position < end and here + position < _REACH:
            self._places[lowered[position:]] = (here + position, hops)
            position += lowered[position] + 1

    def _name(self, name: bytes) -> None:
        lowered = name.lower()
        position = 0
        while name[position]:
            place = self._places.get(lowered[position:])
            if place is not None:
                at, hops = place
                if hops + 1 < _HOPS:
                    self._remember(lowered, position, hops + 1)
                self._octets += name[:position] + (0xC000 | at).to_bytes(2, "big")
                return
            position += name[position] + 1
        self._remember(lowered, position, 0)
        self._octets += name

    def _tail(self, tail: bytes) -> None:
        rtype = tail[0] << 8 | tail[1]
        if "N" not in rd.LAYOUTS.get(rtype, ""):
            self._octets += tail
            return
        self._octets += tail[:10]
        start = len(self._octets)
        rdata = tail[10:]
        end = 0
        for kind, begin, end in rd.fields(rtype, rdata):
            if kind == "N":
                self._name(rdata[begin:end])
            else:
                self._octets += rdata[begin:end]
        self._octets += rdata[end:]
        size = len(self._octets) - start
        self._octets[start - 2 : start] = size.to_bytes(2, "big")
