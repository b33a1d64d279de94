"""What reading a zone builds up: RRsets, where each record stands, and findings, all bounded."""

from __future__ import annotations

from array import array
from collections import Counter

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import CATALOGUE, finding
from zonecast.zone.findings import Finding, Position
from zonecast.zone.rrset import RRset, make_rrset

MAX_ERRORS = 100
MAX_WARNINGS_OF_A_KIND = 20
MAX_GENERATED = 1 << 18

BOM = b"\xef\xbb\xbf"

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
    it has records. `first` are those of the RRsets' first records, in the order in which `rrsets`
    got its keys; `others` are those of the records that follow, with their rdata.
    """

    def __init__(self, rrsets: dict[bytes, RRset] | None = None) -> None:
        self.files: list[str] = []
        self.first = array("Q")
        self.others: dict[bytes, list[tuple[bytes, int]]] = {}
        self._rrsets = {} if rrsets is None else rrsets
        self._places: dict[bytes, int] = {}

    def _first(self, key: bytes) -> int | None:
        """The first place of an RRset. Most zones are never asked: the index waits for it."""
        if len(self._places) != len(self.first):
            self._places = dict(zip(self._rrsets, self.first, strict=False))
        return self._places.get(key)

    def position(self, key: bytes | None, rdata: bytes | None = None) -> Position:
        """The place of an RRset's first record, or of one of its records; the zone file itself
        where there is none to name."""
        place = None if key is None else self._first(key)
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
        self.places = Places(self.rrsets)
        self.places.files.append(path)
        self.findings: list[Finding] = []
        self.soa_seen = False
        self.serial_span: tuple[str, int, int] | None = None
        self.serial_place: tuple[str, int, int] | None = None
        self._errors = 0
        self._warnings: Counter[str] = Counter()
        self._generated = 0
        self._mismatched: set[bytes] = set()

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
        self, owner: bytes, node: bytes, rtype: int, ttl: int, rdata: bytes, place: int
    ) -> None:
        """One record inside the zone; `node` is its owner's node key, `place` as in Places."""
        key = node + (_TYPE_KEYS[rtype] if rtype < 300 else b"\x00" + rtype.to_bytes(2, "big"))
        if rtype == rd.RRSIG:
            key += rdata[:2]
        elif rtype == rd.SOA:
            self.soa_seen = True
        known = self.rrsets.get(key)
        if known is None:
            # What RRset(…) does, without the call of a Python function in between.
            self.rrsets[key] = tuple.__new__(RRset, (owner, rtype, ttl, (rdata,)))
            self.places.first.append(place)
            return
        records = self.places.others.get(key)
        if records is None:
            records = self.places.others[key] = []
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
            rdatas = [first.rdatas[0], *(rdata for rdata, _ in records)]
            whole = make_rrset(first.owner, first.rtype, first.ttl, rdatas)
            self.rrsets[key] = whole
            if len(whole.rdatas) < len(rdatas):
                self._duplicates(first, records)

    def _duplicates(self, rrset: RRset, records: list[tuple[bytes, int]]) -> None:
        seen = {rd.canonical(rrset.rtype, rrset.rdatas[0])}
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


def check_text(records: Records, path: str, content: bytes) -> None:
    """Reports a file that starts with a byte order mark or is not UTF-8."""
    if content.startswith(BOM):
        message = "the file starts with a byte order mark, which other servers refuse"
        records.report("byte-order-mark", path, 1, 1, message, "save it without")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        line_start = content.rfind(b"\n", 0, error.start) + 1
        column = len(content[line_start : error.start].decode("utf-8")) + 1
        line = content.count(b"\n", 0, error.start) + 1
        records.report(
            "not-utf8", path, line, column, "the file is not UTF-8", "convert it (iconv -t UTF-8)"
        )
