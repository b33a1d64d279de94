"""The two Unix sockets: `status` answers those who push, `control` obeys operators.

One JSON object a line in, one out; the file permissions decide who may speak to which. The peer's
uid of every control request is logged, and given to its handler as "uid"; when a request came, on
the monotonic clock, as "asked".
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from zonecast.errors import UsageError, ZonecastError, remedy_for
from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET

Message = dict[str, Any]
Handler = Callable[[Message], Coroutine[Any, Any, Message]]
Identity = tuple[int, int] | None

log = logging.getLogger("zonecast.control")

MODES = {STATUS_SOCKET: 0o666, CONTROL_SOCKET: 0o660}

# Connections to one socket at once, and seconds for a request to arrive whole and for a reply to
# be taken: anybody on the host may open one, and descriptors are the whole agent's.
CONNECTIONS = 64
REQUEST_PATIENCE = 5.0
REPLY_PATIENCE = 30.0

_BUSY = {"error": f"{CONNECTIONS} connections are open already; try again", "exit": 3}
_REQUEST_LIMIT = 64 * 1024
# The longest path that a Unix socket address holds, without its closing zero.
_PATH_LIMIT = 107


class ControlServer:
    """Serves both sockets for as long as the process runs: each request's "command" names its
    handler among those of the agent that runs. Between two agents, in a reload, requests wait."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._handlers: dict[str, Mapping[str, Handler]] = {}
        self._serving = asyncio.Event()
        self._connections = dict.fromkeys(MODES, 0)
        self._running: set[asyncio.Task[Message]] = set()
        # By their sockets' names, with what `_identity` said of each path.
        self._servers: dict[str, tuple[asyncio.Server, Identity]] = {}

    async def open(self) -> None:
        """Open the sockets that are not there, in place of stale ones. Raises ZonecastError, also
        where another agent answers there."""
        for name, mode in MODES.items():
            path = self._directory / name
            if self._is_ours(name):
                continue
            try:
                _make_room(path)
                server = await asyncio.start_unix_server(
                    partial(self._accept, name), path, limit=_REQUEST_LIMIT
                )
                path.chmod(mode)
            except OSError as error:
                raise ZonecastError(
                    f"the socket cannot be opened: {error.strerror}",
                    where=str(path),
                    remedy=remedy_for(error),
                ) from error
            if name in self._servers:
                self._servers[name][0].close()
            self._servers[name] = server, _identity(path)

    def _is_ours(self, name: str) -> bool:
        """Whether what is at a socket's path is what was opened there."""
        return name in self._servers and self._servers[name][1] == _identity(self._directory / name)

    def serve(self, status: Mapping[str, Handler], control: Mapping[str, Handler]) -> None:
        """Answer with these handlers from now on."""
        self._handlers = {STATUS_SOCKET: status, CONTROL_SOCKET: {**status, **control}}
        self._serving.set()

    async def pause(self) -> None:
        """The agent ends: what it has not answered is asked anew of the next one."""
        self._serving.clear()
        for work in self._running:
            work.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)

    def close(self) -> None:
        """Stop listening and remove the sockets."""
        for name, (server, _) in self._servers.items():
            if self._is_ours(name):
                (self._directory / name).unlink(missing_ok=True)
            server.close()

    async def _accept(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        # Without a buffer, what was drained has been sent.
        writer.transport.set_write_buffer_limits(0)
        self._connections[name] += 1
        try:
            if self._connections[name] > CONNECTIONS:
                await _send(writer, _BUSY)
            else:
                await self._serve(name, reader, writer)
        except (OSError, ValueError):
            pass  # the client went away, took too long or never spoke our language
        except asyncio.CancelledError:
            # The process ends. Python 3.11 reports a connection's task that was cancelled as failed.
            pass
        finally:
            self._connections[name] -= 1
            writer.transport.abort()

    async def _serve(
        self, name: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            async with asyncio.timeout(REQUEST_PATIENCE):
                line = await reader.readline()
            reply = await self._answer(name, line, writer) if line else None
            if reply is None:
                return
            await _send(writer, reply)

    async def _answer(self, name: str, line: bytes, writer: asyncio.StreamWriter) -> Message | None:
        """The reply to a request, None where the client has left."""
        try:
            request = json.loads(line)
            command = request["command"]
        except (ValueError, TypeError, KeyError, RecursionError):
            command = None
        if not isinstance(command, str):
            return {"error": "expected a JSON object with a command", "exit": 2}
        if name == CONTROL_SOCKET:
            uid = _peer_uid(writer)
            log.info("uid %d: %s", uid, line.decode("utf-8", "replace").strip())
            request["uid"] = uid
        request["asked"] = time.monotonic()
        left = asyncio.get_running_loop().create_task(_left(writer))
        try:
            return await self._obey(name, command, request, left)
        except ZonecastError as error:
            return {"error": str(error), "exit": error.exit_code}
        except Exception:
            log.exception("a request failed: %.200s", line.decode("utf-8", "replace").strip())
            return {"error": "the agent failed over this request; its log says why", "exit": 3}
        finally:
            left.cancel()

    async def _obey(
        self, name: str, command: str, request: Message, left: asyncio.Task[None]
    ) -> Message | None:
        """What the handler makes of a request, of the next agent where this one ends meanwhile.
        Of one that only looks, nothing is made any more when the client has left."""
        while True:
            await self._serving.wait()
            handler = self._handlers[name].get(command)
            if handler is None:
                raise UsageError(f"no command '{command}' on this socket")
            work = asyncio.get_running_loop().create_task(handler(request))
            works = {work, left} if command in self._handlers[STATUS_SOCKET] else {work}
            self._running.add(work)
            try:
                await asyncio.wait(works, return_when=asyncio.FIRST_COMPLETED)
                if not work.done():
                    return None
                if not work.cancelled():
                    return work.result()
            finally:
                work.cancel()
                self._running.discard(work)


async def _send(writer: asyncio.StreamWriter, reply: Message) -> None:
    """Send a reply. Raises OSError, also where the client does not take it."""
    writer.write(json.dumps(reply).encode() + b"\n")
    async with asyncio.timeout(REPLY_PATIENCE):
        await writer.drain()


async def _left(writer: asyncio.StreamWriter) -> None:
    """Wait until the client has closed its socket; one that has only said all that it wants to
    say still wants its answer, so the end of the stream is no sign."""
    while True:
        await asyncio.sleep(1)
        if writer.is_closing():
            return
        poll = select.poll()
        poll.register(writer.get_extra_info("socket").fileno(), 0)
        if poll.poll(0):  # what nobody can ask not to be told: that it was hung up
            return


def _make_room(path: Path) -> None:
    """Make the directory of a socket and remove a stale one. Raises ZonecastError and OSError."""
    if len(os.fsencode(path)) > _PATH_LIMIT:
        raise ZonecastError(
            f"the path is longer than the {_PATH_LIMIT} octets of a Unix socket address",
            where=str(path),
            remedy="set run-dir to a shorter directory",
        )
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if _is_answered(path):
        raise ZonecastError(
            "another agent answers on this socket",
            where=str(path),
            remedy="stop it, or give this one a run-dir of its own",
        )
    path.unlink(missing_ok=True)


def _is_answered(path: Path) -> bool:
    """Whether somebody listens on the socket at a path. Raises OSError."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.setblocking(False)
        try:
            sock.connect(os.fspath(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return False
        except BlockingIOError:
            pass  # so many are waiting there that there is no room for one more
    return True


def _identity(path: Path) -> Identity:
    """What tells the file at a path from another one there; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _peer_uid(writer: asyncio.StreamWriter) -> int:
    credentials = writer.get_extra_info("socket").getsockopt(
        socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")
    )
    return int(struct.unpack("3i", credentials)[1])
