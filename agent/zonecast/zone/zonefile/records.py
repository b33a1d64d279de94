"""What reading a zone builds up: RRsets, where each record stands, and findings, all bounded."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import CATALOGUE, finding
from zonecast.zone.findings import Finding, Position
from zonecast.zone.rrset import RRset, make_rrset
from zonecast.zone.zonefile.lines import Lines
from zonecast.zone.zonefile.packed import Piece

MAX_ERRORS = 100
MAX_WARNINGS_OF_A_KIND = 20
MAX_GENERATED = 1 << 18

_ONE_TTL = "give them one TTL: elsewhere the last one may be used, or each its own"

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


def type_key(rtype: int) -> bytes:
    """What stands after the node key in the key of an RRset of this type."""
    return _TYPE_KEYS[rtype] if rtype < 300 else b"\x00" + rtype.to_bytes(2, "big")


class Places:
    """Where the records of a zone stand.

    A place is one integer, file number, line and column packed: a zone has as many of them as
    it has records. `first` are those of the RRsets' first records, in the order in which `rrsets`
    got its keys; the three lists after it are the keys, rdatas and places of all other records.
    """

    def __init__(self, rrsets: dict[bytes, RRset] | None = None) -> None:
        self.files: list[str] = []
        self.first = array("Q")
        self.other_keys: list[bytes] = []
        self.other_rdatas: list[bytes] = []
        self.others = array("Q")
        self._rrsets = {} if rrsets is None else rrsets
        self._firsts: dict[bytes, int] = {}
        self._by_key: dict[bytes, list[int]] = {}
        self._indexed = 0

    def _first(self, key: bytes) -> int | None:
        """The first place of an RRset. Most zones are never asked: the index waits for it."""
        if len(self._firsts) != len(self.first):
            self._firsts = dict(zip(self._rrsets, self.first, strict=False))
        return self._firsts.get(key)

    def after_first(self, key: bytes) -> list[tuple[bytes, int]]:
        """(rdata, place) of an RRset's records but the first, in their order."""
        while self._indexed < len(self.others):
            self._by_key.setdefault(self.other_keys[self._indexed], []).append(self._indexed)
            self._indexed += 1
        return [(self.other_rdatas[at], self.others[at]) for at in self._by_key.get(key, ())]

    def unpack(self, place: int) -> tuple[str, int, int]:
        """Path, line and column of a place."""
        return self.files[place >> 48], place >> 16 & 0xFFFFFFFF, place & 0xFFFF

    def position(self, key: bytes | None, rdata: bytes | None = None) -> Position:
        """The place of an RRset's first record, or of one of its records; the zone file itself
        where there is none to name."""
        place = None if key is None else self._first(key)
        if key is not None and rdata is not None:
            place = next((at for known, at in self.after_first(key) if known == rdata), place)
        return Position(self.files[0]) if place is None else Position(*self.unpack(place))


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
        # The rdatas of RRsets after the second one or, where it came finished, after those it
        # came with; the first rdata of each RRset that has a record twice.
        self._groups: dict[bytes, list[bytes]] = {}
        self._repeated: dict[bytes, bytes] = {}
        # What ends an absolute name of the zone where it is written as here.
        self.dotted = b"." + self.zone_text.encode() if origin != names.ROOT else b"."

    def file_number(self, path: str) -> int:
        """The number of a file of this zone."""
        files = self.places.files
        if path not in files:
            files.append(path)
        return files.index(path)

    @property
    def has_generated(self) -> bool:
        """Whether `$GENERATE` made records."""
        return self._generated > 0

    def take_generated(self, count: int) -> bool:
        """Whether `$GENERATE` may make this many more records."""
        self._generated += count
        return self._generated <= MAX_GENERATED

    def add(
        self, owner: bytes, node: bytes, rtype: int, ttl: int, rdata: bytes, place: int
    ) -> None:
        """One record inside the zone; `node` is its owner's node key, `place` as in Places."""
        key = node + type_key(rtype)
        if rtype == rd.RRSIG:
            key += rdata[:2]
        elif rtype == rd.SOA:
            self.soa_seen = True
        known = self.rrsets.get(key)
        if known is None:
            self.rrsets[key] = RRset(owner, rtype, ttl, (rdata,))
            self.places.first.append(place)
        else:
            self.add_more(key, known, ttl, rdata, place)

    def add_more(self, key: bytes, known: RRset, ttl: int, rdata: bytes, place: int) -> None:
        """One more record of an RRset that is there."""
        places = self.places
        places.other_keys.append(key)
        places.other_rdatas.append(rdata)
        places.others.append(place)
        owner, rtype, first_ttl, rdatas = known
        if len(rdatas) == 1:
            pair = _pair(rtype, rdatas[0], rdata)
            if pair is None:
                self._repeated.setdefault(key, rdatas[0])
            else:
                self.rrsets[key] = tuple.__new__(RRset, (owner, rtype, first_ttl, pair))
        elif key in self._groups:
            self._groups[key].append(rdata)
        else:
            self._groups[key] = [rdata]
        if first_ttl != ttl and key not in self._mismatched:
            self._mismatched.add(key)
            self._ttl_mismatch(known, ttl, place)

    def _ttl_mismatch(self, known: RRset, ttl: int, place: int) -> None:
        message = (
            f"TTL {ttl} differs from the {known.ttl} of the first {rd.type_to_text(known.rtype)} "
            f"record of {names.owner_text(known.owner, self.origin)}, which is used for all"
        )
        self.report("ttl-mismatch", *self.places.unpack(place), message, _ONE_TTL)

    def take(self, piece: Piece) -> None:
        """Records that were read, and finished, elsewhere; they stand after all that are here."""
        rrsets, places = self.rrsets, self.places
        if not rrsets.keys().isdisjoint(piece.keys):
            piece = self._take_known(piece)
        rows = map(partial(tuple.__new__, RRset), piece.rows)
        rrsets.update(zip(piece.keys, rows, strict=True))
        places.first.frombytes(piece.first)
        places.other_keys += piece.other_keys
        places.other_rdatas += piece.other_rdatas
        places.others.frombytes(piece.others)

    def _take_known(self, piece: Piece) -> Piece:
        """Takes the records of RRsets that are here already, one by one and in their order. What
        is left of the piece."""
        known = self.rrsets.keys() & set(piece.keys)
        left = Piece([], [], b"", [], [], b"", piece.end)
        first, others = array("Q"), array("Q")
        later: dict[bytes, list[bytes]] = {key: [] for key in known}
        found = []
        sets = {}
        for key, rdata, place in zip(
            piece.other_keys, piece.other_rdatas, array("Q", piece.others), strict=True
        ):
            if key in known:
                later[key].append(rdata)
                found.append((place, key, rdata))
            else:
                left.other_keys.append(key)
                left.other_rdatas.append(rdata)
                others.append(place)
        for key, row, place in zip(piece.keys, piece.rows, array("Q", piece.first), strict=True):
            if key in known:
                sets[key] = row
                found.append((place, key, _first_rdata(row[3], later[key])))
            else:
                left.keys.append(key)
                left.rows.append(row)
                first.append(place)
        for place, key, rdata in sorted(found):
            self.add_more(key, self.rrsets[key], sets[key][2], rdata, place)
        return left._replace(first=first.tobytes(), others=others.tobytes())

    def finish(self) -> None:
        """Puts RRsets of more than two records together, and reports what is there twice."""
        for key, rdatas in self._groups.items():
            known = self.rrsets[key]
            whole = make_rrset(known.owner, known.rtype, known.ttl, (*known.rdatas, *rdatas))
            self.rrsets[key] = whole
            has_repeated = len(whole.rdatas) < len(known.rdatas) + len(rdatas)
            if has_repeated and key not in self._repeated:
                later = [rdata for rdata, _ in self.places.after_first(key)]
                first = _first_rdata(known.rdatas, later[: len(known.rdatas) - 1])
                self._repeated[key] = first
        self._groups.clear()
        repeated = [(at, key) for key in self._repeated for at in self._second_times(key)]
        for place, key in sorted(repeated):
            rrset = self.rrsets[key]
            owner = names.owner_text(rrset.owner, self.origin)
            message = f"{owner} {rd.type_to_text(rrset.rtype)} is here for a second time"
            self.report("duplicate-record", *self.places.unpack(place), message, "remove it")

    def _second_times(self, key: bytes) -> Iterator[int]:
        """The places of an RRset's records that were there before."""
        rtype = self.rrsets[key].rtype
        seen = {rd.canonical(rtype, self._repeated[key])}
        for rdata, place in self.places.after_first(key):
            canonical = rd.canonical(rtype, rdata)
            if canonical in seen:
                yield place
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
                remedy = "mend those listed first"
                self.findings.append(finding(kind, position, message, remedy, self.zone_text))


