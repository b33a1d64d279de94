"""`zonecast history`: which commit had which serial, and when."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from zonecast.cli.agent import ask_status, config_option, format_option


@click.command()
@click.argument("zone")
@config_option
@format_option
def command(zone: str, config_path: Path, output_format: str) -> None:
    """Show the published versions of ZONE, newest first: serial, commit and time."""
    reply = ask_status(config_path, {"command": "history", "zone": zone})
    if output_format == "json":
        click.echo(json.dumps(reply, indent=2))
        return
    for version in reply["versions"]:
        when = datetime.fromtimestamp(version["published"], UTC).strftime("%Y-%m-%d %H:%M:%SZ")
        commit = version["commit"][:12] or "-"
        click.echo(f"{version['serial']:>10}  {commit:<12}  {when}  {version['records']} records")
