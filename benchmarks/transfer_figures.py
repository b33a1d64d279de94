"""Rounds of figures as rows of a Markdown table, with ratios to Knot's in the same round."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def ratio(mine: Sequence[float], knot: Sequence[float] | None) -> str:
    """The median ratio of rounds to Knot's, and its spread; "" where Knot was not measured."""
    if knot is None or not all(knot):
        return "–"
    ratios = sorted(a / b for a, b in zip(mine, knot, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]], *after: str) -> str:
    """A section with a table and what is to be said of it."""
    lines = [f"### {title}", "", _row(head), _row(["---"] * len(head)), *map(_row, rows)]
    return "\n".join([*lines, *(["", *after] if after else [])])


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
