"""Options from TOML tables: one dataclass field is the option, its default, its check and its text.

A field named `poll_interval` is the key `poll-interval`. Its metadata says how a TOML value
becomes the field's value (`read`) and what it means (`doc`). Unknown keys are errors.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, Field, dataclass, field, fields
from typing import Any, TypeVar

from zonecast.errors import ConfigError, ZonecastError

T = TypeVar("T")
Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Document:
    """Where a table comes from, for error messages: a path and the keys that lead to it."""

    path: str
    table: str = ""

    def below(self, key: str) -> Document:
        """The place of a table under this one."""
        return Document(self.path, f"{self.table}.{key}" if self.table else key)

    def error(self, message: str, remedy: str = "") -> ConfigError:
        """A ConfigError for this place."""
        where = f"{self.path}: [{self.table}]" if self.table else self.path
        return ConfigError(message, where=where, remedy=remedy)


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
                f"unknown key '{key}'", remedy=f"the keys here are: {', '.join(sorted(known))}"
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
    except ConfigError as error:
        raise document.below(key).error(error.message, error.remedy) from None
    except (ValueError, ZonecastError) as error:
        raise document.error(f"'{key}': {error}", remedy=option_field.metadata["doc"]) from None


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
        return tuple(read_one(item) for item in value)

    return read


def table_of(cls: type[Any]) -> Read:
    """A table that is the dataclass `cls`."""

    def read(value: Any) -> Any:
        return read_table(cls, value, Document(""))

    return read


def duration(value: Any) -> float:
    """Seconds, as a number or as text such as "90s", "5m", "1h30m", "2d"."""
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return float(value)
    if isinstance(value, str):
        total, digits = 0.0, ""
        for char in value:
            if char.isdigit():
                digits += char
            elif digits and char in _UNITS:
                total += int(digits) * _UNITS[char]
                digits = ""
            else:
                break
        else:
            if total and not digits:
                return total
    raise ValueError('expected seconds, or text such as "90s", "5m" or "1h30m"')


_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
