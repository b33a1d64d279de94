"""Where the keys of a TOML document stand, for messages about values that TOML itself allows.

A TOML parser says where a document is no TOML, and nothing of where a key of a valid one stands.
This reads no values: it walks over a document that was parsed before and notes the places of its
keys (TOML 1.0, and the line breaks in inline tables of 1.1).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from typing import NamedTuple

import tomli

# The keys and list indices that lead to a value.
Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_BETWEEN = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# Numbers, dates, true and false; a date and its time may have a space between them.
_SCALAR = re.compile(r"[^,\]}#\r\n]+")
_STRINGS = {
    '"""': re.compile(r'"""(?:[^\\]|\\.)*?"""(?!")', re.DOTALL),
    "'''": re.compile(r"'''.*?'''(?!')", re.DOTALL),
    '"': re.compile(r'"(?:[^"\\\n]|\\.)*"'),
    "'": re.compile(r"'[^'\n]*'"),
}


class Place(NamedTuple):
    """A line and a column, in characters, both from 1."""

    line: int
    column: int


class Lines:
    """The places of the keys in `text`, a TOML document; of one that is not valid, those before
    the first fault."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]
        scanner = _Scanner(text)
        try:
            scanner.document()
        except (RecursionError, IndexError, tomli.TOMLDecodeError):
            pass  # what was found until then is right
        self._offsets = scanner.found

    def place(self, path: Path) -> Place | None:
        """Where the value at `path` is given: its key, its item in a list, its table's header; of
        the nearest around it where it has no place of its own, None where none has."""
        for size in range(len(path), 0, -1):
            offset = self._offsets.get(path[:size])
            if offset is not None:
                line = bisect_right(self._starts, offset)
                return Place(line, offset - self._starts[line - 1] + 1)
        return None


class _Scanner:
    """Walks over a document once; `found` are the offsets of keys, items and headers."""

    def __init__(self, text: str) -> None:
        self.found: dict[Path, int] = {}
        self._text = text
        self._at = 0
        self._tables: dict[Path, int] = {}

    def document(self) -> None:
        table: Path = ()
        self._skip(_BETWEEN)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BETWEEN)

    def _skip(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self._text, self._at)
        if match is None:
            raise IndexError(self._at)
        self._at = match.end()
        return match[0]

    def _header(self) -> Path:
        start = self._at
        listed = self._text.startswith("[[", start)
        self._at += 2 if listed else 1
        keys = self._keys()
        self._at += 2 if listed else 1
        path: Path = ()
        for number, key in enumerate(keys, start=1):
            path += (key,)
            self.found.setdefault(path, start)
            if listed and number == len(keys):
                self._tables[path] = self._tables.get(path, 0) + 1
            if path in self._tables:
                # Of a list of tables, the last one is meant.
                path += (self._tables[path] - 1,)
                self.found.setdefault(path, start)
        return path

    def _pair(self, table: Path) -> None:
        start = self._at
        path = table
        for key in self._keys():
            path += (key,)
            self.found.setdefault(path, start)
        self._at += 1  # the equals sign
        self._skip(_BLANK)
        self._value(path)

    def _keys(self) -> list[str]:
        """A key, dotted or not, up to what follows its blanks."""
        keys = []
        while True:
            self._skip(_BLANK)
            if self._text[self._at] in "\"'":
                keys.append(str(tomli.loads(f"key = {self._string()}")["key"]))
            else:
                keys.append(self._skip(_BARE_KEY))
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _string(self) -> str:
        for quote, pattern in _STRINGS.items():
            if self._text.startswith(quote, self._at):
                return self._skip(pattern)
        raise IndexError(self._at)

    def _value(self, path: Path) -> None:
        char = self._text[self._at]
        if char in "\"'":
            self._string()
        elif char in "[{":
            self._at += 1
            self._several(path, "]" if char == "[" else "}")
        else:
            self._skip(_SCALAR)

    def _several(self, path: Path, end: str) -> None:
        """The items of a list, or the pairs of an inline table."""
        number = 0
        self._skip(_BETWEEN)
        while self._text[self._at] != end:
            if end == "}":
                self._pair(path)
            else:
                self.found.setdefault((*path, number), self._at)
                self._value((*path, number))
                number += 1
            self._skip(_BETWEEN)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_BETWEEN)
        self._at += 1
