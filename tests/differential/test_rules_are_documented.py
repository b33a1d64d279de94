"""docs/rfc-compliance.md has one row for each rule by which servers' differences are explained."""

from __future__ import annotations

import re
from pathlib import Path

from rules import CHOICES, HABITS

HEADING = "### Where other servers answer differently"


def test_rules_and_rows_are_the_same(project: Path) -> None:
    text = (project / "docs" / "rfc-compliance.md").read_text()
    section = text.split(HEADING, 1)[1].split("\n#", 1)[0]
    rows = re.findall(r"^\| `([a-z-]+)` \|", section, re.MULTILINE)
    assert rows == [rule.id for rule in (*CHOICES, *HABITS)]
