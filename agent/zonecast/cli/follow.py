"""`zonecast follow`: let a catalog remove more members than it may at once."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import ask_control, config_option


@click.command()
@click.argument("catalog")
@config_option
def command(catalog: str, config_path: Path) -> None:
    """Follow CATALOG as it was last transferred, however many of its members that removes or
    resets: the way on where max-removal stopped what is meant."""
    reply = ask_control(config_path, {"command": "follow", "zone": catalog})
    click.echo(reply["said"])
