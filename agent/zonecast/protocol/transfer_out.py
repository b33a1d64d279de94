"""Zone transfers out: AXFR (RFC 5936) and IXFR (RFC 1995), one message at a time.

Records come finished from the store (`protocol.compiled`, transfer form): their owners end in a
pointer to the question, which therefore every message repeats. Nothing else is compressed; names
past offset 16383 could not be pointed to anyway. The caller signs each message; room is left.
An IXFR that would be larger than the zone is answered with the zone (RFC 1995 §4).
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from zonecast.errors import WireError
from zonecast.protocol.compiled import split_records, transfer_records
from zonecast.protocol.condensing import Chain
from zonecast.protocol.sections import AA, HEADER, QR
from zonecast.protocol.transfer_run import Run, counted
from zonecast.protocol.tsig_record import MAX_SIGNATURE
from zonecast.zone.rrset import RRset, soa_serial
from zonecast.zone.serial import is_greater

MAX_MESSAGE = 65535


class Source(Protocol):
    """One version of one zone, pinned for as long as its transfer runs."""

    @property
    def soa(self) -> RRset: ...

    def runs(self) -> Iterator[Run]:
        """The zone's finished transfer records without the SOA."""

    def journal(self, serial: int) -> Chain | None:
        """What leads from `serial` to this version, in as few octets as may be (see
        `condensing`); None where the history does not reach back so far."""


class Envelope(NamedTuple):
    """What every message of one transfer repeats: the query's identifier, the octets of its
    question, and an OPT record to answer the query's (b"" without)."""

    query_id: int
    question: bytes
    opt: bytes = b""

    def message(self, runs: list[Run]) -> bytes:
        """One message around finished records."""
        records = sum([run.records for run in runs])
        header = HEADER.pack(self.query_id, QR | AA, 1, records, 0, 1 if self.opt else 0)
        return b"".join([header, self.question, *[run.octets for run in runs], self.opt])

    @property
    def room(self) -> int:
        """Octets for records in one message over TCP, a signature allowed for."""
        return MAX_MESSAGE - MAX_SIGNATURE - 12 - len(self.question) - len(self.opt)


def axfr_messages(
    query_id: int, question: bytes, source: Source, opt: bytes = b""
) -> Iterator[bytes]:
    """The messages of the whole zone: its SOA, every other record, its SOA again."""
    return _pack(Envelope(query_id, question, opt), _axfr_pieces(source))


def _axfr_pieces(source: Source) -> Iterator[Run]:
    soa = Run(1, transfer_records(source.soa))
    yield soa
    yield from source.runs()
    yield soa


def ixfr_messages(
    query_id: int, question: bytes, client_serial: int, source: Source, opt: bytes = b""
) -> Iterator[bytes]:
    """The answer to an IXFR query over TCP: one SOA where the client has this version or a newer
    one, the changesets where the journal reaches back and the zone is not smaller, else the whole
    zone (RFC 1995 §4)."""
    return _pack(Envelope(query_id, question, opt), _ixfr_pieces(client_serial, source))


def _ixfr_pieces(client_serial: int, source: Source) -> Iterable[Run | bytes]:
    soa = Run(1, transfer_records(source.soa))
    if _is_current(client_serial, source):
        return [soa]
    journal = source.journal(client_serial)
    if journal is None or not _reaches(source.runs(), journal.octets):
        return _axfr_pieces(source)
    return itertools.chain((soa,), journal, (soa,))


def _reaches(runs: Iterable[Run], octets: int) -> bool:
    """Whether all runs together have so many octets; no more of them are read than that."""
    for run in runs:
        octets -= len(run.octets)
        if octets <= 0:
            return True
    return False


def _is_current(client_serial: int, source: Source) -> bool:
    ours = soa_serial(source.soa.rdatas[0])
    return client_serial == ours or is_greater(client_serial, ours)


def ixfr_datagram(
    query_id: int,
    question: bytes,
    client_serial: int,
    source: Source,
    limit: int,
    opt: bytes = b"",
) -> bytes:
    """The answer to an IXFR query over UDP, within `limit` octets (the caller takes a signature's
    off). What does not fit, and a whole zone, is one SOA: the client comes back over TCP
    (RFC 1995 §2)."""
    envelope = Envelope(query_id, question, opt)
    soa = Run(1, transfer_records(source.soa))
    if not _is_current(client_serial, source):
        journal = source.journal(client_serial)
        if journal is not None:
            size = 12 + len(question) + 2 * len(soa.octets) + len(opt) + journal.octets
            if size <= limit:
                return envelope.message([soa, *map(counted, journal), soa])
    return envelope.message([soa])


def _pack(envelope: Envelope, pieces: Iterable[Run | bytes]) -> Iterator[bytes]:
    """Whole pieces into messages, in order; a piece too large is cut between records.

    Raises WireError for a record that no message holds."""
    room = envelope.room
    held: list[Run] = []
    size = 0
    for piece in pieces:
        for run in _parts(piece, room):
            octets = len(run.octets)
            if octets > room:
                raise WireError(f"a record of {octets} octets fits into no transfer message")
            if size + octets > room:
                yield envelope.message(held)
                held, size = [], 0
            held.append(run)
            size += octets
    yield envelope.message(held)


def _parts(piece: Run | bytes, room: int) -> Iterable[Run]:
    """A run, or records of which nobody knows how many they are, in runs that fit."""
    octets = piece if isinstance(piece, bytes) else piece.octets
    if len(octets) > room:
        return map(counted, split_records(octets, room))
    return (counted(piece) if isinstance(piece, bytes) else piece,)
