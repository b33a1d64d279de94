"""The two Unix sockets: `status` answers those who push, `control` obeys operators.

One JSON object a line in, one out; the file permissions decide who may speak to which. The peer's
uid of every control request is logged, and given to its handler as "uid".
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zonecast.errors import ZonecastError, remedy_for
from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET

Message = dict[str, Any]
Handler = Callable[[Message], Awaitable[Message]]

log = logging.getLogger("zonecast.control")

STATUS_MODE = 0o666
CONTROL_MODE = 0o660

_REQUEST_LIMIT = 64 * 1024
# The longest path that a Unix socket address holds, without its closing zero.
_PATH_LIMIT = 107


class ControlServer:
    """Serves both sockets from `handlers`, each request's "command" naming its handler."""

    def __init__(
        self, directory: Path, status: Mapping[str, Handler], control: Mapping[str, Handler]
    ) -> None:
        self._directory = directory
        self._handlers = {STATUS_SOCKET: status, CONTROL_SOCKET: {**status, **control}}
        self._servers: list[asyncio.Server] = []

    async def start(self) -> None:
        """Open the sockets in place of stale ones. Raises ZonecastError."""
        for name, mode in ((STATUS_SOCKET, STATUS_MODE), (CONTROL_SOCKET, CONTROL_MODE)):
            path = self._directory / name
            if len(os.fsencode(path)) > _PATH_LIMIT:
                raise ZonecastError(
                    f"the path is longer than the {_PATH_LIMIT} octets of a Unix socket address",
                    where=str(path),
                    remedy="set run-dir to a shorter directory",
                )
            try:
                self._directory.mkdir(mode=0o755, parents=True, exist_ok=True)
                path.unlink(missing_ok=True)
                server = await asyncio.start_unix_server(
                    partial(self._serve, name), path, limit=_REQUEST_LIMIT
                )
                path.chmod(mode)
            except OSError as error:
                raise ZonecastError(
                    f"the socket cannot be opened: {error.strerror}",
                    where=str(path),
                    remedy=remedy_for(error),
                ) from error
            self._servers.append(server)

    def close(self) -> None:
        """Stop listening and remove the sockets."""
        for server in self._servers:
            server.close()
        for name in self._handlers:
            (self._directory / name).unlink(missing_ok=True)

    async def _serve(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        try:
            while line := await reader.readline():
                reply = await self._answer(name, line, writer)
                writer.write(json.dumps(reply).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):
            pass  # the client went away or never spoke our language
        finally:
            writer.close()

    async def _answer(self, name: str, line: bytes, writer: asyncio.StreamWriter) -> Message:
        try:
            request = json.loads(line)
            command = request["command"]
        except (ValueError, TypeError, KeyError):
            return {"error": "expected a JSON object with a command", "exit": 2}
        handler = self._handlers[name].get(command)
        if handler is None:
            return {"error": f"no command '{command}' on this socket", "exit": 2}
        if name == CONTROL_SOCKET:
            uid = _peer_uid(writer)
            log.info("uid %d: %s", uid, line.decode("utf-8", "replace").strip())
            request["uid"] = uid
        try:
            return await handler(request)
        except ZonecastError as error:
            return {"error": str(error), "exit": error.exit_code}


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", credentials)[1])
