"""What all tests share: other people's data, a git that nobody has configured, and for those that
run agents a repository, a key and a factory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from agents import Agent, Secret, Zones
from hypothesis import settings

# The suite has to end in minutes; `make fuzz` goes on where it ends.
settings.register_profile("suite", max_examples=50)
settings.load_profile("suite")

PROJECT = Path(__file__).resolve().parent.parent

GIT_CONFIG = """\
[user]
    name = Test
    email = test@example.com
[init]
    defaultBranch = main
"""


@pytest.fixture(scope="session")
def project() -> Path:
    """The top of the project's own tree."""
    return PROJECT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The directory of third-party data beside the project, never copied into it."""
    found = PROJECT.parent / "shared" / "data"
    if not found.is_dir():
        pytest.skip("no third-party data in ../shared/data")
    return found


@pytest.fixture(scope="session", autouse=True)
def _plain_git(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Neither the developer's configuration of git nor a hook's environment reaches a test."""
    home = tmp_path_factory.mktemp("home")
    (home / ".gitconfig").write_text(GIT_CONFIG)
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith("GIT_"):
                patch.delenv(name)
        patch.delenv("XDG_CONFIG_HOME", raising=False)
        patch.delenv("XDG_CACHE_HOME", raising=False)
        patch.setenv("HOME", str(home))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        yield


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
