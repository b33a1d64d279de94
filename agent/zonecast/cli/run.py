"""`zonecast run`: the agent."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import click

from zonecast.cli.agent import config_option


@click.command()
@config_option
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def command(config_path: Path, verbose: bool) -> None:
    """The agent: primary for the zones of its repositories, secondary for those it pulls. It
    runs in the foreground until SIGTERM; SIGHUP loads the configuration again."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.DEBUG if verbose else logging.INFO,
        format="%(levelname)s %(name)s: %(message)s",
    )
    from zonecast.server.controller import run

    run(config_path)
