"""A repository, a key, and a factory of agents that ends them all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agents import Agent, Secret, Zones


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    """An empty bare repository and a clone, without hooks."""
    return Zones(tmp_path).make()


@pytest.fixture
def secret(tmp_path: Path) -> Secret:
    """A TSIG key."""
    return Secret(tmp_path / "xfr.key").make()


@pytest.fixture
def new_agent(tmp_path: Path) -> Iterator[Callable[[str], Agent]]:
    """Makes agents by name; they are ended with the test."""
    made: list[Agent] = []

    def make(name: str) -> Agent:
        agent = Agent(name, tmp_path / name)
        made.append(agent)
        return agent

    yield make
    for agent in made:
        agent.close()
