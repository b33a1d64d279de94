"""Master files as tokens (RFC 1035 §5.1): what stands between blanks, comments gone, quotes and
parentheses taken apart, each token with its place.

Only lines that are not plain come here; see `zonefile.plain`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, Protocol

_PIECE = re.compile(
    rb'([ \t]+)|"((?:[^"\\]|\\.)*)"|([()])|(;.*)|((?:[^ \t\r\x00"();\\]|\\.)+)', re.DOTALL
)
_BLANK, _QUOTED, _PAREN, _COMMENT, _WORD = range(1, 6)
_UNCLOSED = ("quoted string without its closing '\"'", "close the quote on this line")
_RETURN = ("carriage return within a line", "end lines in LF or CR LF; in a string write \\013")
_NULL = ("NUL octet in the text", "remove it, or write \\000")
_UNFINISHED = ("backslash at the end of the line", "remove it, or write what it escapes")
_UNREADABLE = {b'"': _UNCLOSED, b"\r": _RETURN, b"\x00": _NULL, b"\\": _UNFINISHED}
_ESCAPED = re.compile(rb"\\.", re.DOTALL)
_ESCAPE = re.compile(rb"\\([0-9]{1,3}|.)", re.DOTALL)


class Token(NamedTuple):
    """A token: `raw` as written, without the quotes around it and with its escapes; `line` and
    `column` (in octets, of the opening quote where there is one) count from 1."""

    raw: bytes
    quoted: bool
    line: int
    column: int

    @property
    def end(self) -> int:
        """The column after the token."""
        return self.column + len(self.raw) + (2 if self.quoted else 0)


class EntryError(Exception):
    """Text that is no master file, at a line and column."""

    def __init__(self, message: str, line: int, column: int, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.line = line
        self.column = column
        self.remedy = remedy


class LinesOfText(Protocol):
    """Lines by their index."""

    def __len__(self) -> int: ...
    def __getitem__(self, index: int, /) -> bytes: ...


class Entry(NamedTuple):
    """One entry of a file: its tokens, the index of the line after it, and the first thing wrong
    with it. After an error the whole entry is skipped, so that its other lines are not misread;
    one that is `unclosed` takes all that follows, for what of it is outside nobody can know."""

    tokens: list[Token]
    next_line: int
    problem: EntryError | None
    unclosed: bool = False


def read_entry(lines: LinesOfText, start: int) -> Entry:
    """The entry that begins at lines[start]: one line, or several within parentheses."""
    tokens: list[Token] = []
    opened: list[tuple[int, int]] = []
    problem: EntryError | None = None
    index = start
    while index < len(lines):
        found = _read_line(lines[index].rstrip(b"\r"), index + 1, tokens, opened)
        problem = problem or found
        index += 1
        if not opened:
            return Entry(tokens, index, problem)
    line, column = opened[0]
    if problem is None or problem.line > line:
        message = "'(' is never closed, and the rest of the file was not read"
        problem = EntryError(message, line, column, "add the ')'")
    return Entry([], index, problem, unclosed=True)


def _read_line(
    text: bytes, line: int, tokens: list[Token], opened: list[tuple[int, int]]
) -> EntryError | None:
    position = 0
    problem: EntryError | None = None
    while position < len(text):
        piece = _PIECE.match(text, position)
        if piece is None:
            message, remedy = _UNREADABLE[text[position : position + 1]]
            return problem or EntryError(message, line, position + 1, remedy)
        kind = piece.lastindex
        if kind == _QUOTED:
            tokens.append(Token(piece[_QUOTED], True, line, position + 1))
        elif kind == _WORD:
            tokens.append(Token(piece[_WORD], False, line, position + 1))
        elif piece[_PAREN] == b"(":
            opened.append((line, position + 1))
        elif piece[_PAREN] == b")":
            if opened:
                opened.pop()
            else:
                remedy = "remove it, or open the '(' before it"
                problem = problem or EntryError("')' without '('", line, position + 1, remedy)
        position = piece.end()
    return problem


def unquoted(raw: bytes) -> bytes:
    """What a quoted token writes as text that is to be read again: quotes in it are quotes."""
    return _ESCAPED.sub(lambda match: b'"' if match[0] == b'\\"' else match[0], raw)


def is_grouped(line: bytes, found: Sequence[Token]) -> bool:
    """Whether there are parentheses in the entry of these tokens, which begins on this line."""
    if found[-1].line != found[0].line:
        return True
    ends = [1, *(token.end for token in found)]
    starts = [*(token.column for token in found), len(line) + 1]
    gaps = [line[end - 1 : start - 1] for end, start in zip(ends, starts, strict=True)]
    return any(b"(" in gap.partition(b";")[0] for gap in gaps)


def as_text(tokens: Sequence[Token]) -> str:
    """Tokens put together again on one line, keeping which of them touched."""
    parts: list[bytes] = []
    before: Token | None = None
    for token in tokens:
        if before is not None and (before.line, before.end) != (token.line, token.column):
            parts.append(b" ")
        parts.append(b'"%b"' % token.raw if token.quoted else token.raw)
        before = token
    return b"".join(parts).decode("utf-8", "replace")


def unescape(raw: bytes) -> bytes:
    """The octets that a token means (RFC 1035 §5.1: \\X and \\DDD). Raises ValueError."""
    return _ESCAPE.sub(_unescaped, raw) if b"\\" in raw else raw


def _unescaped(match: re.Match[bytes]) -> bytes:
    escaped = match[1]
    if not escaped.isdigit():
        return escaped
    if len(escaped) != 3 or int(escaped) > 255:
        raise ValueError(f"bad escape '\\{escaped.decode()}'")
    return bytes((int(escaped),))
