"""Big zone files, read by several processes at once.

The file is cut where blocks of lines end; other processes read the later parts under the origin
and default TTL that the directives before them seem to set, while this one reads from the top.
Where it comes to a cut it knows better: a part is taken only if reading arrived exactly there,
under the origin and TTL that were supposed, and only up to what asks for a finding.
Anything else it reads itself. What is read is so the same in every case, findings included.
"""

from __future__ import annotations

import re
from itertools import pairwise

from zonecast.errors import BadNameError
from zonecast.zone.zonefile.context import FileContext, Part
from zonecast.zone.zonefile.packed import Piece, Task
from zonecast.zone.zonefile.rdata import read_ttl, wire_name

# What this process reads of the file, as a multiple of what each other one does. They have to
# start first, and to pack what they read; taking a record from one costs two fifths of reading it.
_OWN_PART, _TAKING, _LEAST_PART = 1.3, 0.4, 0.1

# What a part's first line starts with: an owner of its own, and nothing that could go with what
# stands before.
_OWNER = re.compile(rb"[a-zA-Z0-9_*-]")


def share(file: FileContext, octet: int) -> dict[int, Part]:
    """Has parts of what follows `octet`, where the file's context is that of reading so far, read
    by others, if there are any and the file is big. The parts, by the index of their first line."""
    helpers, lines = file.state.helpers, file.lines
    if helpers is None or file.number or len(lines.content) < helpers.least:
        return {}
    cuts = _cuts(file, helpers.count, octet)
    parts: dict[int, Part] = {}
    origin, ttl = file.origin, file.state.default_ttl
    for (start, first), (end, after) in pairwise(cuts):
        origin, ttl = _context(lines.content, octet, start, origin, ttl)
        octet = start
        text = memoryview(lines.content)[start:end]
        task = Task(text, first, file.records.origin, origin, ttl)
        parts[first] = Part(after, origin, ttl, helpers.start(task.pack()))
    return parts


def _cuts(file: FileContext, count: int, octet: int) -> list[tuple[int, int]]:
    """Octet and index of the first line of each part, and of the file's end at last."""
    content = file.lines.content
    own = max(_LEAST_PART, _OWN_PART - _TAKING * count)
    size = (len(content) - octet) / (count + own)
    found: list[tuple[int, int]] = []
    wanted = octet + size * own
    for start, _, first, _ in file.lines.blocks():
        if start >= wanted and len(found) < count and _OWNER.match(content, start):
            found.append((start, first))
            wanted = max(wanted, start) + size
    return [*found, (len(content), len(file.lines))]


def _context(
    content: bytes, start: int, end: int, origin: bytes, ttl: int | None
) -> tuple[bytes, int | None]:
    """The origin and default TTL at `end`, as the lines with directives from `start` on look."""
    at = start - 1
    while (at := content.find(b"\n$", at, end) + 1) > 0:
        words = content[at : content.find(b"\n", at, end)].split()
        if len(words) > 1 and words[0].upper() == b"$TTL":
            ttl = read_ttl(words[1])
        elif len(words) > 1 and words[0].upper() == b"$ORIGIN":
            try:
                origin = wire_name(words[1], origin)
            except BadNameError:
                continue
    return origin, ttl


def take(file: FileContext, part: Part, first: int) -> int:
    """Takes what another process read of the part whose first line has this index, if reading came
    there as was supposed: the records and the context after them, piece by piece while that one
    goes on reading. The index of the line to read on with."""
    state = file.state
    if (file.origin, state.default_ttl) != (part.origin, part.default_ttl):
        return first
    index = first
    for octets in part.answer.wait():
        piece = Piece.unpack(octets)
        file.records.take(piece)
        end = piece.end
        if end.origin != file.origin:
            file.set_origin(end.origin)
        file.origin_place = end.origin_place or file.origin_place
        state.default_ttl = end.default_ttl
        if end.last_ttl is not None:
            state.last_ttl = end.last_ttl
        file.owner, file.node, file.has_owner, file.owner_word = end.owner, end.node, True, b""
        index = part.after if end.lines is None else first + end.lines
    return index
