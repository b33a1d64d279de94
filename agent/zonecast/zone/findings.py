"""Findings: what the reader, the checks and the gate have to say, as values.

The same in the hook, on the command line, in `status` and in the log: a stable id, a level, the
place, what is wrong and what to do about it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from zonecast.errors import printable

Level = Literal["error", "warning"]


class Position(NamedTuple):
    """A place in a file; `line` and `column` count from 1, 0 where there is none to name."""

    path: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        path = printable(self.path)
        if not self.line:
            return path
        return f"{path}:{self.line}:{self.column or 1}"


class Finding(NamedTuple):
    """One thing to say about a zone. `zone` is its origin in text, "" where it is not known."""

    id: str
    level: Level
    position: Position
    message: str
    remedy: str = ""
    zone: str = ""

    def __str__(self) -> str:
        text = f"{self.position}: {self.level}: {self.message} [{self.id}]"
        return printable(f"{text}; {self.remedy}" if self.remedy else text)


def errors(findings: list[Finding]) -> list[Finding]:
    """The findings that refuse a zone."""
    return [finding for finding in findings if finding.level == "error"]
