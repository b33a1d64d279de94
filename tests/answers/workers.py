"""Real worker processes over a real store."""

from __future__ import annotations

import os
import select
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from loading import zone_from_text
from peers import free_port

from zonecast.server.channel import Channel
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone

PATIENCE = 10.0


class Store:
    """A state directory, and what was published in it."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        prepare(state_dir)
        self._writer = ZonesWriter(state_dir)
        self._zones: dict[bytes, Zone] = {}

    def publish(self, text: str, origin: str) -> int:
        """Publish a zone; the number of the version."""
        zone = zone_from_text(text, origin)
        with self._writer.transaction(now=1_700_000_000.0) as transaction:
            transaction.apply(diff(self._zones.get(zone.origin), zone))
            self._zones[zone.origin] = zone
            return transaction.number

    def readers(self) -> str:
        """LMDB's table of who reads in which transaction."""
        return str(self._writer.environment.readers())

    def close(self) -> None:
        self._writer.close()


class Worker:
    """One worker process and the controller's end of its channel."""

    def __init__(
        self,
        arguments: Sequence[str],
        settings: dict[str, Any],
        sockets: list[socket.socket],
        inherited: Sequence[int] = (),
    ) -> None:
        ours, theirs = socket.socketpair()
        fds = [sock.fileno() for sock in sockets]
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, *arguments, str(theirs.fileno())],
                pass_fds=(theirs.fileno(), *fds, *inherited),
                stderr=subprocess.PIPE,
                text=True,
            )
        self._ours = ours
        self.channel = Channel(os.dup(ours.fileno()))
        self.settings = {**settings, "sockets": fds}
        self.channel.send(self.settings)
        assert self.hear() == {"ready": True}

    def hear(self) -> dict[str, Any] | None:
        """The next message from the worker."""
        ready = self.channel.pending() or select.select([self._ours], [], [], PATIENCE)[0]
        assert ready, "the worker says nothing"
        return self.channel.receive()

    def quiet(self) -> bool:
        """Whether the worker has answered a barrier and said nothing else before."""
        self.channel.send({"barrier": 7})
        return self.hear() == {"barrier": 7}

    def end(self) -> str:
        """Tell the worker to stop and wait for it; what it wrote to stderr."""
        self.channel.send({"stop": True})
        _, errors = self.process.communicate(timeout=PATIENCE)
        assert self.process.returncode == 0
        return errors

    def abandon(self) -> int:
        """Be gone, as a controller that was killed; the worker's exit status."""
        self._ours.shutdown(socket.SHUT_RDWR)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """Leave nothing running."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()
        self._ours.close()


@contextmanager
def worker(
    kind: str,
    store: Store,
    *,
    arguments: Sequence[str] = (),
    port: int | None = None,
    inherited: Sequence[int] = (),
    **settings: Any,
) -> Iterator[tuple[Worker, int]]:
    """A "datagram" or "stream" worker on loopback, and its port; `inherited` are descriptors that its
    settings name."""
    arguments = arguments or ["-P", "-m", f"zonecast.server.answering.{kind}"]
    port = port or free_port()
    kind_of_socket = socket.SOCK_DGRAM if kind == "datagram" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind_of_socket) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
        if kind == "stream":
            sock.listen(64)
        defaults: dict[str, Any] = {"keys": [], "secondaries": [], "primaries": []}
        given = {"state-dir": str(store.state_dir), "server-id": None, **defaults, **settings}
        running = Worker(arguments, given, [sock], inherited)
        try:
            yield running, port
        finally:
            running.close()
