"""`zonecast refresh`: look for a newer version now."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import ask_control, config_option


@click.command()
@click.argument("zone")
@config_option
def command(zone: str, config_path: Path) -> None:
    """Ask the primaries of ZONE for a newer version now. Where ZONE comes from a repository,
    look at its branch now."""
    reply = ask_control(config_path, {"command": "refresh", "zone": zone})
    click.echo(reply["said"])
