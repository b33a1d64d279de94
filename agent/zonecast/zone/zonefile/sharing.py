"""Big zone files, read by several processes at once.

The file is cut where blocks of lines end; other processes read the later parts under the origin
and default TTL that the directives before them seem to set, while this one reads from the top.
Where it comes to a cut it knows better: a part is taken only if reading arrived exactly there,
under the origin and TTL that were supposed, and if nothing in the part asked for a finding.
Any other part it reads itself. What is read is so the same in every case, findings included.
"""

from __future__ import annotations

import re
from itertools import pairwise

from zonecast.errors import BadNameError
from zonecast.zone.zonefile.context import FileContext, Part
from zonecast.zone.zonefile.packed import End, Piece, Task
from zonecast.zone.zonefile.rdata import read_ttl, wire_name

# What this process reads of the file, as a multiple of what each other one does: they have to
# start first, and to pack what they read.
_OWN_PART = 1.2

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
        task = Task(lines.content[start:end], first, file.records.origin, origin, ttl)
        parts[first] = Part(after, origin, ttl, helpers.start(task.pack()))
    return parts


def _cuts(file: FileContext, count: int, octet: int) -> list[tuple[int, int]]:
    """Octet and index of the first line of each part, and of the file's end at last."""
    content = file.lines.content
    size = (len(content) - octet) / (count + _OWN_PART)
    found: list[tuple[int, int]] = []
    wanted = octet + size * _OWN_PART
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


def take(file: FileContext, part: Part) -> bool:
    """Takes what another process read, if reading came to the start of the part as was supposed:
    its records, and the context at its end."""
    state = file.state
    if (file.origin, state.default_ttl) != (part.origin, part.default_ttl):
        return False
    ended = None
    for octets in part.answer.wait():
        if ended is not None:
            file.records.take(Piece.unpack(ended))
        ended = octets
    if ended is None:
        return False
    end = End.unpack(ended)
    if end.origin != file.origin:
        file.set_origin(end.origin)
    file.origin_place = end.origin_place or file.origin_place
    state.default_ttl = end.default_ttl
    if end.last_ttl is not None:
        state.last_ttl = end.last_ttl
    # The owner stays: the line that follows, if there is one, has an owner of its own.
    return True
