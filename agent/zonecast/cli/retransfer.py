"""`zonecast retransfer`: fetch a zone whole, whatever its serial."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import ask_control, config_option


@click.command()
@click.argument("zone")
@config_option
def command(zone: str, config_path: Path) -> None:
    """Fetch ZONE whole (AXFR) from its primaries and serve it even where its serial is lower:
    the way out after a primary's serial went backwards."""
    reply = ask_control(config_path, {"command": "retransfer", "zone": zone})
    click.echo(reply["said"])
