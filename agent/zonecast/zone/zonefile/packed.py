"""What reading a part of a zone file comes to, as octets: how one process tells it another."""

from __future__ import annotations

import marshal
from typing import NamedTuple

Row = tuple[bytes, int, int, tuple[bytes, ...]]


class Task(NamedTuple):
    """A part to read: its `text`, after so many lines `before` it, of the zone at `zone`, under
    an origin and a default TTL. To pack it takes no copy of the text."""

    text: bytes | memoryview
    before: int
    zone: bytes
    origin: bytes
    default_ttl: int | None

    def pack(self) -> bytes:
        """The task as octets."""
        return marshal.dumps(tuple(self))

    @classmethod
    def unpack(cls, octets: bytes) -> Task:
        """The task that `pack` made octets of. Raises what `marshal.loads` raises."""
        return cls._make(marshal.loads(octets))  # noqa: S302 - from a process of our own


class End(NamedTuple):
    """Where reading stands at the end of a piece, and under what: so many lines of the part were
    read (None: all), the origin, the TTLs, where the last $ORIGIN stood, the owner and its node."""

    lines: int | None
    origin: bytes
    default_ttl: int | None
    last_ttl: int | None
    origin_place: tuple[int, int] | None
    owner: bytes | None
    node: bytes


class Piece(NamedTuple):
    """Some of the records of a part: finished RRsets by key, and the places of their records as
    `zonefile.records.Places` has them; and how to read on after them."""

    keys: list[bytes]
    rows: list[Row]
    first: bytes
    other_keys: list[bytes]
    other_rdatas: list[bytes]
    others: bytes
    end: End

    def pack(self) -> bytes:
        """The piece as octets."""
        return marshal.dumps((*self[:-1], tuple(self.end)))

    @classmethod
    def unpack(cls, octets: bytes) -> Piece:
        """The piece that `pack` made octets of. Raises what `marshal.loads` raises."""
        *held, end = marshal.loads(octets)  # noqa: S302 - from a process of our own
        return cls._make([*held, End._make(end)])
