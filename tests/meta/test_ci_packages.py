"""What the tests require, CI installs."""

from __future__ import annotations

from pathlib import Path

from tests.peers import PACKAGES


def test_every_required_program_is_installed_by_ci(project: Path) -> None:
    lines = (project / ".ci" / "debian-packages").read_text().splitlines()
    installed = {line for line in lines if line and not line.startswith("#")}
    assert set(PACKAGES.values()) <= installed
