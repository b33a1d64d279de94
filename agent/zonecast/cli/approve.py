"""`zonecast approve`: let a commit pass what a safety rail stopped."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.agent import ask_control, config_option


@click.command()
@click.argument("commit")
@click.option("--withdraw", is_flag=True, help="Take an approval back.")
@config_option
def command(commit: str, withdraw: bool, config_path: Path) -> None:
    """Publish what a safety rail holds back of COMMIT; of exactly that commit, named by its hash.

    A commit that is not pushed yet is named by its whole hash, and may then be pushed. It is
    kept until another commit is published after this one.
    """
    request = {"command": "approve", "commit": commit, "withdraw": withdraw}
    click.echo(ask_control(config_path, request)["said"])
