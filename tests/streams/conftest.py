"""The helpers of the answer tests serve these as well."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "answers")]

from pairs import Pair  # noqa: E402 - which lies there
from workers import Store  # noqa: E402 - and that there


@pytest.fixture
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """A store with the module's zone, example."""
    made = Store(tmp_path)
    made.publish(request.module.ZONE, "example.")
    yield made
    made.close()


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path).make("first")
