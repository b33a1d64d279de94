"""What reading a zone builds up: RRsets, where each record stands, and findings, all bounded."""

from __future__ import annotations

from collections import Counter

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import CATALOGUE, finding
from zonecast.zone.findings import Finding, Position
from zonecast.zone.names import node_key
from zonecast.zone.rrset import RRset, make_rrset

MAX_ERRORS = 100
MAX_WARNINGS_OF_A_KIND = 20
MAX_GENERATED = 1 << 18

_TYPE_KEYS = [b"\x00" + number.to_bytes(2, "big") for number in range(300)]


class RecordError(Exception):
    """An entry that cannot be used: finding id, message and `index`, the token at fault."""

    def __init__(self, kind: str, message: str, index: int = 0, remedy: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.index = index
        self.remedy = remedy


class EnoughError(Exception):
    """Enough errors were found; reading stops."""


class Places:
    """Where the records of a zone stand.

    A place is one integer, file number, line and column packed: a zone has as many of them as
    it has records. RRsets of one record, which most are, have theirs in `first` alone.
    """

    def __init__(self) -> None:
        self.files: list[str] = []
        self.first: dict[bytes, int] = {}
        self.others: dict[bytes, list[tuple[bytes, int]]] = {}

    def position(self, key: bytes | None, rdata: bytes | None = None) -> Position:
        """The place of an RRset's first record, or of one of its records; the zone file itself
        where there is none to name."""
        place = self.first.get(key) if key is not None else None
        if key is not None and rdata is not None:
            place = next((at for known, at in self.others.get(key, ()) if known == rdata), place)
        if place is None:
            return Position(self.files[0])
        return Position(self.files[place >> 48], place >> 16 & 0xFFFFFFFF, place & 0xFFFF)


class Records:
    """The records of one zone as they are read."""

    def __init__(self, origin: bytes, path: str) -> None:
        self.origin = origin
        self.zone_text = names.to_text(origin)
        self.rrsets: dict[bytes, RRset] = {}
        self.places = Places()
        self.places.files.append(path)
        self.findings: list[Finding] = []
        self.soa_seen = False
        self.serial_span: tuple[str, int, int] | None = None
        self.serial_place: tuple[str, int, int] | None = None
        self._errors = 0
        self._warnings: Counter[str] = Counter()
        self._generated = 0
        self._mismatched: set[bytes] = set()
        self._owner: bytes | None = None
        self._node = b""

    def file_number(self, path: str) -> int:
        """The number of a file of this zone."""
        files = self.places.files
        if path not in files:
            files.append(path)
        return files.index(path)

    def take_generated(self, count: int) -> bool:
        """Whether `$GENERATE` may make this many more records."""
        self._generated += count
        return self._generated <= MAX_GENERATED

    def add(
        self, owner: bytes, rtype: int, ttl: int, rdata: bytes, file: int, line: int, column: int
    ) -> None:
        """One record inside the zone."""
        if owner != self._owner:
            self._node = node_key(owner)
            self._owner = owner
        key = self._node + (
            _TYPE_KEYS[rtype] if rtype < 300 else b"\x00" + rtype.to_bytes(2, "big")
        )
        if rtype == rd.RRSIG:
            key += rdata[:2]
        elif rtype == rd.SOA:
            self.soa_seen = True
        place = file << 48 | line << 16 | min(column, 0xFFFF)
        known = self.rrsets.get(key)
        if known is None:
            self.rrsets[key] = RRset(owner, rtype, ttl, (rdata,))
            self.places.first[key] = place
            return
        records = self.places.others.get(key)
        if records is None:
            records = self.places.others[key] = [(known.rdatas[0], self.places.first[key])]
        records.append((rdata, place))
        if known.ttl != ttl and key not in self._mismatched:
            self._mismatched.add(key)
            self._ttl_mismatch(known, ttl, key, rdata)

    def _ttl_mismatch(self, known: RRset, ttl: int, key: bytes, rdata: bytes) -> None:
        path, line, column = self.places.position(key, rdata)
        message = (
            f"TTL {ttl} differs from the {known.ttl} of the first {rd.type_to_text(known.rtype)} "
            f"record of {names.owner_text(known.owner, self.origin)}, which is used for all"
        )
        self.report("ttl-mismatch", path, line, column, message, "give them one TTL")

    def finish(self) -> None:
        """Puts RRsets of several records together."""
        for key, records in self.places.others.items():
            first = self.rrsets[key]
            whole = make_rrset(first.owner, first.rtype, first.ttl, [r for r, _ in records])
            self.rrsets[key] = whole
            if len(whole.rdatas) < len(records):
                self._duplicates(key, whole, records)

    def _duplicates(self, key: bytes, rrset: RRset, records: list[tuple[bytes, int]]) -> None:
        seen: set[bytes] = set()
        for rdata, place in records:
            canonical = rd.canonical(rrset.rtype, rdata)
            if canonical in seen:
                owner = names.owner_text(rrset.owner, self.origin)
                message = f"{owner} {rd.type_to_text(rrset.rtype)} is here for a second time"
                files = self.places.files
                path, line, column = files[place >> 48], place >> 16 & 0xFFFFFFFF, place & 0xFFFF
                self.report("duplicate-record", path, line, column, message, "remove it")
            seen.add(canonical)

    def report(
        self, kind: str, path: str, line: int, column: int, message: str, remedy: str = ""
    ) -> None:
        """A finding. Raises EnoughError where one more error would be of no use to anyone."""
        if CATALOGUE[kind].level == "error":
            self._errors += 1
            if self._errors > MAX_ERRORS:
                raise EnoughError
        else:
            self._warnings[kind] += 1
            if self._warnings[kind] > MAX_WARNINGS_OF_A_KIND:
                return
        position = Position(path, line, column)
        self.findings.append(finding(kind, position, message, remedy, self.zone_text))

    def say_how_many_more(self) -> None:
        """One finding for all the warnings of an id that were not listed."""
        for kind, count in self._warnings.items():
            more = count - MAX_WARNINGS_OF_A_KIND
            if more > 0:
                position = Position(self.places.files[0])
                message = f"{more} more findings of this kind are not listed"
                self.findings.append(finding(kind, position, message, "", self.zone_text))
