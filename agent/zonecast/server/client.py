"""Asking a running agent over its Unix sockets. A git hook does it for every push, so nothing
but the standard library's plain socket is imported."""

from __future__ import annotations

import json
import socket
from contextlib import suppress
from pathlib import Path
from typing import Any

from zonecast.errors import ZonecastError

STATUS_SOCKET = "status.sock"
CONTROL_SOCKET = "control.sock"

_REPLY_LIMIT = 256 * 1024 * 1024


def request(path: Path, message: dict[str, Any], timeout: float | None = 30.0) -> dict[str, Any]:
    """Ask a running agent; its reply. `timeout` is in seconds, None waits for ever.

    Raises ZonecastError: exit code 3 where no agent answers, else what the agent said.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.settimeout(timeout)
            sock.connect(str(path))
            with suppress(BrokenPipeError):  # who closes before it heard us says why
                sock.sendall(json.dumps(message).encode() + b"\n")
            with sock.makefile("rb") as stream:
                line = stream.readline(_REPLY_LIMIT)
        if not line:
            raise ConnectionResetError("it ended before it answered")
        reply: dict[str, Any] = json.loads(line)
    except (OSError, ValueError) as error:
        raise ZonecastError(
            f"no agent answers: {error}",
            where=str(path),
            remedy="is it running, with this configuration, and may you open the socket?",
        ) from None
    if "error" in reply:
        refused = ZonecastError(reply["error"])
        refused.exit_code = int(reply.get("exit", 1))
        raise refused
    return reply
