"""`make fuzz`: what atheris found is run again without it, and where there is none that is said."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
from seeds import inputs
from targets import TARGETS

GUIDED = Path(__file__).with_name("guided.py")


def guided(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(GUIDED), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_finding_can_be_run_again(tmp_path: Path) -> None:
    found = tmp_path / "crash"
    found.write_bytes(inputs("reader")[0])
    assert guided("reader", "--again", str(found)).returncode == 0
    assert guided("reader", "--again", str(tmp_path / "missing")).returncode != 0


@pytest.mark.skipif(importlib.util.find_spec("atheris") is not None, reason="atheris is there")
def test_without_atheris_it_says_so_and_ends() -> None:
    done = guided("reader")
    assert done.returncode == 0
    assert "atheris is not installed" in done.stdout


def test_every_target_is_fuzzed(project: Path) -> None:
    (line,) = [
        line for line in (project / "Makefile").read_text().splitlines() if "for target in" in line
    ]
    assert set(line.partition(" in ")[2].partition(";")[0].split()) == set(TARGETS)
