"""The helpers of the answer tests serve these as well."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "answers")]

from pairs import Pair  # noqa: E402 - which lies there


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path).make("first")
