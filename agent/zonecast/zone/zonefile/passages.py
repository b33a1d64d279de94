"""A zone file's text as *passages*: the lines that one owner field governs, from the line that
has it up to the next one.

A passage can be read by itself where nothing else in the file bears on it: one `$TTL` before all
records, no `$ORIGIN` but the zone's own, no `$GENERATE`, no mention of `$INCLUDE`, no owner
written with an escape. `Text.of` refuses any other file.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Collection, Iterable, Iterator

from zonecast.zone import names
from zonecast.zone.zonefile import tokens

_MANY = 20_000  # parentheses or backslashes: a file with more is read as a whole
_LONG = 1 << 18  # octets that one entry in parentheses may take
_OWNER = re.compile(rb"\n([^\s;$()\"\\]+)")
# What may make a part of a text bear on the rest of it.
_DOUBT = re.compile(rb'[$\\]|zonecast:|\xef\xbb\xbf|(?:^|\n)[("\r]')
_GOES_ON = frozenset(b" \t;\r\n$")
_FEW = 4


class Text:
    """A zone file's octets, cut into passages. `ttl` is what its `$TTL` says."""

    def __init__(
        self, octets: bytes, ttl: bytes, spans: list[tuple[int, int]], origin: bytes
    ) -> None:
        self.octets = octets
        self.ttl = ttl
        self.origin = origin
        self._spans = spans
        self._starts = [start for start, _ in spans]

    @classmethod
    def of(cls, octets: bytes, origin: bytes) -> Text | None:
        """The text of a zone file; None where its passages cannot be read by themselves."""
        if octets.startswith(b"\xef\xbb\xbf") or b"zonecast:" in octets or _escaped_owner(octets):
            return None
        if _mentions_include(octets):
            return None
        spans = _parentheses(octets)
        ttl = _default_ttl(octets, origin)
        if spans is None or ttl is None:
            return None
        text = cls(octets, ttl, spans, origin)
        return None if text._hides_owners() else text

    @classmethod
    def before(cls, octets: bytes, after: Text, changed: Iterable[bytes]) -> Text | None:
        """The version before `after`, another one of the same file: all but `changed`, what either
        has alone, is as safe as there, and looked at no more; as `of` gives it where that is not."""
        if any(_DOUBT.search(part) for part in changed):
            text = cls.of(octets, after.origin)
            return text if text is not None and text.ttl == after.ttl else None
        spans = _parentheses(octets)
        return None if spans is None else cls(octets, after.ttl, spans, after.origin)

    def passages(self, start: int, end: int) -> list[tuple[int, int]] | None:
        """The passages that octets [start, end) are part of, `start` beginning a line; where the
        line at `start` goes on with a passage, that one too, though both be equal. None where
        they are before the first owner."""
        found = []
        at = self._beginning(start)
        while at < end or at < start:
            if self._goes_on(at):
                return None
            begin, at = at, self._end(at)
            found.append((begin, at))
        return found

    def owned(self, written: Collection[bytes], origin: bytes) -> Iterator[tuple[int, int]]:
        """The passages whose owner is one of `written`, names in lower-case text relative to the
        origin, or is written as such a name followed by it."""
        # A line's place in it is that of the line feed before it.
        lowered = b"\n" + self.octets.lower()
        ending = b"." if origin == names.ROOT else b"." + names.to_text(origin).lower().encode()
        if len(written) <= _FEW:
            found = (at for name in written for at in _beginnings(lowered, name, ending))
        else:
            wanted = {name + end for name in written for end in (b"", ending)}
            found = (match.start() for match in _OWNER.finditer(lowered) if match[1] in wanted)
        for at in found:
            if not self._inside(at):
                yield at, self._end(at)

    def _inside(self, at: int) -> bool:
        """Whether a line that starts here goes on with an entry that began before."""
        number = bisect_right(self._starts, at) - 1
        return number >= 0 and self._starts[number] < at < self._spans[number][1]

    def _hides_owners(self) -> bool:
        """Whether a line may begin with an owner that is not looked for."""
        octets = self.octets
        if octets[:1] in (b"\r", b"(", b'"') or octets.count(b"\n\r") != octets.count(b"\n\r\n"):
            return True
        for start in (b"\n(", b'\n"'):
            at = octets.find(start)
            while at >= 0:
                if not self._inside(at + 1):
                    return True
                at = octets.find(start, at + 1)
        return False

    def _goes_on(self, at: int) -> bool:
        """Whether the line that starts here begins no passage."""
        return self.octets[at] in _GOES_ON or self._inside(at)

    def _beginning(self, at: int) -> int:
        while at and (at >= len(self.octets) or self._goes_on(at)):
            at = self.octets.rfind(b"\n", 0, at - 1) + 1
        return at

    def _end(self, at: int) -> int:
        size = len(self.octets)
        while True:
            at = self.octets.find(b"\n", at) + 1
            if not at or at >= size:
                return size
            if not self._goes_on(at):
                return at


