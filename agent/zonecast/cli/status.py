"""`zonecast status`: what is served, and who has it."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import click

from zonecast.cli.agent import ask_status, config_option, format_option
from zonecast.cli.status_view import print_report
from zonecast.errors import RejectedError, UsageError

# How much longer the command waits for the reply than the agent waits for the secondaries.
MARGIN = 10.0


@click.command()
@click.argument("zone", required=False)
@config_option
@format_option
@click.option("--wait", is_flag=True, help="Wait until every secondary has it; exit 1 if not.")
@click.option("--commit", metavar="C", help="With --wait: once this commit is published.")
@click.option(
    "--timeout",
    metavar="S",
    type=click.FloatRange(0, 86400),
    default=60.0,
    show_default=True,
    help="Seconds to wait at most.",
)
def command(
    zone: str | None,
    config_path: Path,
    output_format: str,
    wait: bool,
    commit: str | None,
    timeout: float,
) -> None:
    """Show every zone (or ZONE): serial, commit, where it comes from, what each secondary was
    last seen serving, and what is held back and why."""
    if commit and not wait:
        raise UsageError("--commit says what to wait for", remedy="add --wait")
    request: dict[str, Any] = {"command": "wait" if wait else "status", "zone": zone}
    if wait:
        request |= {"commit": commit, "timeout": timeout}
    started = time.monotonic()
    report = ask_status(config_path, request, timeout + MARGIN)
    if output_format == "json":
        click.echo(json.dumps(report, indent=2))
    else:
        print_report(report)
    if not wait:
        return
    if not report["converged"]:
        why = "a zone is held back" if report["held"] else f"not after {timeout:g} s"
        raise RejectedError(f"not every secondary has it: {why}")
    if output_format == "human":
        click.echo(f"every secondary has it ({time.monotonic() - started:.2f} s)")
