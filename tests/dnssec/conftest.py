"""Zones signed by others, pushed to a primary and pulled by a secondary, beside the servers that
their answers are compared with. All of it once in a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from agents import Agent, Secret, Zones, primary_config, secondary_config
from others import Served, others
from signing import MANY_ITERATIONS, SIGNERS, Signed, many_iterations


@pytest.fixture(scope="session")
def signed_zones(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Signed]:
    """The same zone from every signer, each under an origin of its own."""
    found = {}
    for name, sign in SIGNERS.items():
        found[name] = sign(tmp_path_factory.mktemp(name), f"{name}.example.")
    return found


@pytest.fixture(scope="session")
def served(
    signed_zones: dict[str, Signed], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """Everybody serves them all; our own one more."""
    directory = tmp_path_factory.mktemp("served")
    secret = Secret(directory / "xfr.key").make()
    texts = {signed.origin: signed.text for signed in signed_zones.values()}
    primary, secondary = (Agent(name, directory / name) for name in ("primary", "secondary"))
    with others(directory, texts) as ports:
        try:
            more = many_iterations(tmp_path_factory.mktemp(MANY_ITERATIONS))
            texts = {**texts, more.origin: more.text}
            repository = Zones(directory).make()
            push(repository, texts)
            primary.configure(*primary_config(repository, secret, secondary)).start()
            secondary.configure(*secondary_config(secret, primary)).start()
            for agent in (primary, secondary):
                for origin in texts:
                    agent.await_serial(origin, 1)
            ours = {agent.name: agent.port for agent in (primary, secondary)}
            yield Served({**signed_zones, MANY_ITERATIONS: more}, ours, ports)
        finally:
            primary.close()
            secondary.close()


def push(repository: Zones, texts: dict[str, str]) -> None:
    for origin, text in texts.items():
        repository.write(f"{origin}zone", text)
    repository.push("signed zones")
