"""The records of one message of a transfer: whole runs of plain ones by the short way of
`transfer_plain`, every other one by itself, with what is wrong with it and where."""

from __future__ import annotations

import struct
from abc import ABC, abstractmethod

from zonecast.errors import WireError
from zonecast.protocol.assembly import Row
from zonecast.protocol.question import CLASS_IN, read_soa
from zonecast.protocol.transfer_plain import POINTERS, Owners, WholeIn
from zonecast.zone import rdata as rd
from zonecast.zone.names import relative
from zonecast.zone.rrset import RRset

_FIXED = struct.Struct(">HHIH")
_SIZES = {rd.A: 4, rd.AAAA: 16}


class RecordReader(ABC):
    """Reads messages about the zone at `origin`; what becomes of a record is its heirs' matter.
    Those of a whole zone go into `whole`, for as long as `in_whole`."""

    def __init__(self, origin: bytes, whole: WholeIn) -> None:
        self._origin = origin
        self._whole = whole
        self._in_whole = False
        self._owners: Owners = {}

    @abstractmethod
    def _on_soa(self, soa: RRset) -> None:
        """A SOA record of the zone."""

    @abstractmethod
    def _on_record(self, row: Row) -> None:
        """Any other record in the zone."""

    def _read_records(self, message: bytes, position: int, count: int) -> None:
        """Take so many records, the first at `position`. Raises WireError, IndexError, and
        ChangesetError for an RRset that fits into no message."""
        # The question, where there is one, names the zone.
        self._owners = {POINTERS + 12: b""} if position > 12 else {}
        while count:
            if self._in_whole:
                position, count = self._whole.take(message, position, count, self._owners)
                if not count:
                    return
            position = self._read_record(message, position)
            count -= 1

    def _read_record(self, message: bytes, start: int) -> int:
        """Take one record, the long way; where the next begins."""
        owner, position = self._owner(message, start)
        if position + 10 > len(message):
            raise WireError("record runs past the end of the message")
        rtype, rclass, ttl, length = _FIXED.unpack_from(message, position)
        start_rdata = position + 10
        end: int = start_rdata + length
        if end > len(message):
            raise WireError("rdata runs past the end of the message")
        if rclass != CLASS_IN:
            raise WireError(f"a record of class {rclass}")
        written_ttl = ttl
        if ttl > 0x7FFFFFFF:
            ttl = 0  # RFC 2181 §8
        if rtype == rd.SOA:
            if owner:
                raise WireError("a SOA record that is not at the zone's apex")
            if owner is not None:
                soa = read_soa(message, start_rdata, end)
                self._on_soa(RRset(b"", rd.SOA, ttl, (soa,)))
        elif owner is not None:
            self._on_record((owner, rtype, ttl, _rdata(message, start_rdata, end, rtype)))
            if ttl == written_ttl and self._in_whole:
                self._whole.learn(message[position:start_rdata])
        return end

    def _owner(self, message: bytes, start: int) -> tuple[bytes | None, int]:
        """The owner at `start`, None outside the zone, and where reading goes on. What its pointer
        points to is kept with it: more names are likely to."""
        name, end = rd.read_name(message, start)
        owner = self._owners[POINTERS + start] = relative(name, self._origin)
        position = start
        while 0 < message[position] < 64:
            position += message[position] + 1
        if message[position]:
            target = message[position] << 8 | message[position + 1]
            if target not in self._owners:
                above, _ = rd.read_name(message, target - POINTERS)
                self._owners[target] = relative(above, self._origin)
        return owner, end


def _rdata(message: bytes, start: int, end: int, rtype: int) -> bytes:
    """Rdata, uncompressed. Raises WireError for a wrong length, and for a type that is none."""
    layout = rd.LAYOUTS.get(rtype)
    if layout is None:
        size = _SIZES.get(rtype)
        if size is not None and end - start != size:
            raise WireError(f"{rd.type_to_text(rtype)} record of the wrong length")
        if rtype in (0, rd.OPT) or 128 <= rtype <= 255:
            raise WireError(f"a record of type {rd.type_to_text(rtype)}, which no zone holds")
        return message[start:end]
    if layout == "N":
        name, position = rd.read_name(message, start)
        if position != end:
            raise WireError(f"{rd.type_to_text(rtype)} record of the wrong length")
        return name
    return rd.decompress(message, start, end, rtype)