def _pair(rtype: int, one: bytes, two: bytes) -> tuple[bytes, bytes] | None:
    """Two records in order; None where they are the same one."""
    if rtype in rd.LAYOUTS and (both := one + two).lower() != both:
        first, second = rd.canonical(rtype, one), rd.canonical(rtype, two)
    else:
        first, second = one, two  # each is its own canonical form
    if first == second:
        return None
    return (one, two) if first < second else (two, one)


def _first_rdata(rdatas: Sequence[bytes], later: Sequence[bytes]) -> bytes:
    """The first of an RRset's different records: the one that did not come later."""
    (first,) = set(rdatas).difference(later)
    return first


def check_text(records: Records, path: str, lines: Lines) -> bool:
    """Reports a file that starts with a byte order mark or is not UTF-8. Whether it has lines:
    ends of them in CR alone are reported, and nobody can read on."""
    content = lines.content
    body = content.rstrip() if len(lines) <= 2 else b""
    if b"\r" in body and b"\n" not in body:
        records.soa_seen = True  # as far as anyone can tell
        message, remedy = "the file's lines end in CR alone", "end them in LF or CR LF"
        records.report("syntax", path, 1, 1, message, remedy)
        return False
    if content.startswith(BOM):
        message = "the file starts with a byte order mark, which other servers refuse"
        records.report("byte-order-mark", path, 1, 1, message, "save it without")
    if content.isascii():
        return True
    for start, end, first, _ in lines.blocks():
        block = content[start:end]
        try:
            block.decode("utf-8")
        except UnicodeDecodeError as error:
            line_start = block.rfind(b"\n", 0, error.start) + 1
            column = len(block[line_start : error.start].decode("utf-8")) + 1
            line = first + block.count(b"\n", 0, error.start) + 1
            message = "the file is not UTF-8"
            records.report("not-utf8", path, line, column, message, "convert it (iconv -t UTF-8)")
            break
    return True
