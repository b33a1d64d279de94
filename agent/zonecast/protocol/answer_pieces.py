"""Records kept in pieces, between which the pointer to a name of the question goes (RFC 1035
§4.1.4): they are put together once, and each answer with them is one join."""

from __future__ import annotations

from zonecast.zone import rdata as rd
from zonecast.zone.names import ROOT, relative


class Pieces:
    """Records whose names end, where they do, in a pointer to `suffix`."""

    def __init__(self, suffix: bytes) -> None:
        self._suffix = suffix
        # The root is shorter than a pointer to it.
        self._size = 1 if suffix == ROOT else 2
        self._pieces = [b""]

    def add(self, owner: bytes, tails: list[bytes]) -> None:
        """Add records from their types onward under one owner. Names in rdata are compressed
        only in types of RFC 1035 (RFC 3597 §4)."""
        for tail in tails:
            self._name(owner)
            rtype = tail[0] << 8 | tail[1]
            if "N" in rd.LAYOUTS.get(rtype, ""):
                self._rdata(tail[:8], rtype, tail[10:])
            else:
                self._pieces[-1] += tail

    def at(self, place: int) -> bytes:
        """The records, where the suffix stands at this place of the message (below 16384)."""
        pointer = ROOT if self._size == 1 else (0xC000 | place).to_bytes(2, "big")
        return pointer.join(self._pieces)

    def _name(self, name: bytes) -> int:
        """Write a name; the octets that it will take."""
        before = relative(name, self._suffix)
        if before is None:
            self._pieces[-1] += name
            return len(name)
        self._pieces[-1] += before
        self._pieces.append(b"")
        return len(before) + self._size

    def _rdata(self, fixed: bytes, rtype: int, rdata: bytes) -> None:
        size, end = len(rdata), 0
        fields = rd.fields(rtype, rdata)
        for kind, begin, end in fields:
            if kind == "N":
                before = relative(rdata[begin:end], self._suffix)
                if before is not None:
                    size += len(before) + self._size - (end - begin)
        self._pieces[-1] += fixed + size.to_bytes(2, "big")
        for kind, begin, end in fields:
            if kind == "N":
                self._name(rdata[begin:end])
            else:
                self._pieces[-1] += rdata[begin:end]
        self._pieces[-1] += rdata[end:]
