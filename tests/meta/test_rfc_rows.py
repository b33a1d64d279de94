"""docs/rfc-compliance.md: each row names a section and tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROW = re.compile(r"^\| (\d{3,5}(?: [^|]*)?) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)
TEST = re.compile(r"`([a-z_]+/test_[a-z0-9_]+\.py)`")


def rows(project: Path) -> list[tuple[str, str, str]]:
    return ROW.findall((project / "docs" / "rfc-compliance.md").read_text())


def test_every_row_has_tests_and_they_are_there(project: Path) -> None:
    found = rows(project)
    assert len(found) > 50
    for section, what, shown in found:
        tests = TEST.findall(shown)
        # Or another row's, for whose cases it stands; or it is said that it is not there.
        assert tests or shown.startswith("as ") or "not yet" in (what + shown).lower(), section
        for test in tests:
            assert (project / "tests" / test).is_file(), f"{section}: {test}"
