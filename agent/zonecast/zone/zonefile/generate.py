"""`$GENERATE`, BIND's extension of the master file: one line that stands for many records.

    $GENERATE start-stop[/step] owner [TTL] [class] type rdata

In owner and rdata, `$` is the number, `${offset,width,base}` the number plus an offset, padded
with zeros to a width, in base d, o, x, X or as reversed nibbles (n, N); `$$` and `\\$` are a
dollar sign.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

_RANGE = re.compile(rb"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")
_PLACE = re.compile(rb"\\.|\$\$|\$(\{[^}]*\}?)?", re.DOTALL)
_MODIFIER = re.compile(rb"\{(-?[0-9]{1,9})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?\}")
_MAX_NUMBER = (1 << 31) - 1


class GenerateError(Exception):
    """A `$GENERATE` that makes no records; `index` is the token at fault."""

    def __init__(self, message: str, remedy: str, index: int = 0) -> None:
        super().__init__(message)
        self.remedy = remedy
        self.index = index


def expand(words: Sequence[bytes], take: Callable[[int], bool]) -> Iterator[bytes]:
    """The text of each record that a `$GENERATE` line stands for. `words` are the line's raw
    tokens; `take` says whether so many records are allowed. Raises GenerateError."""
    if len(words) < 5:
        remedy = "as in: $GENERATE 1-9 host$ A 192.0.2.$"
        raise GenerateError("needs a range, an owner, a type and rdata", remedy, len(words))
    match = _RANGE.fullmatch(words[1])
    if match is None:
        raise GenerateError("range is not start-stop or start-stop/step", "write 1-9, or 1-9/2", 1)
    start, stop = int(match[1]), int(match[2])
    step = int(match[3] or 1)
    if start > stop or stop > _MAX_NUMBER or not 0 < step <= _MAX_NUMBER:
        remedy = f"put the smaller number first, and none over {_MAX_NUMBER}"
        raise GenerateError("range goes backwards or is out of bounds", remedy, 1)
    numbers = range(start, stop + 1, step)
    if not take(len(numbers)):
        remedy = "make the range shorter, or write a wildcard"
        raise GenerateError(f"makes {len(numbers)} records, which is too many", remedy, 1)
    if b"SOA" in [word.upper() for word in words[3:-1]]:
        raise GenerateError("cannot make a SOA", "write the zone's one SOA by itself", 3)
    owner, middle, rdata = words[2], b" ".join(words[3:-1]), words[-1]
    for place in _PLACE.finditer(owner + b" " + rdata):
        if place[1] and not _MODIFIER.fullmatch(place[1]):
            remedy = "write numbers, and d, o, x, X, n or N as the base"
            raise GenerateError("modifier is not ${offset,width,base}", remedy, 2)
    for number in numbers:
        yield b"%b %b %b" % (_filled(owner, number), middle, _filled(rdata, number))


def _filled(text: bytes, number: int) -> bytes:
    def fill(match: re.Match[bytes]) -> bytes:
        if match[0][:1] == b"\\":
            return match[0]
        if match[0] == b"$$":
            return b"$"
        modifier = _MODIFIER.fullmatch(match[1]) if match[1] else None
        if modifier is None:
            return b"%d" % number
        value = number + int(modifier[1])
        return _written(value, int(modifier[2] or 0), (modifier[3] or b"d").decode())

    return _PLACE.sub(fill, text)


def _written(value: int, width: int, base: str) -> bytes:
    if base == "d":
        return f"{value:0{width}d}".encode()
    value %= 1 << 32  # as the unsigned number that BIND's formats print
    if base in "nN":
        return _nibbles(value, width, base)
    return f"{value:0{width}{base}}".encode()


def _nibbles(value: int, width: int, base: str) -> bytes:
    """Hexadecimal digits, the last first, with dots between; `width` counts digits and dots."""
    text = ""
    while True:
        text += f"{value & 15:{'x' if base == 'n' else 'X'}}"
        value >>= 4
        if not value and len(text) >= width:
            return text.encode()
        text += "."
        if not value and len(text) >= width:
            return text.encode()
