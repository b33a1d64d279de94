"""What goes from line to line while a zone file is read: origin, owner and TTL (RFC 1035 §5.1).

Where the standards leave room it is as in BIND: an included file starts with the owner before it;
`$TTL` in it stays in force after it, `$ORIGIN` and the owner do not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from zonecast.errors import BadNameError
from zonecast.zone import names
from zonecast.zone.zonefile import tokens
from zonecast.zone.zonefile.lines import Lines
from zonecast.zone.zonefile.rdata import Names, read_ttl, show, wire_name
from zonecast.zone.zonefile.records import BOM, RecordError, Records
from zonecast.zone.zonefile.tokens import Token

Include = Callable[[str, str], tuple[str, bytes]]

MAX_TTL = (1 << 31) - 1


class Answer(Protocol):
    """What another process makes of a part of a file."""

    def wait(self) -> Iterable[bytes]:
        """What `zonefile.part.read_part` gives, as it comes; no more where it raises, or the
        process dies."""

    def drop(self) -> None:
        """Nobody asks any more."""


class Helpers(Protocol):
    """Processes that read parts of files: `count` at once, of files of `least` octets."""

    @property
    def count(self) -> int: ...

    @property
    def least(self) -> int: ...

    def start(self, task: bytes) -> Answer:
        """Has `zonefile.part.read_part` called with the packed task."""


class Part(NamedTuple):
    """A part that another process reads: up to the line with index `after`, under an origin and
    default TTL that still have to prove right."""

    after: int
    origin: bytes
    default_ttl: int | None
    answer: Answer


class OwnerState(NamedTuple):
    """What a file's context knows of the last owner; its fields are told there."""

    owner: bytes | None
    has_owner: bool
    outside: str
    node: bytes
    owner_word: bytes


class State:
    """What carries over from file to file while one zone is read."""

    def __init__(
        self, records: Records, include: Include | None, helpers: Helpers | None = None
    ) -> None:
        self.records = records
        self.include = include
        self.helpers = helpers
        self.default_ttl: int | None = None
        self.last_ttl: int | None = None
        self.open_files: list[str] = []
        self.includes = 0


class FileContext:
    """One file of a zone, and what its next line is read under. An included file gets a context
    of its own, which starts with the owner of its `parent`: RFC 1035 §5.1 inserts the file where
    the $INCLUDE stands."""

    def __init__(
        self,
        state: State,
        path: str,
        content: bytes,
        origin: bytes,
        parent: FileContext | None = None,
    ) -> None:
        self.state = state
        self.records = state.records
        self.path = path
        self.number = self.records.file_number(path)
        self.skipped = len(BOM) if content.startswith(BOM) else 0
        self.lines = Lines(content, self.skipped)
        # Lines of the file that stand before `lines`, where those are a part of it.
        self.before = 0
        # None before the first owner and after one that is wrong or outside the zone, which
        # `outside` then names for the message.
        self.owner: bytes | None = None if parent is None else parent.owner
        self.has_owner: bool = parent is not None and parent.has_owner
        self.outside: str = "" if parent is None else parent.outside
        # The owner's node key; the word that wrote the owner, which lines often repeat.
        self.node: bytes = b"" if parent is None else parent.node
        self.owner_word = b""
        self.origin_place: tuple[int, int] | None = None
        self.set_origin(origin)

    def set_origin(self, origin: bytes) -> None:
        """The origin that relative names are under from here on."""
        self.origin = origin
        self.prefix = names.relative(origin, self.records.origin)
        self.prefix_node = names.node_key(self.prefix or b"")
        self.names = Names(origin)
        self.owner_word = b""

    def read_owner(self, words: Sequence[bytes]) -> None:
        """Sets the owner that words[0] writes, relative to the zone's origin; None where it lies
        outside. Raises RecordError."""
        word = words[0]
        self.owner_word = b""
        self.has_owner = True
        self.owner = None
        self.outside = ""
        name = self.read_name(words, 0)
        if word[-1:] == b"." or self.prefix is None:
            self.owner = names.relative(name, self.records.origin)
            self.outside = show(word)
        else:
            self.owner = name[: len(name) - len(self.records.origin)]
        self.node = names.node_key(self.owner or b"")
        self.owner_word = word

    def owner_state(self) -> OwnerState:
        """The owner that a record without one of its own has here."""
        return OwnerState(self.owner, self.has_owner, self.outside, self.node, self.owner_word)

    def set_owner_state(self, state: OwnerState) -> None:
        """Goes back to the owner that `owner_state` gave."""
        self.owner, self.has_owner, self.outside, self.node, self.owner_word = state

    def read_name(self, words: Sequence[bytes], index: int) -> bytes:
        """The absolute name that words[index] writes. Raises RecordError."""
        try:
            return wire_name(words[index], self.origin)
        except BadNameError as error:
            raise RecordError("bad-name", error.message, index, error.remedy) from None

    def read_ttl(self, words: Sequence[bytes], index: int, found: Sequence[Token]) -> int:
        """The TTL in seconds that words[index] writes; `found` are the words' tokens. One that is
        too large is reported and 0 (RFC 2181 §8). Raises RecordError."""
        ttl = read_ttl(words[index])
        if ttl is None or ttl >= 1 << 32:
            raise RecordError(
                "syntax",
                f"'{show(words[index])}' is no TTL",
                index,
                "write seconds, or units such as 1h30m",
            )
        return self.usable_ttl(ttl, found[index])

    def usable_ttl(self, ttl: int, written: Token) -> int:
        """The TTL, 0 in place of one that is too large, which is reported (RFC 2181 §8)."""
        if ttl <= MAX_TTL:
            return ttl
        message = f"TTL {ttl} is over {MAX_TTL} and counts as 0"
        self.report("ttl-too-large", written.line, written.column, message, "write a smaller one")
        return 0

    def report(self, kind: str, line: int, column: int, message: str, remedy: str = "") -> None:
        """A finding at a place of this file; `column` counts octets."""
        before = self.lines[line - 1][: column - 1] if line <= len(self.lines) else b""
        place = len(before.decode("utf-8", "replace")) + 1
        self.records.report(kind, self.path, line, place, message, remedy)

    def report_problem(self, problem: RecordError, found: Sequence[Token], line: int) -> None:
        """A finding at the token at fault of the entry that starts at `line`."""
        if problem.index < len(found):
            line, column = found[problem.index].line, found[problem.index].column
        elif found:
            line, column = found[-1].line, found[-1].end
        else:
            column = 1
        self.report(problem.kind, line, column, str(problem), problem.remedy)

    def tokens_at(self, line: int) -> Sequence[Token]:
        """The tokens of the entry that starts at `line`, counted from 1."""
        return tokens.read_entry(self.lines, line - 1).tokens
