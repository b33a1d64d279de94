"""What reading a part of a zone file comes to, as octets: how one process tells it another."""

from __future__ import annotations

import marshal
from typing import NamedTuple

Row = tuple[bytes, int, int, tuple[bytes, ...]]


class Task(NamedTuple):
    """A part to read: its `text`, after so many lines `before` it, of the zone at `zone`, under
    an origin and a default TTL."""

    text: bytes
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


class ReadPart(NamedTuple):
    """A part that was read without a finding.

    The context at its end: `origin`, the TTLs, and where the last $ORIGIN stood. Then its RRsets
    by key, and the places of its records as `zonefile_records.Places` has them.
    """

    origin: bytes
    default_ttl: int | None
    last_ttl: int | None
    origin_place: tuple[int, int] | None
    keys: list[bytes]
    rows: list[Row]
    first: bytes
    other_keys: list[bytes]
    other_rdatas: list[bytes]
    others: bytes

    def pack(self) -> bytes:
        """The part as octets."""
        return marshal.dumps(tuple(self))

    @classmethod
    def unpack(cls, octets: bytes) -> ReadPart | None:
        """The part that `pack` made octets of; None where they are not whole."""
        try:
            return cls._make(marshal.loads(octets))  # noqa: S302 - from a process of our own
        except (EOFError, ValueError, TypeError):
            return None
