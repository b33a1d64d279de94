"""A comparison as a comment on a pull request: a line in all, then each zone to be unfolded.

Forges take comments of at most 65,536 characters; what does not fit is left out and counted, the
longest zones first. Nothing in a zone or a path can leave its place: names and paths stand in
`<code>` with all but letters and digits as character references, records on lines of a code block
that begin with a mark and so cannot end it.
"""

from __future__ import annotations

from collections.abc import Sequence

from zonecast.cli.diffing.compare import Comparison, ZoneDifference
from zonecast.cli.diffing.text import heading, named, short_counts, summary, warnings
from zonecast.cli.render import clean, counted
from zonecast.errors import printable
from zonecast.zone.differences import Difference

# Octets, of which no character has less than one: some forges count these.
LIMIT = 65_536
# Kept back for the lines that say what was left out, and the newline at the end.
_RESERVE = 256
# What the files that cannot be read may take.
_WARNINGS = 8_192
# Diff blocks have a colour for a line that changed as well.
_MARKS = {"add": "+", "delete": "-", "ttl": "!", "soa": "!"}
_PLAIN = frozenset("-. /→")


def markdown(found: Comparison, stat: bool, limit: int = LIMIT) -> str:
    """The whole comment, of at most `limit` octets in UTF-8, its last newline included."""
    lines = [f"**{summary(found.zones)}**", *_warnings(found)]
    head = "\n".join(lines) + "\n"
    room = limit - _size(head) - _RESERVE
    body, left_out = (_table if stat else _folded)(found.zones, room)
    if left_out:
        body.append(
            f"\n{counted(left_out, 'zone')} left out, for a comment holds {LIMIT:,} characters: "
            "`zonecast diff` shows all of it."
        )
    return head + "".join(f"{part}\n" for part in body)


def _size(text: str) -> int:
    return len(clean(text).encode())


def code(text: str) -> str:
    """Text as code inside HTML or Markdown, whatever characters it holds."""
    kept = "".join(
        char if char.isalnum() or char in _PLAIN else _reference(char) for char in clean(text)
    )
    return f"<code>{kept}</code>"


def _reference(char: str) -> str:
    return f"&#{ord(char)};" if char.isprintable() else "·"


def _warnings(found: Comparison) -> list[str]:
    lines: list[str] = []
    told = warnings(found)
    size = 0
    for number, (path, wrong) in enumerate(told):
        line = f"\n> **Warning:** {code(path)} {wrong}."
        size += _size(line) + 1
        if size > _WARNINGS:
            more = counted(len(told) - number, "more file")
            lines.append(f"\n> **Warning:** {more} cannot be read whole: see `zonecast check`.")
            break
        lines.append(line)
    return lines


def _heading(item: ZoneDifference) -> str:
    moved = printable(f"{item.old_path} → {item.new_path}")  # as the heading has it
    said = heading(item)
    return said.removesuffix(moved) + code(moved) if said.endswith(moved) else said


def _table(found: Sequence[ZoneDifference], room: int) -> tuple[list[str], int]:
    """The zones as rows, and how many did not fit."""
    if not found:
        return [], 0
    rows = ["\n| zone | records | |\n| --- | --- | --- |"]
    room -= _size(rows[0]) + 1
    for number, item in enumerate(found):
        row = f"| {code(named(item))} | {short_counts(item.counts)} | {_heading(item)} |"
        room -= _size(row) + 1
        if room < 0:
            return rows, len(found) - number
        rows.append(row)
    return rows, 0


def _folded(found: Sequence[ZoneDifference], room: int) -> tuple[list[str], int]:
    """Each zone's block, cut where it is longer than its share, and how many zones did not fit."""
    blocks = [_Block(item) for item in found]
    shown: dict[int, str] = {}
    # The shortest first: what they do not need of their shares is for the others.
    for done, number in enumerate(sorted(range(len(blocks)), key=lambda n: blocks[n].size)):
        share = room // (len(blocks) - done)
        text = blocks[number].text(share)
        if text is not None:
            shown[number] = text
            room -= _size(text) + 1
    return [shown[number] for number in sorted(shown)], len(blocks) - len(shown)


class _Block:
    """One zone, folded."""

    def __init__(self, item: ZoneDifference) -> None:
        said = ", ".join(part for part in (short_counts(item.counts), _heading(item)) if part)
        self._head = f"\n<details><summary>{code(named(item))}: {said}</summary>\n"
        self._lines = [_line(record) for record in item.records]
        self._sizes = [_size(line) + 1 for line in self._lines]
        self.size = self._outside + sum(self._sizes)

    @property
    def _outside(self) -> int:
        """The octets around the records: the fences, the end, the words of a cut."""
        return _size(self._head) + 80

    def text(self, room: int) -> str | None:
        """The block in at most `room` octets, records left out where it must be; None where not
        even its heading has room."""
        if self._outside > room:
            return None
        left = room - self._outside
        kept = 0
        while kept < len(self._lines) and self._sizes[kept] <= left:
            left -= self._sizes[kept]
            kept += 1
        lines = [self._head]
        if kept:
            lines += ["```diff", *self._lines[:kept], "```"]
        if kept < len(self._lines):
            lines.append(f"\n{counted(len(self._lines) - kept, 'more line')} left out.")
        return "\n".join([*lines, "\n</details>"])


def _line(record: Difference) -> str:
    line = f"{_MARKS[record.kind]} {record.owner} {record}"
    return line if line.isprintable() else "".join(c if c.isprintable() else "·" for c in line)
