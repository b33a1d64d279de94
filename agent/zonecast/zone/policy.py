"""The policy of a zones repository, `zonecast.toml` at its top: what is a zone, how serials rise,
how severe a finding is. Shared by the hook on a laptop and by the agent; every key is optional.

Each field is an option (see `options`): its key, its default, its check and its text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any, Literal

import tomli

from zonecast.errors import ConfigError, ZonecastError
from zonecast.options import (
    Document,
    OptionError,
    Read,
    duration,
    flag,
    number,
    one_of,
    one_or_several,
    option,
    read_table,
    several,
    table_of,
    text,
    whole,
)
from zonecast.zone import names
from zonecast.zone.catalogue import CATALOGUE
from zonecast.zone.findings import Finding, Level
from zonecast.zone.serial import Policy as SerialNumbers
from zonecast.zone.toml_lines import Lines

POLICY_FILE = "zonecast.toml"
_MAX_TTL = (1 << 31) - 1  # seconds (RFC 2181 §8)

Mode = Literal["enforce", "fix", "managed"]
Levels = Mapping[str, str]


class Table(dict[Any, Any]):
    """A table that nobody changes, so that it may be a default; hashable by identity."""

    __hash__ = object.__hash__  # type: ignore[assignment]


_NOTHING = Table()


def read_origin(value: Any) -> bytes:
    """A zone's name from text, with or without the final dot. Raises BadNameError."""
    written = text(value)
    return names.from_text(written, names.ROOT)


@dataclass(frozen=True)
class SerialPolicy:
    """[serial]"""

    mode: Mode = option(
        "who raises serials: enforce (people; the hook refuses), fix (the pre-commit hook) or "
        "managed (the agent; the file's serial is left alone)",
        one_of("enforce", "fix", "managed"),
        "fix",
    )
    policy: SerialNumbers = option(
        "what the next serial looks like: date (YYYYMMDDnn), increment or unixtime",
        one_of("increment", "date", "unixtime"),
        "date",
    )


@dataclass(frozen=True)
class Rails:
    """[rails]: what one commit may do before somebody has to say that it is meant."""

    max_delete: float = option(
        "share of a zone's records that one commit may delete; 1.0 switches this off",
        number(0.0, 1.0),
        0.3,
    )
    max_update: float = option(
        "share of a zone's records that one commit may change; 1.0 switches this off",
        number(0.0, 1.0),
        0.3,
    )
    apex_ns: bool = option("whether a change of a zone's own name servers is stopped", flag, True)
    removal: bool = option("whether the removal of a zone is stopped", flag, True)
    rewrite: bool = option(
        "whether history that lacks the last published commit is stopped", flag, True
    )


@dataclass(frozen=True)
class Floors:
    """[rails] of the agent's configuration: what no policy and no commit can loosen."""

    max_delete_at_most: float = option(
        "the greatest max-delete that a policy can set", number(0.0, 1.0), 1.0
    )
    max_update_at_most: float = option(
        "the greatest max-update that a policy can set", number(0.0, 1.0), 1.0
    )
    always: tuple[str, ...] = option(
        "rails that a policy cannot switch off: apex-ns, removal, rewrite",
        several(one_of("apex-ns", "removal", "rewrite")),
        (),
    )
    protected: tuple[bytes, ...] = option(
        "zones that no commit removes, allowed and approved or not",
        several(lambda value: read_origin(value).lower()),
        (),
    )

    def over(self, rails: Rails) -> Rails:
        """A policy's rails, as tight as the agent wants them at least."""
        return Rails(
            min(rails.max_delete, self.max_delete_at_most),
            min(rails.max_update, self.max_update_at_most),
            rails.apex_ns or "apex-ns" in self.always,
            rails.removal or "removal" in self.always,
            rails.rewrite or "rewrite" in self.always,
        )

    def table(self) -> dict[str, Any]:
        """As a table of JSON values, which `from_table` reads."""
        return {
            "max-delete-at-most": self.max_delete_at_most,
            "max-update-at-most": self.max_update_at_most,
            "always": list(self.always),
            "protected": [names.to_text(origin) for origin in self.protected],
        }

    @classmethod
    def from_table(cls, table: Mapping[str, Any]) -> Floors:
        """The inverse of `table`. Raises ConfigError."""
        return read_table(cls, dict(table), Document("rails"))


