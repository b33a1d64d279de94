"""Findings for people and for programs; the same from every command."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import click

from zonecast.errors import printable
from zonecast.zone.findings import Finding, Position, errors

_COLOURS = {"error": "red", "warning": "yellow"}

FORMATS = ("human", "json")

# How much of a long line is shown around the place that is meant.
_WIDTH = 100


def format_option(*more: str) -> Callable[[Any], Any]:
    """The option `--format`, the same for every listing."""
    return click.option(
        "--format",
        "output_format",
        type=click.Choice([*FORMATS, *more]),
        default="human",
        show_default=True,
        help="For a person, or for a program.",
    )


def clean(text: str) -> str:
    """Text that can be printed, whatever octets a path in it holds."""
    return text.encode("utf-8", "replace").decode("utf-8")


def say(text: str, *, err: bool = False) -> None:
    """Prints a line, coloured on a terminal only, whatever octets a path in it holds."""
    click.echo(clean(text), err=err, color=False if os.environ.get("NO_COLOR") else None)


def relocated(findings: Iterable[Finding], display: Callable[[str], str]) -> list[Finding]:
    """The findings with their paths as `display` shows them."""
    return [
        item._replace(position=item.position._replace(path=display(item.position.path)))
        for item in findings
    ]


def finding_line(item: Finding) -> str:
    """One finding as a line of text with colours."""
    level = click.style(f"{item.level}:", fg=_COLOURS[item.level], bold=True)
    remedy = f"; {item.remedy}" if item.remedy else ""
    said = printable(f"{item.message} [{item.id}]{remedy}")
    return f"{click.style(str(item.position), bold=True)}: {level} {said}"


def finding_object(item: Finding) -> dict[str, object]:
    """One finding for a program. `line` and `column` are 0 where a whole file is meant."""
    position: Position = item.position
    return {
        "id": item.id,
        "level": item.level,
        "zone": item.zone,
        "path": clean(position.path),
        "line": position.line,
        "column": position.column,
        "message": item.message,
        "remedy": item.remedy,
    }


def source_lines(position: Position, source: Callable[[str], bytes]) -> list[str]:
    """The line that a position is in, and a line with a caret below the place; none where a whole
    file is meant. `source` gives a file's octets."""
    content = source(position.path).split(b"\n") if position.line else []
    return excerpt(content, position)


def excerpt(content: Sequence[bytes], position: Position) -> list[str]:
    """The same of a file's lines. What a terminal would obey is shown as a dot."""
    if not 0 < position.line <= len(content):
        return []
    line = content[position.line - 1].removesuffix(b"\r")
    before = _printable(line[: max(position.column - 1, 0)])
    text = before + _printable(line[max(position.column - 1, 0) :])
    start = max(0, len(before) - _WIDTH // 2) if len(text) > _WIDTH else 0
    return [f"    {text[start : start + _WIDTH]}", f"    {' ' * (len(before) - start)}^"]


def _printable(octets: bytes) -> str:
    text = octets.decode("utf-8", "replace").replace("\t", " ")
    return "".join(char if char.isprintable() else "·" for char in text)


def show_findings(
    findings: Sequence[Finding],
    zones: int,
    output_format: str,
    shown: Sequence[Sequence[str]] = (),
) -> None:
    """Prints findings and how many there are of `zones` zones looked at. `shown` has for each
    finding the lines of its file that a person sees too."""
    wrong = len(errors(list(findings)))
    warned = len(findings) - wrong
    if output_format == "json":
        found = [finding_object(item) for item in findings]
        counts = {"zones": zones, "errors": wrong, "warnings": warned}
        say(json.dumps({**counts, "findings": found}, indent=2))
        return
    for number, item in enumerate(findings):
        say(finding_line(item))
        for line in shown[number] if shown else ():
            say(line)
    say(
        f"{counted(zones, 'zone')}: {counted(wrong, 'error')}, {counted(warned, 'warning')}"
        + ("" if findings else ", all fine")
    )


def counted(count: int, what: str) -> str:
    """A number and its noun."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
