"""The master-file reader (RFC 1035 §5): entries and directives. `zonefile.read_zone` is its face.

A line without quotes, comments, parentheses or escapes is split at its blanks and done; any
other goes through `tokens`. An error is a finding and the reader goes on with the next entry.
"""

from __future__ import annotations

from zonecast.errors import ZonecastError
from zonecast.zone import tokens
from zonecast.zone.tokens import ONE_STRING, SPECIAL, Token
from zonecast.zone.zonefile_context import FileContext, State
from zonecast.zone.zonefile_entry import read_record
from zonecast.zone.zonefile_generate import GenerateError, expand
from zonecast.zone.zonefile_plain import plain_record
from zonecast.zone.zonefile_rdata import show
from zonecast.zone.zonefile_records import RecordError, check_text

MAX_INCLUDE_DEPTH = 16
MAX_INCLUDES = 1000

_BLANKS = frozenset(b" \t")
_DOLLAR = ord("$")


class FileReader(FileContext):
    """Reads one file of a zone."""

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
                    self.report_problem(problem, self.tokens_at(index + 1), index + 1)
            index += 1

    def _plain(self, words: list[bytes], blank: bool, quoted: bool, line: int) -> bool:
        """The record of a plain line, `quoted` where its last word is a quoted string. False
        leaves the line, with whatever may be wrong with it, to the long way."""
        if not blank and words[0] != self.owner_word:
            if quoted and len(words) == 1:
                return False
            self.read_owner(words)
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

    def _entry(self, index: int) -> int:
        """Reads the entry that begins at lines[index]; the index of the line after it."""
        entry = tokens.read_entry(self.lines, index)
        if entry.problem is not None:
            wrong = entry.problem
            self.report("syntax", wrong.line, wrong.column, wrong.message, wrong.remedy)
        elif entry.tokens:
            words = [token.raw for token in entry.tokens]
            first = self.lines[index][:1]
            try:
                if first == b"$":
                    self._directive(words, entry.tokens)
                else:
                    read_record(self, words, first in b" \t", entry.tokens, index + 1)
            except RecordError as problem:
                self.report_problem(problem, entry.tokens, index + 1)
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
            self.state.default_ttl = self.read_ttl(words, 1, found)
        elif directive == b"$ORIGIN":
            self.origin_place = (found[1].line, found[1].column)
            self.set_origin(self.read_name(words, 1))
        else:
            self._include(words)

    def _include(self, words: list[bytes]) -> None:
        state = self.state
        origin = self.read_name(words, 2) if len(words) == 3 else self.origin
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
                    words = [token.raw for token in made]
                    read_record(self, words, False, made, found[0].line)
                except RecordError as problem:
                    raise GenerateError(f"makes '{show(text)}': {problem}") from None
        except GenerateError as problem:
            raise RecordError("bad-generate", f"$GENERATE {problem}", problem.index) from None


def read_file(
    state: State, path: str, content: bytes, origin: bytes, parent: FileContext | None = None
) -> None:
    """Reads one file of a zone, and those it includes, under `origin`; `parent` includes it."""
    check_text(state.records, path, content)
    state.open_files.append(path)
    FileReader(state, path, content, origin, parent).read()
    state.open_files.pop()
