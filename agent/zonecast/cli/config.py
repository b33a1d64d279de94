"""`zonecast config check`: validate a configuration without starting anything."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import config_option
from zonecast.config import load


@click.group()
def command() -> None:
    """Look at the agent's configuration."""


@command.command()
@config_option
def check(config_path: Path) -> None:
    """Validate the configuration, secrets included; exit code 2 says what is wrong."""
    config = load(config_path)
    for key in config.key:
        key.secret()
    counted = [
        (len(config.repository), "repository", "repositories"),
        (
            len(config.zone) + len(config.catalog),
            "zone or catalog pulled",
            "zones or catalogs pulled",
        ),
        (len(config.secondary), "secondary", "secondaries"),
        (len(config.key), "key", "keys"),
    ]
    summary = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counted)
    click.echo(f"{config_path}: fine: {summary}")
