"""What the commands that speak to a running agent share: where it is, and its answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from zonecast.config import DEFAULT_PATH, load
from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET, request

config_option = click.option(
    "--config",
    "config_path",
    type=click.Path(path_type=Path),
    default=DEFAULT_PATH,
    show_default=True,
    envvar="ZONECAST_CONFIG",
    help="The agent's configuration.",
)
format_option = click.option(
    "--format",
    "output_format",
    type=click.Choice(["human", "json"]),
    default="human",
    show_default=True,
    help="For people or for programs.",
)


def ask_status(
    config_path: Path, message: dict[str, Any], timeout: float | None = 30.0
) -> dict[str, Any]:
    """Ask the agent of that configuration on its status socket."""
    return request(load(config_path).sockets / STATUS_SOCKET, message, timeout)


def ask_control(config_path: Path, message: dict[str, Any]) -> dict[str, Any]:
    """Tell the agent of that configuration on its control socket."""
    return request(load(config_path).sockets / CONTROL_SOCKET, message)
