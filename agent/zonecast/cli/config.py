"""`zonecast config check`: validate a configuration without starting anything."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import config_option
from zonecast.config import load
from zonecast.server.peers import primary_of
from zonecast.server.pulling.connecting import check_files


@click.group()
def command() -> None:
    """Look at the agent's configuration."""


@command.command()
@config_option
def check(config_path: Path) -> None:
    """Validate the configuration, secrets and files for TLS included; exit code 2 says what is
    wrong."""
    config = load(config_path)
    for key in config.key:
        key.secret()
    for primary in config.primary:
        check_files(primary_of(config, primary))
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
