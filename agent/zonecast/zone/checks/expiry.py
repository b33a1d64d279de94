"""Signatures that are not valid now (RFC 4034 §3.1.5): the one rule whose answer changes while the
zone does not. What it needs of a zone is small and is kept; the question is asked each time."""

from __future__ import annotations

from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.findings import Finding, Position
from zonecast.zone.ignored import is_ignored
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.zonefile import Parsed

_HALF = 1 << 31


class Signed(NamedTuple):
    """RRsets that are signed for the same `spans` of time, each (inception, expiration) as in the
    RRSIGs: their number, and the first of them; `ignored` where a comment there silences the rule."""

    spans: tuple[tuple[int, int], ...]
    number: int
    first: str
    position: Position
    ignored: bool


def signed_spans(parsed: Parsed) -> tuple[Signed, ...]:
    """The spans of a zone's signatures, in the order of the file."""
    firsts: dict[tuple[tuple[int, int], ...], bytes] = {}
    counts: dict[tuple[tuple[int, int], ...], int] = {}
    for key, rrset in parsed.zone.rrsets.items():
        if rrset.rtype == rd.RRSIG:
            spans = tuple(sorted({_span(rdata) for rdata in rrset.rdatas}))
            firsts.setdefault(spans, key)
            counts[spans] = counts.get(spans, 0) + 1
    return tuple(_signed(parsed, spans, counts[spans], key) for spans, key in firsts.items())


def _span(rdata: bytes) -> tuple[int, int]:
    return int.from_bytes(rdata[12:16], "big"), int.from_bytes(rdata[8:12], "big")


def _signed(parsed: Parsed, spans: tuple[tuple[int, int], ...], count: int, key: bytes) -> Signed:
    owner = names.owner_text(parsed.zone.rrsets[key].owner, parsed.zone.origin)
    first = f"{owner} {rd.type_to_text(int.from_bytes(key[-2:], 'big'))}"
    item = _finding(first, 1, parsed.position(key), "")
    return Signed(spans, count, first, item.position, is_ignored(item, parsed.ignored))


def expired(
    signed: tuple[Signed, ...], origin: bytes, policy: ZonePolicy, now: float
) -> list[Finding]:
    """One finding for the RRsets none of whose signatures is valid at `now`, POSIX seconds."""
    clock = int(now) % (1 << 32)
    wrong = [one for one in signed if not any(_is_valid(span, clock) for span in one.spans)]
    if not wrong or wrong[0].ignored:
        return []
    count = sum(one.number for one in wrong)
    item = _finding(wrong[0].first, count, wrong[0].position, names.to_text(origin))
    return policy.apply([item])


def _is_valid(span: tuple[int, int], clock: int) -> bool:
    inception, expiration = span
    return (expiration - clock) % (1 << 32) < _HALF and (clock - inception) % (1 << 32) < _HALF


def _finding(first: str, count: int, position: Position, zone: str) -> Finding:
    more = f" ({count - 1} more)" if count > 1 else ""
    message = f"the signature over {first} is expired or not valid yet{more}"
    return finding("rrsig-expired", position, message, "sign the zone again", zone)
