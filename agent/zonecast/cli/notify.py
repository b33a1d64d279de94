"""`zonecast notify`: NOTIFY by hand."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import ask_control, config_option


@click.command()
@click.argument("zone")
@config_option
def command(zone: str, config_path: Path) -> None:
    """Tell the secondaries of ZONE about it now, also those that have it already."""
    reply = ask_control(config_path, {"command": "notify", "zone": zone})
    told = ", ".join(reply["secondaries"]) or "nobody: no [[secondary]] is configured"
    click.echo(f"{reply['zone']} serial {reply['serial']}: NOTIFY to {told}")
