"""The line between the controller and a child: JSON objects, one a line, over a socket pair.

The child gets its end as an inherited descriptor whose number is its first argument. The end of
the stream means that the other side is gone; a child then ends itself.
"""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio

# The longest line: a commit's findings or a configuration with thousands of zones.
LIMIT = 64 * 1024 * 1024
# Octets queued for a side that does not read, before messages that may be lost are.
UNREAD_LIMIT = 1024 * 1024


class Channel:
    """The blocking end, for children with a synchronous loop."""

    def __init__(self, fd: int) -> None:
        self._socket = socket.socket(fileno=fd)
        self._socket.setblocking(True)
        self._buffer = b""

    def fileno(self) -> int:
        """For `poll`; readable means that `receive` may find something."""
        return self._socket.fileno()

    def send(self, message: dict[str, Any]) -> None:
        """Send one message; a controller that is gone is no error here, `receive` tells."""
        try:
            self._socket.sendall(_line(message))
        except OSError:
            return

    def send_or_drop(self, message: dict[str, Any]) -> None:
        """Send a short message that may be lost, without ever waiting: a controller that hangs
        must not stop the answers. (A Unix socket takes a short message whole or not at all.)"""
        try:
            self._socket.send(_line(message), socket.MSG_DONTWAIT)
        except OSError:
            return

    def receive(self) -> dict[str, Any] | None:
        """The next message, waiting for it; None when the controller is gone."""
        while b"\n" not in self._buffer:
            try:
                octets = self._socket.recv(65536)
            except OSError:
                return None
            if not octets:
                return None
            self._buffer += octets
        line, _, self._buffer = self._buffer.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message

    def pending(self) -> bool:
        """Whether a whole message was read already and `receive` will not wait."""
        return b"\n" in self._buffer


class AsyncChannel:
    """The same for asyncio, on either side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @staticmethod
    async def open(end: socket.socket | int) -> AsyncChannel:
        """Wrap a socket or an inherited descriptor."""
        import asyncio  # here, so that a datagram worker starts without it

        sock = socket.socket(fileno=end) if isinstance(end, int) else end
        sock.setblocking(False)
        reader, writer = await asyncio.open_connection(sock=sock, limit=LIMIT)
        return AsyncChannel(reader, writer)

    def send(self, message: dict[str, Any]) -> None:
        """Queue one message."""
        if not self._writer.is_closing():
            self._writer.write(_line(message))

    def send_or_drop(self, message: dict[str, Any]) -> None:
        """Queue a message that may be lost, unless the other side has stopped reading."""
        if self._writer.transport.get_write_buffer_size() < UNREAD_LIMIT:
            self.send(message)

    async def receive(self) -> dict[str, Any] | None:
        """The next message; None when the other side is gone."""
        try:
            line = await self._reader.readline()
        except (OSError, ValueError):
            return None
        if not line.endswith(b"\n"):
            return None
        message: dict[str, Any] = json.loads(line)
        return message

    def close(self) -> None:
        """Close this end."""
        self._writer.close()


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message, separators=(",", ":")).encode() + b"\n"
