"""The master-file reader (RFC 1035 §5): entries and directives. `zonefile.read_zone` is its face.

Plain lines are read a block at a time (`zonefile.plain`); any other goes through `tokens`. An
error is a finding and the reader goes on with the next entry.
"""

from __future__ import annotations

from zonecast.errors import ZonecastError
from zonecast.zone.zonefile import tokens
from zonecast.zone.zonefile.context import FileContext, Part, State
from zonecast.zone.zonefile.entry import read_record
from zonecast.zone.zonefile.forms import check_bare
from zonecast.zone.zonefile.generate import GenerateError, expand
from zonecast.zone.zonefile.head import read_head
from zonecast.zone.zonefile.plain import Plains, read_rows, rows
from zonecast.zone.zonefile.rdata import BAD_ESCAPE, TOO_MUCH, show
from zonecast.zone.zonefile.records import RecordError, check_text
from zonecast.zone.zonefile.sharing import share, take
from zonecast.zone.zonefile.tokens import Token

MAX_INCLUDE_DEPTH = 16
MAX_INCLUDES = 1000
# The words they have at the least and at the most, and what the second one is.
_DIRECTIVES = {
    b"$ORIGIN": (2, 2, "a name"),
    b"$TTL": (2, 2, "a TTL, 1h for example,"),
    b"$INCLUDE": (2, 3, "a file's path"),
}


class FileReader(FileContext):
    """Reads one file of a zone."""

    def __init__(
        self,
        state: State,
        path: str,
        content: bytes,
        origin: bytes,
        parent: FileContext | None = None,
    ) -> None:
        super().__init__(state, path, content, origin, parent)
        self.parts: dict[int, Part] = {}
        self.shared = False

    def read(self) -> None:
        """Reads to the end; every error becomes a finding."""
        try:
            self._read_blocks()
        finally:
            for part in self.parts.values():
                part.answer.drop()

    def after_block(self, end: int, index: int) -> None:
        """What is done when reading comes to the `end` of a block, with the line at `index` as the
        next: after the first one it is time to share the others."""
        if not self.shared:
            self.shared = True
            self.parts = share(self, end)

    def _read_blocks(self) -> None:
        """Reads block after block, but for the parts that others read."""
        plain = Plains()
        index = 0
        for start, end, first, after in self.lines.blocks():
            part = self.parts.get(first)
            if index == first and part is not None:
                index = take(self, part, first)
            if index >= after:
                continue
            if index > first:
                start = self.lines.octet(index)
            found = rows(self.lines.content, start, end)
            while (line := read_rows(self, plain, found, index + 1)) is not None:
                index = self._entry(line - 1)
                for _ in range(index - line):
                    next(found, None)
            # Every line but the file's last ends in a line feed and was a row.
            index = max(index, after if end < len(self.lines.content) else after - 1)
            self.after_block(end, index)
        while index < len(self.lines):
            index = self._entry(index)

    def _entry(self, index: int) -> int:
        """Reads the entry that begins at lines[index]; the index of the line after it."""
        entry = tokens.read_entry(self.lines, index)
        if entry.problem is not None:
            wrong = entry.problem
            self.records.soa_seen |= entry.unclosed  # it may be in what is not read
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
        allowed = _DIRECTIVES.get(directive)
        if allowed is None:
            raise RecordError(
                "syntax",
                f"unknown directive '{show(words[0])}'",
                remedy="$ORIGIN, $TTL, $INCLUDE and $GENERATE are known",
            )
        least, most, value = allowed
        if len(words) < least:
            message = f"{directive.decode()} without its value"
            raise RecordError("syntax", message, least - 1, f"write {value} after it")
        if len(words) > most:
            message = f"'{show(words[most])}' after the end of the directive"
            raise RecordError("syntax", message, most, TOO_MUCH)
        check_bare(found, 2 if directive == b"$INCLUDE" else 1, most)
        if directive == b"$TTL":
            self.state.default_ttl = self.read_ttl(words, 1, found)
        elif directive == b"$ORIGIN":
            self.origin_place = (self.before + found[1].line, found[1].column)
            self.set_origin(self.read_name(words, 1))
        else:
            self._include(words)

    def _include(self, words: list[bytes]) -> None:
        state = self.state
        origin = self.read_name(words, 2) if len(words) == 3 else self.origin
        state.includes += 1
        try:
            if state.include is None:
                raise ZonecastError(
                    "there is no repository to include files from",
                    remedy="put the file's records here",
                )
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
            remedy = error.remedy if isinstance(error, ZonecastError) else BAD_ESCAPE
            message = error.message if isinstance(error, ZonecastError) else str(error)
            raise RecordError("include-failed", message, 1, remedy) from None
        read_file(state, path, content, origin, self)

    def _generate(self, found: list[Token]) -> None:
        # A blank owner after the line is the one written before it, not the last that was made.
        owner = self.owner_state()
        try:
            self._check_generate(found)
            words = [token.raw for token in found]
            if found[-1].quoted:
                words[-1] = tokens.unquoted(words[-1])
            for text in expand(words, self.records.take_generated):
                entry = tokens.read_entry([text], 0)
                if entry.problem is not None:
                    message = f"makes '{show(text)}': {entry.problem.message}"
                    raise GenerateError(message, entry.problem.remedy)
                made = [token._replace(line=found[0].line) for token in entry.tokens]
                try:
                    words = [token.raw for token in made]
                    read_record(self, words, False, made, found[0].line)
                except RecordError as problem:
                    message = f"makes '{show(text)}': {problem}"
                    raise GenerateError(message, problem.remedy) from None
        except GenerateError as problem:
            message = f"$GENERATE {problem}"
            raise RecordError("bad-generate", message, problem.index, problem.remedy) from None
        finally:
            self.set_owner_state(owner)

    def _check_generate(self, found: list[Token]) -> None:
        """What BIND does not take: rdata of several words outside quotes, and parentheses."""
        if tokens.is_grouped(self.lines[found[0].line - 1], found):
            raise GenerateError("with parentheses", "write it on one line, without them", 1)
        if len(found) < 5:
            return  # which `expand` refuses
        check_bare(found, 1, len(found) - 1)
        head = read_head([token.raw for token in found], 3)
        if head.rdata < len(found) - 1:
            remedy = 'put the rdata in quotes, as in MX "10 mail$"'
            raise GenerateError("has rdata of several words", remedy, head.rdata + 1)


def read_file(
    state: State, path: str, content: bytes, origin: bytes, parent: FileContext | None = None
) -> None:
    """Reads one file of a zone, and those it includes, under `origin`; `parent` includes it."""
    state.open_files.append(path)
    reader = FileReader(state, path, content, origin, parent)
    if check_text(state.records, path, reader.lines):
        reader.read()
    state.open_files.pop()
