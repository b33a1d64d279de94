"""`; zonecast: ignore=ID[,ID]`: the comment that silences findings placed at its line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping

from zonecast.zone.catalogue import CATALOGUE, finding
from zonecast.zone.findings import Finding, Position

# Path and line, and the ids ignored there.
Ignored = Mapping[tuple[str, int], frozenset[str]]

_MARK = re.compile(rb";[ \t]*zonecast:[ \t]*ignore=([^\s;]*)")
# What stands before a comment: quotes closed, no other comment begun.
_BEFORE = re.compile(rb'(?:[^";\\]|\\.|"(?:[^"\\]|\\.)*")*', re.DOTALL)


def marks(path: str, content: bytes) -> Iterator[tuple[tuple[str, int], frozenset[str]]]:
    """The comments in a file. A file without any costs one search for a fixed string."""
    if b"zonecast:" not in content:
        return
    line, counted = 1, 0
    for match in _MARK.finditer(content):
        line += content.count(b"\n", counted, match.start())
        counted = match.start()
        start = content.rfind(b"\n", 0, counted) + 1
        if _BEFORE.fullmatch(content, start, counted):
            written = match[1].decode("utf-8", "replace").split(",")
            yield (path, line), frozenset(filter(None, written))


def watching(
    include: Callable[[str, str], tuple[str, bytes]], found: dict[tuple[str, int], frozenset[str]]
) -> Callable[[str, str], tuple[str, bytes]]:
    """`include`, putting the comments of every included file into `found`."""

    def watched(wanted: str, from_path: str) -> tuple[str, bytes]:
        path, content = include(wanted, from_path)
        found.update(marks(path, content))
        return path, content

    return watched


def unusable(ignored: Ignored, zone: str) -> Iterator[Finding]:
    """Comments that ignore nothing: an id that nobody knows, or one that is always an error."""
    for (path, line), kinds in ignored.items():
        for kind in sorted(kinds):
            check = CATALOGUE.get(kind)
            if check is None or check.fixed:
                why = "there is no such finding" if check is None else "it is always an error"
                message = f"'{kind}' cannot be ignored: {why}"
                remedy = "see docs/checks.md for the ids"
                yield finding("bad-ignore", Position(path, line, 1), message, remedy, zone)


def is_ignored(item: Finding, ignored: Ignored) -> bool:
    """Whether a comment at the finding's line silences it."""
    kinds = ignored.get((item.position.path, item.position.line))
    return kinds is not None and item.id in kinds and not CATALOGUE[item.id].fixed