def _beginnings(lowered: bytes, name: bytes, ending: bytes) -> Iterator[int]:
    """Where lines begin with a name, with or without `ending` after it."""
    for word in (name, name + ending):
        start = b"\n" + word
        at = lowered.find(start)
        while at >= 0:
            after = lowered[at + len(start) : at + len(start) + 1]
            if not after or after in b' \t;()"\r\n':
                yield at
            at = lowered.find(start, at + 1)


def _default_ttl(octets: bytes, origin: bytes) -> bytes | None:
    """What the file's one `$TTL` says, where it comes before every record and all other
    directives say what is so without them."""
    ttl: bytes | None = None
    own = names.to_text(origin).lower().encode()
    for at in _directives(octets):
        end = octets.find(b"\n", at)
        words = octets[at : end if end >= 0 else len(octets)].split(b";")[0].split()
        kind = words[0].upper()
        if kind == b"$ORIGIN" and len(words) == 2 and words[1].lower() == own:
            continue
        if kind != b"$TTL" or len(words) != 2 or ttl is not None:
            return None
        if _OWNER.search(b"\n" + octets[:at]):
            return None
        ttl = words[1]
    return ttl


def _directives(octets: bytes) -> Iterator[int]:
    if octets.startswith(b"$"):
        yield 0
    at = octets.find(b"\n$")
    while at >= 0:
        yield at + 1
        at = octets.find(b"\n$", at + 1)


def _parentheses(octets: bytes) -> list[tuple[int, int]] | None:
    """Where the entries that have parentheses begin and end; None where there are too many. A
    line without any is an entry, so the first parenthesis is in an entry that its line begins."""
    found: list[tuple[int, int]] = []
    at = octets.find(b"(")
    while at >= 0:
        if len(found) == _MANY:
            return None
        start = octets.rfind(b"\n", 0, at) + 1
        end = _entry_end(octets, start)
        if end is None:
            return None
        found.append((start, end))
        at = octets.find(b"(", end)
    return found


def _entry_end(octets: bytes, start: int) -> int | None:
    """Where the entry that begins here ends; None where it is wrong or long."""
    for size in (512, _LONG):
        lines = octets[start : start + size].split(b"\n")
        entry = tokens.read_entry(lines, 0)
        whole = entry.next_line < len(lines) or start + size >= len(octets)
        if whole and entry.problem is None:
            return start + sum(map(len, lines[: entry.next_line])) + entry.next_line
    return None


def _mentions_include(octets: bytes) -> bool:
    """Whether a file may be included somewhere, or there are too many dollars to be sure."""
    at = octets.find(b"$")
    for _ in range(_MANY):
        if at < 0:
            return False
        if octets[at : at + 8].upper() == b"$INCLUDE":
            return True
        at = octets.find(b"$", at + 1)
    return True


def _escaped_owner(octets: bytes) -> bool:
    """Whether an owner may be written with a backslash, or there are too many to be sure."""
    at = octets.find(b"\\")
    for _ in range(_MANY):
        if at < 0:
            return False
        start = octets.rfind(b"\n", 0, at) + 1
        if len(octets[start : at + 1].split(None, 1)) == 1 and octets[start] not in b" \t;":
            return True
        following = octets.find(b"\n", at)
        at = octets.find(b"\\", following) if following >= 0 else -1
    return True
