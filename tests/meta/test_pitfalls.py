"""`docs/pitfalls.md`: each trap's tests exist, and each test that shows a trap is listed there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (?!trap \|)(?!---)([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
SECTIONS = {
    "Serials and git",
    "Answers",
    "AXFR, IXFR, TSIG",
    "NOTIFY, refresh, catalogs",
    "Publishing",
}
TEST = re.compile(r"`([a-z/_0-9]+\.py::test_\w+)`")


def listed() -> dict[str, list[str]]:
    """Each trap and the tests named for it."""
    text = (PROJECT / "docs" / "pitfalls.md").read_text("utf-8")
    return {match[1]: TEST.findall(match[3]) for match in ROW.finditer(text)}


def written() -> Iterator[str]:
    """The tests whose docstring says that they show a trap."""
    for file in (PROJECT / "tests").rglob("test_*.py"):
        for node in ast.parse(file.read_text("utf-8")).body:
            if (
                isinstance(node, ast.FunctionDef)
                and node.name.startswith("test_")
                and (ast.get_docstring(node) or "").startswith("Pitfall: ")
            ):
                yield f"{file.relative_to(PROJECT / 'tests')}::{node.name}"


def test_every_section_is_there() -> None:
    text = (PROJECT / "docs" / "pitfalls.md").read_text("utf-8")
    sections = {part.split("\n")[0]: len(ROW.findall(part)) for part in text.split("\n## ")[1:]}
    assert sections.keys() == SECTIONS
    assert min(sections.values()) >= 4, sections


def test_every_trap_has_tests_that_say_so() -> None:
    rows = listed()
    assert len(rows) > 50
    assert [trap for trap, tests in rows.items() if not tests] == []
    named = {test for tests in rows.values() for test in tests}
    assert named - set(written()) == set()


def test_every_test_that_shows_a_trap_is_listed() -> None:
    named = {test for tests in listed().values() for test in tests}
    assert set(written()) - named == set()