def _ttl(value: Any) -> int:
    """A TTL: a number, or text as `duration`."""
    seconds = int(duration(value)) if isinstance(value, str) else value
    return int(whole(0, _MAX_TTL)(seconds))


@dataclass(frozen=True)
class TtlRange:
    """[ttl]: what ttl-range lets pass, in seconds."""

    least: int = option('the least TTL of a record, seconds or text such as "5m"', _ttl, 60)
    most: int = option('the greatest TTL of a record, seconds or text such as "1d"', _ttl, 604800)


def _check_range(ttl: TtlRange, document: Document) -> None:
    if ttl.least > ttl.most:
        raise document.error(
            f"no TTL is from {ttl.least} to {ttl.most} seconds",
            remedy="make 'most' the greater one; without them they are 60 and 604800",
        )


def _check_id(value: str) -> str:
    if value not in CATALOGUE and not any(char in value for char in "*?["):
        near = [known for known in CATALOGUE if value.split("-")[0] in known]
        hint = f"; near it: {', '.join(near)}" if near else ""
        raise ValueError(f"there is no check '{value}'{hint}")
    return value


def _table(read_key: Read, read_value: Read) -> Read:
    def read(value: Any) -> Mapping[Any, Any]:
        found: dict[Any, Any] = {}
        spelled: dict[Any, str] = {}
        for key, item in _raw_table(value).items():
            try:
                name = read_key(key)
                found[name] = read_value(item)
            except OptionError as error:
                raise error.below(Document("").below(key)) from None
            except (ValueError, ZonecastError) as error:
                raise OptionError(f"'{key}': {error}", at=(key,)) from None
            first = spelled.setdefault(name, key)
            if first != key:
                raise OptionError(
                    f"'{key}' is '{first}' again",
                    remedy="write both as one",
                    at=(key,),
                    also=(first,),
                )
        return Table(found)

    return read


_levels = _table(_check_id, one_of("error", "warning", "off"))


