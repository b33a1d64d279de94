"""Where two versions of a text differ, in whole lines, at the cost of comparing octets.

Made for a big file of which little changed: equal stretches are compared block by block, and
after a difference both texts are searched a short way for where they agree again. What it finds
is right but need not be the least, and where the texts part for longer it gives up.
"""

from __future__ import annotations

from typing import NamedTuple

_BLOCK = 1 << 16  # octets compared at once
_WINDOW = 1 << 16  # octets searched for where the texts agree again
_AGREEING = 3  # lines in a row that count as agreeing


class Hunk(NamedTuple):
    """old[old_start:old_end] became new[new_start:new_end]: whole lines, either may be empty."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def hunks(old: bytes, new: bytes, limit: int) -> list[Hunk] | None:
    """The differences in order; None where they take more than `limit` octets or are too far
    apart to be matched."""
    found: list[Hunk] = []
    at = here = 0
    while True:
        same = _common(old, at, new, here)
        at, here = at + same, here + same
        if at == len(old) and here == len(new):
            return found
        # Equal up to here, so both lines begin the same distance back.
        back = at - (old.rfind(b"\n", 0, at) + 1)
        start, begin = at - back, here - back
        ends = _agree_again(old, start, new, begin)
        if ends is None:
            return None
        at, here = ends
        found.append(Hunk(start, at, begin, here))
        limit -= at - start + here - begin
        if limit < 0:
            return None


def _common(old: bytes, at: int, new: bytes, here: int) -> int:
    """How many octets from old[at] and new[here] on are equal."""
    same = 0
    most = min(len(old) - at, len(new) - here)
    while same < most:
        one = old[at + same : at + same + _BLOCK]
        if one != new[here + same : here + same + _BLOCK]:
            return same + _prefix(one, new[here + same : here + same + len(one)])
        same += len(one)
    return most


def _prefix(one: bytes, other: bytes) -> int:
    """The length of the longest common prefix."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _agree_again(old: bytes, start: int, new: bytes, begin: int) -> tuple[int, int] | None:
    """Where, from these line starts on, the texts have the same lines again (or both end)."""
    before, old_whole = _lines(old, start)
    after, new_whole = _lines(new, begin)
    places: dict[bytes, list[int]] = {}
    for number, line in enumerate(after):
        places.setdefault(line, []).append(number)
    at = start
    for number, line in enumerate(before):
        for other in places.get(line, ())[:4]:
            count = min(_AGREEING, len(before) - number, len(after) - other)
            if before[number : number + count] == after[other : other + count]:
                return at, begin + sum(map(len, after[:other]))
        at += len(line)
    return (len(old), len(new)) if old_whole and new_whole else None


def _lines(text: bytes, start: int) -> tuple[list[bytes], bool]:
    """The whole lines of the next stretch of a text, and whether it reaches the text's end."""
    stretch = text[start : start + _WINDOW]
    whole = start + len(stretch) == len(text)
    if not whole:
        stretch = stretch[: stretch.rfind(b"\n") + 1]
    lines = [line + b"\n" for line in stretch.split(b"\n")]
    last = lines.pop()[:-1]
    return ([*lines, last] if last else lines), whole
