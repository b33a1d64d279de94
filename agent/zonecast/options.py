"""Options from TOML tables: one dataclass field is the option, its default, its check and its text.

A field named `poll_interval` is the key `poll-interval`. Its metadata says how a TOML value
becomes the field's value (`read`) and what it means (`doc`). Unknown keys are errors. An error
names the line of the key, where the document knows its lines.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from zonecast.errors import ConfigError, ZonecastError

T = TypeVar("T")
Read = Callable[[Any], Any]
# The keys and list indices that lead to a table or a value.
Keys = tuple[str | int, ...]
# The line and column, from 1, of what some keys lead to.
Locate = Callable[[Keys], tuple[int, int] | None]

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


class OptionError(ConfigError):
    """What is wrong in the table at `keys`, or at `at` in it; `also` is another place there that
    has to do with it."""

    def __init__(
        self,
        message: str,
        *,
        where: str = "",
        remedy: str = "",
        keys: Keys = (),
        at: Keys = (),
        also: Keys = (),
    ) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.keys = keys
        self.at = at
        self.also = also

    def below(self, document: Document, remedy: str = "") -> OptionError:
        """The same where its table is found to be under that of `document`; `remedy` is for an
        error that has none."""
        inner = document.below(*self.keys)
        return inner.error(self.message, self.remedy or remedy, at=self.at, also=self.also)


@dataclass(frozen=True)
class Document:
    """Where a table comes from, for error messages: a path, the keys that lead to it, and what
    knows the lines of keys."""

    path: str
    keys: Keys = ()
    locate: Locate | None = None

    def below(self, *keys: str | int) -> Document:
        """The place of a table under this one."""
        return Document(self.path, self.keys + keys, self.locate)

    def error(
        self, message: str, remedy: str = "", *, at: Keys = (), also: Keys = ()
    ) -> OptionError:
        """An error in this table, or at the keys `at` in it; the line of `also` is added to its
        message."""
        where = self.path + "".join(f":{number}" for number in self._place(at))
        table = ".".join(_written(key) for key in self.keys if isinstance(key, str))
        if table:
            where += f": [{table}]"
        other = self._place(also) if also else ()
        if other:
            message, also = f"{message} (line {other[0]})", ()
        return OptionError(message, where=where, remedy=remedy, keys=self.keys, at=at, also=also)

    def _place(self, keys: Keys) -> tuple[int, ...]:
        return (self.locate((*self.keys, *keys)) if self.locate is not None else None) or ()


def _written(key: str) -> str:
    return key if _BARE_KEY.fullmatch(key) else f'"{key}"'


def option(doc: str, read: Read, default: Any = MISSING, *, key: str = "") -> Any:
    """A dataclass field that is an option; without a default it is required. `key` is its TOML
    key where that is not the field's name with dashes."""
    metadata = {"doc": doc, "read": read, "key": key}
    return field(default=default, metadata=metadata)


def key_of(option_field: Field[Any]) -> str:
    """The TOML key of a field."""
    return str(option_field.metadata["key"]) or dashed(option_field.name)


def dashed(name: str) -> str:
    """A field's name as TOML writes it."""
    return name.replace("_", "-")


def read_table(cls: type[T], table: Any, document: Document) -> T:
    """An instance of the dataclass `cls` from a TOML table. Raises ConfigError naming the file,
    the table and the key."""
    if not isinstance(table, dict):
        raise document.error("expected a table of options")
    known = {key_of(f): f for f in fields(cls) if "read" in f.metadata}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            raise document.error(
                f"unknown key '{key}'",
                remedy=f"the keys here are: {', '.join(sorted(known))}",
                at=(key,),
            )
    values = {}
    for key, option_field in known.items():
        if key in table:
            values[option_field.name] = _read(option_field, table[key], document, key)
        elif option_field.default is MISSING:
            raise document.error(f"'{key}' is missing", remedy=option_field.metadata["doc"])
    return cls(**values)


def as_table(options: Any) -> dict[str, Any]:
    """The inverse of `read_table`, where every value is as TOML has it."""
    return {key_of(f): getattr(options, f.name) for f in fields(options)}


def _read(option_field: Field[Any], value: Any, document: Document, key: str) -> Any:
    try:
        return option_field.metadata["read"](value)
    except OptionError as error:
        raise error.below(document.below(key), option_field.metadata["doc"]) from None
    except (ValueError, ZonecastError) as error:
        raise document.error(
            f"'{key}': {error}", remedy=option_field.metadata["doc"], at=(key,)
        ) from None


def text(value: Any) -> str:
    """A non-empty string."""
    if not isinstance(value, str) or not value:
        raise ValueError("expected a string")
    return value


def flag(value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise ValueError("expected true or false")
    return value


def whole(low: int, high: int) -> Read:
    """A whole number from `low` to `high`."""

    def read(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise ValueError(f"expected a whole number from {low} to {high}")
        return value

    return read


def number(low: float, high: float) -> Read:
    """A number from `low` to `high`."""

    def read(value: Any) -> float:
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not low <= value <= high
        ):
            raise ValueError(f"expected a number from {low} to {high}")
        return float(value)

    return read


def one_of(*choices: str) -> Read:
    """One of several words."""

    def read(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"expected one of {', '.join(choices)}")
        return str(value)

    return read


def several(read_one: Read) -> Read:
    """A list, each item read by `read_one`, as a tuple."""

    def read(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise ValueError("expected a list")
        found = []
        for number, item in enumerate(value):
            try:
                found.append(read_one(item))
            except OptionError as error:
                raise error.below(Document("").below(number)) from None
        return tuple(found)

    return read


def one_or_several(read_one: Read) -> Read:
    """One item or a list of different ones, as a tuple."""
    read_all = several(read_one)

    def read(value: Any) -> tuple[Any, ...]:
        found: tuple[Any, ...] = read_all(value if isinstance(value, list) else [value])
        for item in value if len(set(found)) < len(found) else ():
            if value.count(item) > 1:
                raise ValueError(f"'{item}' stands here more than once")
        return tuple(dict.fromkeys(found))

    return read


def table_of(cls: type[Any]) -> Read:
    """A table that is the dataclass `cls`."""

    def read(value: Any) -> Any:
        return read_table(cls, value, Document(""))

    return read


def duration(value: Any) -> float:
    """Seconds, as a number or as text such as "90s", "5m", "1h30m", "2d". Bounded, as every clock
    and field that it ends up in has a greatest value, and nothing is timed below a millisecond."""
    seconds = value
    if isinstance(value, str) and value and (found := _DURATION.fullmatch(value)):
        counts = (int(count or 0) for count in found.groups())
        seconds = sum(count * unit for count, unit in zip(counts, _UNITS, strict=True))
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise ValueError('expected seconds, or text such as "90s", "5m" or "1h30m"')
    if not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError("expected a time from a millisecond to ten years (3650d)")
    return float(seconds)


# Each unit once, the greater one first.
_DURATION = re.compile(r"(?:([0-9]{1,9})d)?(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9})s)?")
_UNITS = (86400, 3600, 60, 1)
_SHORTEST, _LONGEST = 0.001, 3650 * 86400
