"""The next version of a zone file, read only where it differs from the last one.

What changed is read together with everything else that the file says of the same owners, so that
the step has whole nodes: what it does not name is as it was. It holds only for a file whose last
version was read without errors; whatever makes a partial reading unsafe gives None, and the file
is read as a whole (`passages` says what that is). So is a file with errors, for their messages.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping
from operator import attrgetter
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone.changeset import Changeset, diff
from zonecast.zone.findings import errors
from zonecast.zone.rrset import RRset, Zone, node_of
from zonecast.zone.zonefile import Parsed, read_zone
from zonecast.zone.zonefile.hunks import Hunk, hunks
from zonecast.zone.zonefile.passages import Text

_SHARE = 16  # of the file's octets, the part that may differ
_ROUNDS = 4  # of finding what else belongs to what differs

_OLD_START = attrgetter("old_start")
_NOTHING = Hunk(0, 0, 0, 0)

# Octets [start, end) of a text.
Span = tuple[int, int]

# The RRsets at a node of the last version, by key.
NodeOf = Callable[[bytes], Mapping[bytes, RRset]]


class Step(NamedTuple):
    """What a new version of a zone file changes: `parsed` holds the new RRsets of the `touched`
    nodes, the apex among them, and no others. Its findings' lines count within what was read."""

    parsed: Parsed
    touched: frozenset[bytes]

    def before(self, last: NodeOf) -> Zone:
        """The same nodes of the last version, which `last` knows."""
        held = {key: rrset for node in self.touched for key, rrset in last(node).items()}
        return Zone(self.parsed.zone.origin, held)

    def changeset(self, last: NodeOf) -> Changeset:
        """The changeset between the last version and this one. Raises ChangesetError where the
        last version has no SOA."""
        return diff(self.before(last), self.parsed.zone)


def read_step(old: bytes, new: bytes, *, path: str, origin: bytes) -> Step | None:
    """The step from one version of a zone file to the next; None where the file has to be read
    as a whole."""
    differences = hunks(old, new, len(new) // _SHARE)
    after = None if differences is None else Text.of(new, origin)
    if differences is None or after is None:
        return None
    changed = [old[hunk.old_start : hunk.old_end] for hunk in differences]
    changed += [new[hunk.new_start : hunk.new_end] for hunk in differences]
    before = Text.before(old, after, changed)
    if before is None:
        return None
    found = _passages_of(before, after, differences)
    if found is None:
        return None
    touched = {b""}
    for text, passages in zip((before, after), found, strict=True):
        nodes = _nodes(text, passages, path, origin)
        if nodes is None:
            return None
        touched |= nodes
    written = _written(touched, origin)
    if written is None:
        return None
    parsed = _read(after, set(after.owned(written, origin)), path, origin)
    if errors(parsed.findings) or parsed.zone.soa is None:
        return None
    for key in [key for key in parsed.zone.rrsets if node_of(key) not in touched]:
        del parsed.zone.rrsets[key]
    return Step(parsed, frozenset(touched))


def _passages_of(
    before: Text, after: Text, differences: list[Hunk]
) -> tuple[set[Span], set[Span]] | None:
    """The passages that differ, of both texts; None where they cannot be read. A passage of one
    may go on through text that both have and that is several passages in the other, as where a
    parenthesis is left open: then these belong to it."""
    mirrored = [
        Hunk(hunk.new_start, hunk.new_end, hunk.old_start, hunk.old_end) for hunk in differences
    ]
    mine = _all_passages(before, {(hunk.old_start, hunk.old_end) for hunk in differences})
    theirs = _all_passages(after, {(hunk.new_start, hunk.new_end) for hunk in differences})
    for _ in range(_ROUNDS):
        if mine is None or theirs is None:
            return None
        old = _all_passages(before, mine | {_across(span, mirrored) for span in theirs})
        new = _all_passages(after, theirs | {_across(span, differences) for span in mine})
        if (old, new) == (mine, theirs):
            return mine, theirs
        mine, theirs = old, new
    return None


def _all_passages(text: Text, spans: set[Span]) -> set[Span] | None:
    passages: set[Span] = set()
    for start, end in spans:
        found = text.passages(start, end)
        if found is None:
            return None
        passages.update(found)
    return passages


def _across(span: Span, differences: list[Hunk]) -> Span:
    """Where the old text's span is in the new text, whole hunks included."""
    start, end = span
    hunk = _last_hunk(differences, start)
    first = hunk.new_start if hunk.old_end > start else start + hunk.new_end - hunk.old_end
    hunk = _last_hunk(differences, end)
    if hunk.old_end <= end:
        return first, end + hunk.new_end - hunk.old_end
    return first, hunk.new_end if hunk.old_start < end else hunk.new_start


def _last_hunk(differences: list[Hunk], at: int) -> Hunk:
    """The last one that does not begin behind a place of the old text."""
    number = bisect_right(differences, at, key=_OLD_START) - 1
    return differences[number] if number >= 0 else _NOTHING


def _nodes(text: Text, passages: set[Span], path: str, origin: bytes) -> set[bytes] | None:
    """The nodes whose records stand in these passages; None where they cannot be read."""
    parsed = _read(text, passages, path, origin)
    if any(found.id != "soa-missing" for found in errors(parsed.findings)):
        return None
    return set(map(node_of, parsed.zone.rrsets))


def _read(text: Text, passages: set[Span], path: str, origin: bytes) -> Parsed:
    """Passages of a text, read in its order as a zone file of their own."""
    parts = [b"$TTL %b\n" % text.ttl]
    parts += [text.octets[start:end] for start, end in sorted(passages)]
    return read_zone(b"".join(parts), path=path, origin=origin, include=None)


def _written(touched: set[bytes], origin: bytes) -> set[bytes] | None:
    """How the owners of nodes may be written, the zone's name after them left out; None where
    one takes an escape."""
    texts = {"@", names.to_text(origin.lower())}
    for node in touched - {b""}:
        texts.add(names.to_text(names.owner_of_node(node) + names.ROOT)[:-1])
    return None if any("\\" in text for text in texts) else {text.encode() for text in texts}
