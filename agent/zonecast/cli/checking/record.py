"""What is kept of one version of a zone, and its form in the cache: JSON, which can hold nothing
but data. Octets are text of as many characters (Latin-1)."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from zonecast.zone.catalogue import CATALOGUE
from zonecast.zone.checks.expiry import Signed
from zonecast.zone.checks.zone_facts import Delegation, Target, ZoneFacts
from zonecast.zone.findings import Finding, Position
from zonecast.zone.ignored import Ignored

# What decoding a value of another shape may raise.
_WRONG = (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError)
Made = TypeVar("Made")


# The files that a zone is read from or would include, with their blobs (None: not there).
Sources = Mapping[str, "str | None"]
# What is shown of a file, by line and column.
Lines = dict[tuple[int, int], list[str]]


class Outcome(NamedTuple):
    """What was found in one version of a zone, before anything that depends on the time."""

    sources: Sources
    findings: list[Finding]
    signed: tuple[Signed, ...]


def encode_outcome(outcome: Outcome) -> bytes:
    """The outcome as octets."""
    return _encode([dict(outcome.sources), outcome.findings, outcome.signed])


def decode_outcome(octets: bytes | None) -> Outcome | None:
    """The outcome that was encoded; None for octets that are none."""
    return _decode(octets, _outcome)


def encode_facts(sources: Sources, facts: ZoneFacts) -> bytes:
    """The facts of a zone that was read from these sources, as octets."""
    return _encode(
        [
            dict(sources),
            _text(facts.origin),
            facts.whole,
            _texts(facts.present),
            _texts(facts.aliases),
            {_text(name): _texts(rdatas) for name, rdatas in facts.hosts.items()},
            {
                _text(name): [[_text(target), place] for target, place in targets]
                for name, targets in facts.pointers.items()
            },
            [_target(item) for item in facts.targets],
            None if facts.servers is None else _delegation(facts.servers),
            {_text(name): _delegation(cut) for name, cut in facts.cuts.items()},
            _texts(facts.dnames),
            {_text(name): sender for name, sender in facts.senders.items()},
            [_target(item) for item in facts.reverse],
            [[*place, sorted(kinds)] for place, kinds in facts.ignored.items()],
        ]
    )


def decode_facts(octets: bytes | None) -> tuple[Sources, ZoneFacts] | None:
    """What was encoded; None for octets that hold no facts."""
    return _decode(octets, _facts)


def encode_findings(findings: list[Finding]) -> bytes:
    """Findings as octets."""
    return _encode(findings)


def decode_findings(octets: bytes | None) -> list[Finding] | None:
    """The findings that were encoded; None for octets that are none."""
    return _decode(octets, _findings)


def encode_lines(lines: Lines) -> bytes:
    """What is shown of a file, by line and column, as octets."""
    return _encode([[line, column, shown] for (line, column), shown in lines.items()])


def decode_lines(octets: bytes | None) -> Lines:
    """The lines that were encoded; none for octets that are none."""
    return _decode(octets, _lines) or {}


def _encode(fields: list[Any]) -> bytes:
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _decode(octets: bytes | None, make: Callable[[list[Any]], Made]) -> Made | None:
    if octets is None:
        return None
    try:
        return make(json.loads(octets))
    except _WRONG:
        return None


def _outcome(fields: list[Any]) -> Outcome:
    sources, findings, signed = fields
    return Outcome(
        _sources(sources),
        _findings(findings),
        tuple(
            Signed(
                tuple((int(start), int(end)) for start, end in spans),
                int(count),
                _string(first),
                _position(place),
                bool(ignored),
            )
            for spans, count, first, place, ignored in signed
        ),
    )


def _facts(fields: list[Any]) -> tuple[Sources, ZoneFacts]:
    (sources, origin, whole, present, aliases, hosts, pointers, targets, servers, cuts, dnames, senders,
     reverse, ignored) = fields  # fmt: skip
    return _sources(sources), ZoneFacts(
        _octets(origin),
        bool(whole),
        frozenset(map(_octets, present)),
        frozenset(map(_octets, aliases)),
        {_octets(name): tuple(map(_octets, rdatas)) for name, rdatas in hosts.items()},
        {
            _octets(name): tuple((_octets(target), _position(place)) for target, place in found)
            for name, found in pointers.items()
        },
        tuple(map(_read_target, targets)),
        None if servers is None else _read_delegation(servers),
        {_octets(name): _read_delegation(cut) for name, cut in cuts.items()},
        frozenset(map(_octets, dnames)),
        {_octets(name): (_string(text), _position(at)) for name, (text, at) in senders.items()},
        tuple(map(_read_target, reverse)),
        _ignored(ignored),
    )


def _sources(fields: dict[str, Any]) -> Sources:
    return {path: None if blob is None else _string(blob) for path, blob in fields.items()}


def _findings(fields: list[Any]) -> list[Finding]:
    found = []
    for kind, level, place, message, remedy, zone in fields:
        if kind not in CATALOGUE or level not in ("error", "warning"):
            raise ValueError("no such finding")
        texts = map(_string, (message, remedy, zone))
        found.append(Finding(kind, level, _position(place), *texts))
    return found


def _lines(fields: list[Any]) -> Lines:
    return {(int(line), int(column)): list(map(_string, shown)) for line, column, shown in fields}


def _ignored(fields: list[Any]) -> Ignored:
    return {(_string(path), int(line)): frozenset(kinds) for path, line, kinds in fields}


def _target(item: Target) -> list[Any]:
    return [item.rtype, item.owner, _text(item.name), item.position]


def _read_target(fields: list[Any]) -> Target:
    rtype, owner, name, place = fields
    return Target(int(rtype), _string(owner), _octets(name), _position(place))


def _delegation(item: Delegation) -> list[Any]:
    return [_texts(item.servers), item.position]


def _read_delegation(fields: list[Any]) -> Delegation:
    servers, place = fields
    return Delegation(frozenset(map(_octets, servers)), _position(place))


def _position(fields: list[Any]) -> Position:
    path, line, column = fields
    return Position(_string(path), int(line), int(column))


def _string(value: Any) -> str:
    if type(value) is not str:
        raise TypeError("expected text")
    return value


def _text(octets: bytes) -> str:
    return octets.decode("latin-1")


def _texts(several: Any) -> list[str]:
    return [octets.decode("latin-1") for octets in several]


def _octets(text: Any) -> bytes:
    return str.encode(text, "latin-1")
