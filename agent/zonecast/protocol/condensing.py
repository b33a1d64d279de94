"""Condensing: a chain of changesets as one, for IXFR (RFC 1995 §5).

Of every record that a chain mentions, two things count: what the first changeset that mentions it
says of the version the chain starts from (deleted: the record was there; added: it was not), and
what the last one says of the version it leads to. What is the same in both is left out; a record
of which the TTL or the case of a name differs is deleted and added, as in any changeset.

That is exact because a changeset mentions every record whose TTL it changes: all of an RRset's
where one with another TTL is added to it (RFC 2181 §5.2; the store writer sees to that). A
chain never needs the zone for this, and one that is too long for the memory goes as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from zonecast.zone import rdata as rd

# Octets of the longest chain that is condensed: some 20,000 records, 25 ms and 10 MiB meanwhile.
MAX_CHAIN = 1 << 19

_SOA = rd.SOA.to_bytes(2, "big")


class Chain(Protocol):
    """Changesets that follow each other, oldest first, each as finished transfer records in IXFR
    order: old SOA, deleted, new SOA, added. `octets` is what all of them take together."""

    @property
    def octets(self) -> int: ...

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[bytes]: ...


class Held(tuple[bytes, ...]):
    """A Chain in memory."""

    __slots__ = ()

    @property
    def octets(self) -> int:
        """Octets of all changesets."""
        return sum(map(len, self))


def shorten(chain: Chain) -> Chain:
    """The chain, or one changeset that does the same in fewer octets."""
    if len(chain) < 2 or chain.octets > MAX_CHAIN:
        return chain
    condensed = condense(chain)
    return Held((condensed,)) if len(condensed) < chain.octets else chain


def condense(chain: Chain) -> bytes:
    """What a chain of one changeset or more does, as one changeset."""
    # By what a record is but for its TTL and the case of names: what it was and what it becomes.
    records: dict[bytes, tuple[bytes | None, bytes | None]] = {}
    first_soa = last_soa = b""
    for changeset in chain:
        adding = True
        for record, owner in _split(changeset):
            rtype = record[owner + 2 : owner + 4]
            if rtype == _SOA:
                first_soa, last_soa = first_soa or record, record
                adding = not adding
                continue
            known = _identity(record, owner, rtype)
            was = records.get(known)
            if adding:
                records[known] = (None if was is None else was[0], record)
            else:
                records[known] = (record if was is None else was[0], None)
    # Sorted, the records of one RRset are side by side.
    changed = [records[known] for known in sorted(records)]
    deleted = [was for was, now in changed if was is not None and was != now]
    added = [now for was, now in changed if now is not None and was != now]
    return b"".join([first_soa, *deleted, last_soa, *added])


def _split(octets: bytes) -> Iterator[tuple[bytes, int]]:
    """Each finished transfer record, and how long its relative owner is."""
    position = 0
    size = len(octets)
    while position < size:
        start = position
        while (length := octets[position]) != 0xC0:
            position += length + 1
        owner = position - start
        position += 12 + (octets[position + 10] << 8 | octets[position + 11])
        yield octets[start:position], owner


def _identity(record: bytes, owner: int, rtype: bytes) -> bytes:
    number = rtype[0] << 8 | rtype[1]
    rdata = record[owner + 12 :]
    if number in rd.LAYOUTS:
        rdata = rd.canonical(number, rdata)
    return record[:owner].lower() + rtype + rdata
