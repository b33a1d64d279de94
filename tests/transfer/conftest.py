from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from puller_support import PullerProcess


@pytest.fixture
def puller(tmp_path: Path) -> Iterator[PullerProcess]:
    """A real puller process over an empty store, checked to end cleanly."""
    process = PullerProcess(tmp_path / "state")
    try:
        yield process
    finally:
        process.end()
