"""What the agent that publishes this repository says it published: the hook on its server asks."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from zonecast.cli.hooks.receive import NO_SOCKET, SOCKET_KEY
from zonecast.cli.render import say
from zonecast.config import DEFAULT_RUN_DIR
from zonecast.errors import ConfigError, ZonecastError
from zonecast.repository import Repository
from zonecast.server.client import STATUS_SOCKET, request
from zonecast.server.publishing.safety import Base, base_key, read_base, read_policy
from zonecast.zone import names
from zonecast.zone.policy import Floors, Policy

# Seconds that a push waits for the agent.
TIMEOUT = 10.0


class Published(NamedTuple):
    """What the agent last published of a branch: the commit and its policy (`has_policy`: from a
    file), the bases of zones that are held. `settled` is the tip that it has published or refused,
    `approved` whether the commit asked about is, `floors` the agent's own rails. `serials` asks it
    for those that it serves of these zones, which no commit need have."""

    commit: str | None
    settled: str | None
    policy: Policy
    has_policy: bool
    bases: dict[bytes, Base]
    floors: Floors
    approved: bool
    serials: Callable[[Iterable[bytes]], dict[bytes, int]]


def ask_published(repository: Repository, branch: str, commit: str) -> Published | None:
    """What the agent says of a branch, and of the `commit` that is to be its tip.

    None, said on standard error, where no agent answers or it does not publish the branch.
    """
    socket = _socket(repository)
    if socket is None:
        return None
    message = _message(repository, branch, commit)
    try:
        reply = request(socket, message, TIMEOUT)
        if reply["publishes"]:
            return _read(reply, partial(_ask_serials, socket, message))
        why = f"the agent at {socket} does not publish '{branch}' of this repository"
        others = reply.get("branches", [])
        if others:
            why += f" but {_quoted(others)} (zonecast hook install --server --branch NAME)"
    except ConfigError as error:
        why = f"the agent at {socket} is of another version: {error}"
    except ZonecastError as error:
        why = f"{socket}: {error.message}"
    say(f"zonecast: {why}: judged after the branch's old tip", err=True)
    return None


def other_branches(repository: Repository, branch: str) -> str:
    """What to say where the agent publishes other branches of the repository and not this one, for
    which the hook is installed; "" where it does, publishes nothing of it or does not answer."""
    socket = _socket(repository)
    if socket is None:
        return ""
    try:
        reply = request(socket, _message(repository, branch, ""), TIMEOUT)
    except ZonecastError:
        return ""
    others = reply.get("branches", [])
    if reply["publishes"] or not others:
        return ""
    return (
        f"the agent at {socket} publishes {_quoted(others)}, and this hook judges pushes to "
        f"'{branch}' alone: zonecast hook install --server --branch {shlex.quote(others[0])}"
    )


def _quoted(branches: Iterable[str]) -> str:
    return ", ".join(f"'{branch}'" for branch in branches)


def _socket(repository: Repository) -> Path | None:
    """Where the agent answers; None where there is none."""
    socket = repository.config(SOCKET_KEY) or str(DEFAULT_RUN_DIR / STATUS_SOCKET)
    return None if socket == NO_SOCKET else Path(socket)


def _message(repository: Repository, branch: str, commit: str) -> dict[str, Any]:
    places = (repository.places.git_dir, repository.places.work_tree)
    return {
        "command": "publication",
        "paths": [str(place.resolve()) for place in places if place is not None],
        "branch": branch,
        "commit": commit,
    }


def _ask_serials(
    socket: Path, message: dict[str, Any], origins: Iterable[bytes]
) -> dict[bytes, int]:
    zones = [names.to_text(origin) for origin in origins]
    if not zones:
        return {}
    reply = request(socket, {**message, "zones": zones}, TIMEOUT)
    return {base_key(zone): serial for zone, serial in reply.get("serials", {}).items()}


def _read(
    reply: dict[str, Any], serials: Callable[[Iterable[bytes]], dict[bytes, int]]
) -> Published:
    return Published(
        reply["commit"],
        reply["settled"],
        read_policy(reply["policy"]),
        reply.get("has-policy", bool(reply["policy"])),
        {base_key(origin): read_base(table) for origin, table in reply["bases"].items()},
        Floors.from_table(reply["rails"]),
        reply["approved"],
        serials,
    )
