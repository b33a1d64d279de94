"""The master-file reader (RFC 1035 §5): entries, directives and the state that goes from line to
line. `zonefile.read_zone` is its face.

A line without quotes, comments, parentheses or escapes is split at its blanks and done; any
other goes through `tokens`. An error is a finding and the reader goes on with the next entry.
Where the standards leave room it does as BIND does: an included file starts with the owner before
it; `$TTL` in it stays in force after it, `$ORIGIN` and the owner do not (RFC 1035 §5.1); without
`$TTL` a record takes the last TTL written, and a first SOA its own minimum; the first TTL of an
RRset is the TTL of all of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from zonecast.errors import BadNameError, ZonecastError
from zonecast.zone import names, tokens
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import soa_timers
from zonecast.zone.tokens import ONE_STRING, SPECIAL, Token
from zonecast.zone.zonefile_generate import GenerateError, expand
from zonecast.zone.zonefile_head import read_head
from zonecast.zone.zonefile_plain import plain_record
from zonecast.zone.zonefile_rdata import (
    FAST,
    QUOTABLE,
    Names,
    RdataError,
    read_any,
    read_ttl,
    show,
    wire_name,
)
from zonecast.zone.zonefile_records import BOM, RecordError, Records, check_text
from zonecast.zone.zonefile_soa import SERIAL_WORD, read_soa

Include = Callable[[str, str], tuple[str, bytes]]

MAX_TTL = (1 << 31) - 1
MAX_INCLUDE_DEPTH = 16
MAX_INCLUDES = 1000

_BLANKS = frozenset(b" \t")
_DOLLAR = ord("$")
_LABEL = re.compile(rb"[a-zA-Z0-9_-]+")


class State:
    """What carries over from file to file while one zone is read."""

    def __init__(self, records: Records, include: Include | None) -> None:
        self.records = records
        self.include = include
        self.default_ttl: int | None = None
        self.last_ttl: int | None = None
        self.open_files: list[str] = []
        self.includes = 0


class FileReader:
    """Reads one file of a zone; an included file gets a reader of its own, which starts with the
    owner of its `parent`: RFC 1035 §5.1 inserts the file where the $INCLUDE stands."""

    def __init__(
        self,
        state: State,
        path: str,
        content: bytes,
        origin: bytes,
        parent: FileReader | None = None,
    ) -> None:
        self.state = state
        self.records = state.records
        self.path = path
        self.number = self.records.file_number(path)
        self.skipped = len(BOM) if content.startswith(BOM) else 0
        self.lines = content[self.skipped :].split(b"\n")
        # None before the first owner and after one that is wrong or outside the zone, which
        # `outside` then names for the message.
        self.owner: bytes | None = None if parent is None else parent.owner
        self.has_owner: bool = parent is not None and parent.has_owner
        self.outside: str = "" if parent is None else parent.outside
        # The owner's node key; the word that wrote the owner, which lines often repeat.
        self.node: bytes = b"" if parent is None else parent.node
        self._owner_word = b""
        self.origin_place: tuple[int, int] | None = None
        self._set_origin(origin)

    def _set_origin(self, origin: bytes) -> None:
        self.origin = origin
        self.prefix = names.relative(origin, self.records.origin)
        self.prefix_node = names.node_key(self.prefix or b"")
        self.names = Names(origin)
        self._owner_word = b""

    def read(self) -> None:
        """Reads to the end; every error becomes a finding."""
        lines = self.lines
        special = SPECIAL.search
        index = 0
        while index < len(lines):
            line = lines[index]
            found = special(line)
            quoted = False
            if found is None:
                words = line.split()
            elif found[0] == b";" or (found[0] == b"\r" and found.end() == len(line)):
                # A comment, or the carriage return before a line feed, ends a plain line.
                words = line[: found.start()].split()
            elif found[0] == b'"' and (last := ONE_STRING.fullmatch(line, found.start())):
                words = [*line[: found.start()].split(), last[1]]
                quoted = True
            else:
                index = self._entry(index)
                continue
            if words:
                blank = line[0] in _BLANKS
                try:
                    if line[0] == _DOLLAR or not self._plain(words, blank, quoted, index + 1):
                        index = self._entry(index)
                        continue
                except RecordError as problem:
                    self._report_plain(problem, index + 1)
            index += 1

    def _report_plain(self, problem: RecordError, line: int) -> None:
        entry = tokens.read_entry(self.lines, line - 1)
        self._report(problem, entry.tokens, line)

    def _report(self, problem: RecordError, found: Sequence[Token], line: int) -> None:
        if problem.index < len(found):
            line, column = found[problem.index].line, found[problem.index].column
        elif found:
            line, column = found[-1].line, found[-1].end
        else:
            column = 1
        self.report(problem.kind, line, column, str(problem), problem.remedy)

    def report(self, kind: str, line: int, column: int, message: str, remedy: str = "") -> None:
        """A finding at a place of this file; `column` counts octets."""
        before = self.lines[line - 1][: column - 1] if line <= len(self.lines) else b""
        place = len(before.decode("utf-8", "replace")) + 1
        self.records.report(kind, self.path, line, place, message, remedy)

    def _entry(self, index: int) -> int:
        entry = tokens.read_entry(self.lines, index)
        if entry.problem is not None:
            wrong = entry.problem
            self.report("syntax", wrong.line, wrong.column, wrong.message, wrong.remedy)
        elif entry.tokens:
            words = [token.raw for token in entry.tokens]
            try:
                if self.lines[index][:1] == b"$":
                    self._directive(words, entry.tokens)
                else:
                    blank = self.lines[index][:1] in b" \t"
                    self._record(words, blank, entry.tokens, index + 1)
            except RecordError as problem:
                self._report(problem, entry.tokens, index + 1)
        return entry.next_line

    # Directives

    def _directive(self, words: list[bytes], found: list[Token]) -> None:
        directive = words[0].upper()
        if directive == b"$GENERATE":
            self._generate(found)
            return
        allowed = {b"$ORIGIN": (2, 2), b"$TTL": (2, 2), b"$INCLUDE": (2, 3)}.get(directive)
        if allowed is None:
            raise RecordError(
                "syntax",
                f"unknown directive '{show(words[0])}'",
                remedy="$ORIGIN, $TTL, $INCLUDE and $GENERATE are known",
            )
        least, most = allowed
        if len(words) < least:
            raise RecordError("syntax", f"{directive.decode()} without its value", least - 1)
        if len(words) > most:
            raise RecordError(
                "syntax", f"'{show(words[most])}' after the end of the directive", most
            )
        if directive == b"$TTL":
            self.state.default_ttl = self._ttl(words, 1, found, found[0].line)
        elif directive == b"$ORIGIN":
            self.origin_place = (found[1].line, found[1].column)
            self._set_origin(self._name(words, 1))
        else:
            self._include(words)

    def _include(self, words: list[bytes]) -> None:
        state = self.state
        origin = self._name(words, 2) if len(words) == 3 else self.origin
        state.includes += 1
        try:
            if state.include is None:
                raise ZonecastError("there is no repository to include files from")
            wanted = tokens.unescape(words[1]).decode("utf-8", "replace")
            path, content = state.include(wanted, self.path)
            if path in state.open_files:
                raise ZonecastError(f"'{path}' includes itself", remedy="break the cycle")
            if len(state.open_files) >= MAX_INCLUDE_DEPTH or state.includes > MAX_INCLUDES:
                raise ZonecastError(
                    f"'{path}' is too deep or one file too many",
                    remedy=f"at most {MAX_INCLUDE_DEPTH} levels and {MAX_INCLUDES} files",
                )
        except (ZonecastError, ValueError) as error:
            remedy = error.remedy if isinstance(error, ZonecastError) else ""
            message = error.message if isinstance(error, ZonecastError) else str(error)
            raise RecordError("include-failed", message, 1, remedy) from None
        read_file(state, path, content, origin, self)

    def _generate(self, found: list[Token]) -> None:
        try:
            for text in expand([token.raw for token in found], self.records.take_generated):
                entry = tokens.read_entry([text], 0)
                if entry.problem is not None:
                    raise GenerateError(f"makes '{show(text)}': {entry.problem.message}")
                made = [token._replace(line=found[0].line) for token in entry.tokens]
                try:
                    self._record([token.raw for token in made], False, made, found[0].line)
                except RecordError as problem:
                    raise GenerateError(f"makes '{show(text)}': {problem}") from None
        except GenerateError as problem:
            raise RecordError("bad-generate", f"$GENERATE {problem}", problem.index) from None

    def _name(self, words: Sequence[bytes], index: int) -> bytes:
        try:
            return wire_name(words[index], self.origin)
        except BadNameError as error:
            raise RecordError("bad-name", error.message, index, error.remedy) from None

    def _ttl(self, words: Sequence[bytes], index: int, found: list[Token] | None, line: int) -> int:
        ttl = read_ttl(words[index])
        if ttl is None or ttl >= 1 << 32:
            raise RecordError(
                "syntax",
                f"'{show(words[index])}' is no TTL",
                index,
                "write seconds, or units such as 1h30m",
            )
        if ttl > MAX_TTL:
            message = f"TTL {ttl} is over {MAX_TTL} and counts as 0"
            at = (found or tokens.read_entry(self.lines, line - 1).tokens)[index]
            self.report("ttl-too-large", at.line, at.column, message, "write a smaller one")
            return 0
        return ttl

    # Records

    def _plain(self, words: list[bytes], blank: bool, quoted: bool, line: int) -> bool:
        """The record of a plain line, `quoted` where its last word is a quoted string. False
        leaves the line, with whatever may be wrong with it, to the long way."""
        if not blank and words[0] != self._owner_word:
            if quoted and len(words) == 1:
                return False
            self._read_owner(words)
        record = plain_record(words, 0 if blank else 1, quoted, self.names)
        if record is None or self.owner is None:
            return False
        rtype, written, rdata = record
        ttl = self.state.default_ttl if written is None else written
        if ttl is None:
            return False
        if written is not None:
            self.state.last_ttl = written
        place = self.number << 48 | line << 16 | 1
        self.records.add(self.owner, self.node, rtype, ttl, rdata, place)
        return True

    def _record(
        self, words: list[bytes], blank: bool, found: list[Token] | None, line: int
    ) -> None:
        """One record: [owner] [TTL] [class] type rdata. `found` are the tokens of `words` where
        the line was not plain."""
        start = 0 if blank else 1
        if not blank and (words[0] != self._owner_word or not self.has_owner):
            self._read_owner(words)
        if not self.has_owner:
            raise RecordError("no-owner", "no owner before this record", 0, "write its owner")
        head = read_head(words, start)
        ttl, rtype, start = None, head.rtype, head.rdata
        if head.ttl is not None:
            ttl = self._ttl(words, head.ttl, found, line)
        at_soa = rtype == rd.SOA
        try:
            rdata = self._rdata(rtype, words, start, found, line)
        except RdataError as problem:
            self.records.soa_seen |= at_soa
            raise RecordError(
                problem.kind, problem.message, start + problem.index, problem.remedy
            ) from None
        if len(rdata) > 65535:
            raise RecordError("rdata-too-long", f"{len(rdata)} octets of rdata, 65535 is the most")
        if ttl is not None:
            self.state.last_ttl = ttl
        else:
            ttl = self._implied_ttl(rtype, rdata, start)
        if self.owner is None or (at_soa and self.owner):
            self._misplaced(line, found[0].column if found else 1, at_soa)
            return
        column = min(found[0].column, 0xFFFF) if found else 1
        place = self.number << 48 | line << 16 | column
        self.records.add(self.owner, self.node, rtype, ttl, rdata, place)

    def _read_owner(self, words: list[bytes]) -> None:
        """Sets the owner, relative to the zone's origin; None where it lies outside."""
        word = words[0]
        self._owner_word = b""
        self.has_owner = True
        self.owner = None
        self.outside = ""
        if self.prefix is not None and len(word) < names.MAX_LABEL and _LABEL.fullmatch(word):
            self.owner = bytes((len(word),)) + word + self.prefix
            if len(self.owner) + len(self.records.origin) <= names.MAX_NAME:
                self.node = self.prefix_node + word.lower() + b"\x00"
                self._owner_word = word
                return
            self.owner = None
        name = self._name(words, 0)
        if word[-1:] == b"." or self.prefix is None:
            self.owner = names.relative(name, self.records.origin)
            self.outside = show(word)
        else:
            self.owner = name[: len(name) - len(self.records.origin)]
        self.node = names.node_key(self.owner or b"")
        self._owner_word = word

    def _rdata(
        self, rtype: int, words: list[bytes], start: int, found: list[Token] | None, line: int
    ) -> bytes:
        args = words[start:]
        generic = bool(args) and args[0] == b"\\#"
        fast = FAST.get(rtype)
        quoted = found is not None and any(token.quoted for token in found[start:])
        if fast is not None and not generic and (not quoted or rtype in QUOTABLE):
            return fast(args, self.names)
        if rtype == rd.SOA and not generic:
            if found is None:
                found = tokens.read_entry(self.lines, line - 1).tokens
            if len(args) > SERIAL_WORD:
                self._place_serial(found[start + SERIAL_WORD])
            return read_soa(args, self.names)
        if found is None:
            text = b" ".join(args).decode("utf-8", "replace")
        else:
            text = tokens.as_text(found[start:])
        if not quoted and not text.isascii():
            raise RdataError("characters outside ASCII", remedy="write names as A-labels (xn--…)")
        return read_any(rtype, text, self.origin)

    def _place_serial(self, serial: Token) -> None:
        """Keeps where the first SOA's serial stands, good or not."""
        records = self.records
        if serial.raw.isdigit() and serial.raw.isascii() and records.serial_span is None:
            before = sum(map(len, self.lines[: serial.line - 1])) + serial.line - 1
            begin = self.skipped + before + serial.column - 1 + serial.quoted
            records.serial_span = (self.path, begin, begin + len(serial.raw))
            records.serial_place = (self.path, serial.line, serial.column)

    def _implied_ttl(self, rtype: int, rdata: bytes, start: int) -> int:
        state = self.state
        if state.default_ttl is not None:
            return state.default_ttl
        if state.last_ttl is not None:
            return state.last_ttl
        if rtype != rd.SOA:
            raise RecordError("no-ttl", "no TTL is known here", start - 1, "put $TTL before it")
        state.default_ttl = min(soa_timers(rdata)[3], MAX_TTL)
        return state.default_ttl

    def _misplaced(self, line: int, column: int, is_soa: bool) -> None:
        """A record whose owner cannot have it here: left out, and said."""
        records = self.records
        zone = records.zone_text
        if not is_soa:
            if self.outside:
                message = f"'{self.outside}' lies outside the zone {zone} and is left out"
                self.report("out-of-zone", line, column, message, "move it to its own zone's file")
            return
        records.soa_seen = True
        remedy = "rename the file, or say its origin under [origins] in the policy"
        if self.origin_place is not None and self.prefix != b"":
            origin = names.to_text(self.origin)
            message = f"$ORIGIN {origin} and the SOA under it are not of the zone {zone}"
            self.report("origin-mismatch", *self.origin_place, message, remedy)
            return
        message = f"the SOA is not at the top of the zone, {zone}"
        self.report("soa-not-at-apex", line, column, message, remedy)


def read_file(
    state: State, path: str, content: bytes, origin: bytes, parent: FileReader | None = None
) -> None:
    """Reads one file of a zone, and those it includes, under `origin`; `parent` includes it."""
    check_text(state.records, path, content)
    state.open_files.append(path)
    FileReader(state, path, content, origin, parent).read()
    state.open_files.pop()
