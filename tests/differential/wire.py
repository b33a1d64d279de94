"""Replies read strictly, by a reader that shares nothing with the program under test.

Names in owners and rdata are lower-cased and decompressed, so that two servers' records compare
as octets. What no server may send (a pointer forward, octets left over, a record twice) raises
BadReplyError.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

# Where names stand in rdata: digits are octets to pass over, s a character-string, n a name.
NAMES = {
    2: "n", 3: "n", 4: "n", 5: "n", 6: "nn", 7: "n", 8: "n", 9: "n", 12: "n", 14: "nn", 15: "2n",
    17: "nn", 18: "2n", 21: "2n", 26: "2nn", 33: "6n", 35: "4sssn", 36: "2n", 39: "n",
    64: "2n", 65: "2n",
}  # fmt: skip

# RFC 3597 §4: names in rdata of any other type are never compressed.
COMPRESSIBLE = frozenset((2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 15))

OPT = 41


class BadReplyError(Exception):
    """Octets that are no well-formed reply; the text says why."""


@dataclass(frozen=True, slots=True, order=True)
class Record:
    """One record; `owner` and names in `rdata` lower-cased, `octets` what it took in the reply."""

    owner: bytes
    rtype: int
    rclass: int
    ttl: int
    rdata: bytes
    octets: int = field(compare=False, default=0)


@dataclass(slots=True)
class Reply:
    """A reply's parts. `flags` are the header's without RCODE, `rcode` holds OPT's bits too."""

    octets: bytes
    identifier: int
    flags: int
    rcode: int
    question: bytes
    answer: list[Record]
    authority: list[Record]
    additional: list[Record]
    opt: tuple[int, int, bytes] | None

    @property
    def aa(self) -> bool:
        return bool(self.flags & 0x0400)

    @property
    def tc(self) -> bool:
        return bool(self.flags & 0x0200)


def read_reply(octets: bytes) -> Reply:
    """A reply of at most one question."""
    try:
        return _Reader(octets).reply()
    except (IndexError, struct.error) as error:
        raise BadReplyError(f"cut short: {error}") from error


class _Reader:
    def __init__(self, octets: bytes) -> None:
        self.octets = octets
        self.position = 12

    def reply(self) -> Reply:
        identifier, flags, *counts = struct.unpack_from(">HHHHHH", self.octets)
        if not flags & 0x8000:
            raise BadReplyError("QR is not set")
        if counts[0] > 1:
            raise BadReplyError("several questions")
        question = b""
        if counts[0]:
            _, self.position = self.name(12, compressed=False)
            self.position += 4
            question = self.octets[12 : self.position]
        sections = [[self.record() for _ in range(count)] for count in counts[1:]]
        if self.position != len(self.octets):
            raise BadReplyError("octets after the last record")
        if any(record.rtype == OPT for record in sections[0] + sections[1]):
            raise BadReplyError("OPT outside the additional section")
        for section in sections:
            if len(set(section)) != len(section):
                raise BadReplyError("a record twice in one section")
        opts = [record for record in sections[2] if record.rtype == OPT]
        if len(opts) > 1:
            raise BadReplyError("several OPT records")
        additional = [record for record in sections[2] if record.rtype != OPT]
        rcode = flags & 15
        opt = None
        if opts:
            rcode |= opts[0].ttl >> 24 << 4
            opt = (opts[0].rclass, opts[0].ttl & 0xFFFFFF, opts[0].rdata)
        return Reply(
            self.octets, identifier, flags & 0xFFF0, rcode, question, *sections[:2], additional, opt
        )

    def record(self) -> Record:
        start = self.position
        owner, position = self.name(start)
        rtype, rclass, ttl, length = struct.unpack_from(">HHIH", self.octets, position)
        begin = position + 10
        self.position = end = begin + length
        if end > len(self.octets):
            raise BadReplyError("rdata past the end")
        rdata = self.rdata(rtype, begin, end)
        return Record(owner, rtype, rclass, ttl, rdata, end - start)

    def rdata(self, rtype: int, begin: int, end: int) -> bytes:
        layout = NAMES.get(rtype)
        if layout is None or begin == end:
            return self.octets[begin:end]
        found = b""
        for kind in layout:
            if kind == "n":
                name, begin = self.name(begin, compressed=rtype in COMPRESSIBLE)
                found += name
                continue
            size = 1 + self.octets[begin] if kind == "s" else int(kind)
            found += self.octets[begin : begin + size]
            begin += size
        if begin > end:
            raise BadReplyError(f"rdata of type {rtype} past its end")
        return found + self.octets[begin:end]

    def name(self, position: int, compressed: bool = True) -> tuple[bytes, int]:
        """The lower-cased name there, and where what follows it begins."""
        name = b""
        after = 0
        lowest = position
        while True:
            length = self.octets[position]
            if length < 64:
                name += self.octets[position : position + 1 + length]
                position += 1 + length
                if not length:
                    break
            elif length >= 192 and compressed:
                after = after or position + 2
                position = (length & 63) << 8 | self.octets[position + 1]
                if position >= lowest:
                    raise BadReplyError("a pointer that does not point back")
                lowest = position
            else:
                raise BadReplyError("a compressed name where none may be, or a reserved label type")
        if len(name) > 255:
            raise BadReplyError("a name of more than 255 octets")
        return name.lower(), after or position