def _raw_table(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ValueError("expected a table")
    return value


def _group(value: Any) -> str:
    """The value of a group property: one string of a TXT record (RFC 9432 §4.3.2)."""
    found = text(value)
    if len(found.encode()) > 255:
        raise ValueError("longer than 255 octets")
    return found


@dataclass(frozen=True)
class ZoneOverrides:
    """[zone."name"]: what differs for one zone. Kept as tables, read over the repository's."""

    group: tuple[str, ...] | None = option("groups of this zone", one_or_several(_group), None)
    catalog: bytes | None = option(
        "the catalog that lists it, where the repository has several",
        lambda value: read_origin(value).lower(),
        None,
    )
    reset: str = option(
        "any text; another one has every secondary of a catalog throw the zone away and transfer "
        "it anew",
        text,
        "",
    )
    serial: Mapping[str, Any] = option("[serial] of this zone", _raw_table, _NOTHING)
    checks: Levels = option("[checks] of this zone", _levels, _NOTHING)
    ttl: Mapping[str, Any] = option("[ttl] of this zone", _raw_table, _NOTHING)
    rails: Mapping[str, Any] = option("[rails] of this zone", _raw_table, _NOTHING)


@dataclass(frozen=True)
class ZonePolicy:
    """The policy as it applies to one zone. `levels` are asked in order; `groups`, `catalog` and
    `reset` are how it stands in a catalog (RFC 9432)."""

    serial: SerialPolicy = field(default_factory=SerialPolicy)
    rails: Rails = field(default_factory=Rails)
    levels: tuple[Levels, ...] = ()
    ttl: TtlRange = field(default_factory=TtlRange)
    groups: tuple[str, ...] = ()
    catalog: bytes | None = None
    reset: str = ""

    def level(self, kind: str) -> Level | Literal["off"]:
        """The level of findings with this id."""
        check = CATALOGUE[kind]
        if check.fixed:
            return check.level
        for levels in self.levels:
            matching = [pattern for pattern in levels if fnmatchcase(kind, pattern)]
            if matching:
                # The most specific: the id itself, else the glob with most letters of its own.
                best = max(matching, key=lambda pattern: (pattern == kind, len(pattern)))
                return levels[best]  # type: ignore[return-value]
        return check.level

    def apply(self, findings: Iterable[Finding]) -> list[Finding]:
        """The findings at this policy's levels, those that are off left out."""
        found = []
        for finding in findings:
            level = self.level(finding.id)
            if level != "off":
                found.append(finding._replace(level=level))
        return found


@dataclass(frozen=True)
class Policy:
    """The whole file."""

    include: tuple[str, ...] = option(
        "globs of the zone files, from the top of the repository",
        several(text),
        ("**/*.zone", "**/db.*"),
    )
    publish: Literal["each-zone", "all-or-nothing"] = option(
        "what a zone that is refused holds back: itself (each-zone) or the whole commit",
        one_of("each-zone", "all-or-nothing"),
        "each-zone",
    )
    serial: SerialPolicy = option("serials", table_of(SerialPolicy), SerialPolicy())
    origins: Mapping[str, bytes] = option(
        "zone file to zone name, where the file name does not say it",
        _table(text, read_origin),
        _NOTHING,
    )
    checks: Levels = option(
        "finding id, or glob of ids, to error, warning or off; the most specific wins",
        _levels,
        _NOTHING,
    )
    ttl: TtlRange = option("what ttl-range lets pass", table_of(TtlRange), TtlRange())
    rails: Rails = option("safety rails", table_of(Rails), Rails())
    group: tuple[str, ...] = option(
        "groups of the zones in a catalog (RFC 9432)", one_or_several(_group), ()
    )
    zones: Mapping[bytes, ZoneOverrides] = option(
        "any of the above for one zone",
        _table(lambda name: read_origin(name).lower(), table_of(ZoneOverrides)),
        _NOTHING,
        key="zone",
    )

    @classmethod
    def from_toml(cls, content: bytes, path: str) -> Policy:
        """The policy in a file. Raises ConfigError naming the file, the line, the key and what is
        allowed."""
        try:
            written = content.decode("utf-8")
            table = tomli.loads(written)
        except UnicodeDecodeError as error:
            line = content.count(b"\n", 0, error.start) + 1
            raise ConfigError("the file is not UTF-8", where=f"{path}:{line}") from None
        except tomli.TOMLDecodeError as error:
            where = f"{path}:{error.lineno}:{error.colno}"
            raise ConfigError(f"not TOML: {error.msg}", where=where) from None
        except RecursionError:
            raise ConfigError("nested too deeply", where=path) from None
        # Lines are counted only where something is wrong.
        document = Document(path, locate=lambda keys: Lines(written).place(keys))
        policy = read_table(cls, table, document)
        _check_range(policy.ttl, document.below("ttl"))
        for name in table.get("zone", ()):
            policy._zone(read_origin(name).lower(), document.below("zone", name))
        return policy

    def zone(self, origin: bytes) -> ZonePolicy:
        """The policy of the zone with this name."""
        return self._zone(origin.lower(), Document(POLICY_FILE))

    def _zone(self, origin: bytes, document: Document) -> ZonePolicy:
        overrides = self.zones.get(origin)
        if overrides is None:
            return ZonePolicy(self.serial, self.rails, (self.checks,), self.ttl, self.group)
        if "rewrite" in overrides.rails:
            raise document.below("rails").error(
                "'rewrite' is about the whole branch, not one zone",
                remedy="put it under [rails]",
                at=("rewrite",),
            )
        ttl = _over(self.ttl, overrides.ttl, document.below("ttl"))
        _check_range(ttl, document.below("ttl"))
        return ZonePolicy(
            _over(self.serial, overrides.serial, document.below("serial")),
            _over(self.rails, overrides.rails, document.below("rails")),
            (overrides.checks, self.checks),
            ttl,
            self.group if overrides.group is None else overrides.group,
            overrides.catalog,
            overrides.reset,
        )


def linked_policy(shown: str = POLICY_FILE) -> ConfigError:
    """The error for a symbolic link in the place of the policy. Nobody follows it, and the
    defaults would hold without a word."""
    return ConfigError(
        "a symbolic link is no policy: nobody follows it", where=shown, remedy="put the file here"
    )


def _over(base: Any, table: Mapping[str, Any], document: Document) -> Any:
    """`base` with the keys of `table` in place of its own."""
    given = read_table(type(base), dict(table), document)
    own = {key.replace("-", "_") for key in table}
    return type(base)(
        **{
            name: getattr(given if name in own else base, name)
            for name in base.__dataclass_fields__
        }
    )
