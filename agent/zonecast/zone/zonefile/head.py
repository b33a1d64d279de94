"""What stands before a record's rdata: [TTL] [class] type, the first two in either order
(RFC 1035 §5.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from zonecast.zone.zonefile.rdata import TYPES, is_meta, read_type, show
from zonecast.zone.zonefile.records import RecordError

_OTHER_CLASSES = frozenset((b"CH", b"CHAOS", b"HS", b"HESIOD", b"CS", b"NONE", b"ANY"))


class Head(NamedTuple):
    """Where a record's TTL is among its words (None: it has none), its type, and where its rdata
    starts."""

    ttl: int | None
    rtype: int
    rdata: int


def read_head(words: Sequence[bytes], start: int) -> Head:
    """The head of a record whose owner ends before words[start]. Raises RecordError."""
    ttl: int | None = None
    seen_class = False
    for index in range(start, len(words)):
        word = words[index]
        rtype = TYPES.get(word)
        if rtype is None:
            if ttl is None and word[:1].isdigit():
                ttl = index
                continue
            upper = word.upper()
            if upper in (b"IN", b"CLASS1") and not seen_class:
                seen_class = True
                continue
            rtype = _other_type(word, upper, index, is_last=index + 1 == len(words))
        if is_meta(rtype):
            message = f"type {show(word)} cannot be in a zone"
            raise RecordError(
                "unknown-type", message, index, "leave it out: messages alone have it"
            )
        return Head(ttl, rtype, index + 1)
    remedy = "write a type, A for example, and its data"
    raise RecordError("syntax", "expected a record type", len(words), remedy)


def _other_type(word: bytes, upper: bytes, index: int, *, is_last: bool) -> int:
    if (upper in _OTHER_CLASSES and not is_last) or upper[:5] == b"CLASS":
        message = f"class {show(upper)} in a zone of class IN"
        raise RecordError("bad-class", message, index, "write IN, or no class")
    rtype = read_type(word)
    if rtype is None:
        raise RecordError(
            "unknown-type",
            f"unknown record type '{show(word)}'",
            index,
            "an owner starts in the first column; other types are written TYPE123 \\# …",
        )
    return rtype
