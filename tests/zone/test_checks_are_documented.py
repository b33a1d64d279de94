"""`docs/checks.md` has every finding that the code can make, at its level, and no other."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from zonecast.zone.catalogue import CATALOGUE

PROJECT = Path(__file__).resolve().parents[2]
# What makes findings, and errors that become findings; the id is their first argument.
MAKERS = {"Finding", "finding", "report", "RecordError"}
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| ([^|]+) \|.*\|([^|]*)\|$", re.MULTILINE)


def documented() -> dict[str, tuple[str, str]]:
    text = (PROJECT / "docs" / "checks.md").read_text("utf-8")
    return {match[1]: (match[2], match[3].strip()) for match in ROW.finditer(text)}


def test_every_finding_has_a_row_with_its_level_and_standard() -> None:
    rows = documented()
    assert set(rows) == set(CATALOGUE)
    for check in CATALOGUE.values():
        level, standard = rows[check.id]
        assert level == check.level + (", fixed" if check.fixed else ""), check.id
        assert check.rfc in standard, check.id


def test_every_finding_is_made_somewhere() -> None:
    """A row for what the code cannot say would send people searching."""
    made = {text for tree in sources() for text in strings(tree)}
    # The four that targets.py puts together from "mx" or "srv" and what is wrong with the host.
    made |= {f"{p}-{k}" for p in ("mx", "srv") for k in ("is-cname", "no-address")}
    assert set(CATALOGUE) - made == set()


def test_every_finding_that_is_made_by_name_is_known() -> None:
    made = {
        node.args[0].value
        for tree in sources()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in MAKERS
        and node.args
        and isinstance(node.args[0], ast.Constant)
    }
    assert len(made) > 30
    assert made - set(CATALOGUE) == set()


def sources() -> Iterator[ast.Module]:
    for source in (PROJECT / "agent" / "zonecast").rglob("*.py"):
        if source.name != "catalogue.py":
            yield ast.parse(source.read_text("utf-8"))


def strings(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
