"""The rewritten histories and their zone versions, each made once a run."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from expected import Expected, Versions
from histories import HISTORIES, Rewritten

MakeRewritten = Callable[[str, str], Rewritten]


@pytest.fixture(scope="session")
def rewritten(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> MakeRewritten:
    """Gives a history, by name and serial mode, as a bare repository with our policy in it."""

    @cache
    def make(name: str, mode: str = "enforce") -> Rewritten:
        bundle = shared_data / "history" / f"{name}.bundle"
        return Rewritten(HISTORIES[name], bundle, tmp_path_factory.mktemp(name), mode)

    return make


@pytest.fixture(scope="session")
def versions(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Versions]:
    """Gives the zone versions of a history by name."""

    @cache
    def make(name: str) -> Versions:
        return Versions(HISTORIES[name], tmp_path_factory.mktemp("includes"))

    return make


@pytest.fixture
def expect(
    rewritten: MakeRewritten, versions: Callable[[str], Versions]
) -> Callable[[str, str], Expected]:
    """Gives what is to be expected of a replay, by name and mode, before its first commit."""
    return lambda name, mode: Expected(rewritten(name, mode), versions(name))
