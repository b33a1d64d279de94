"""A real puller process, and primaries that do as a test's script says."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from transfer_support import KEY_NAME, KEY_SECRET

from zonecast.protocol.tsig import Key, make_key
from zonecast.server.channel import Channel
from zonecast.server.peers import Primary, to_message
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.zone.rrset import Zone

KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)
KEY_FIELDS = {"name": KEY_NAME, "algorithm": "hmac-sha256", "secret": KEY_SECRET}

# What a script makes of one query: the messages to send; the connection is closed after them,
# unless the last of them is None: then it stays open in silence.
Script = Callable[[bytes], Iterable[bytes | None]]


class ScriptedPrimary:
    """A TCP server on loopback that answers each query by `script`. `queries` holds what came."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.queries: list[bytes] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._silent: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            try:
                self._answer(self.welcome(connection))
            except OSError:
                connection.close()

    def welcome(self, connection: socket.socket) -> socket.socket:
        """What is spoken over, from a connection that was made."""
        return connection

    def _answer(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as stream:
            size = stream.read(2)
            if len(size) < 2:
                connection.close()
                return
            query = stream.read(int.from_bytes(size, "big"))
        self.queries.append(query)
        for message in self.script(query):
            if message is None:
                self._silent.append(connection)
                return
            connection.sendall(len(message).to_bytes(2, "big") + message)
        connection.close()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()
        for connection in self._silent:
            connection.close()

    def fields(
        self, name: str = "ns1", *, key: Key | None = None, longest: float = 10.0, **more: Any
    ) -> dict[str, Any]:
        """As a job names this primary."""
        return to_message(Primary(name, "127.0.0.1", self.port, key, longest=longest, **more))


@contextmanager
def scripted(script: Script) -> Iterator[ScriptedPrimary]:
    primary = ScriptedPrimary(script)
    try:
        yield primary
    finally:
        primary.close()


class PullerProcess:
    """A puller over a state directory of its own."""

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir
        prepare(state_dir)
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zonecast.server.pulling.puller", str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stderr=subprocess.PIPE,
            )
        self.channel = Channel(ours.detach())
        self.channel.send({"state-dir": str(state_dir)})
        assert self.channel.receive() == {"ready": True}
        self._jobs = 0
        self.reader = ZonesReader(state_dir)

    def send(self, **job: Any) -> int:
        self._jobs += 1
        self.channel.send({"job": self._jobs, **job})
        return self._jobs

    def pull(self, primaries: list[dict[str, Any]], **changes: Any) -> dict[str, Any]:
        """Do one pull and wait for its reply."""
        job = {
            "zone": "example.com.",
            "serial": None,
            "force": False,
            "primaries": primaries,
        }
        number = self.send(pull=job | changes)
        reply = self.channel.receive()
        assert reply is not None, self.process.communicate()
        assert reply["job"] == number
        return reply

    def zone(self, origin: bytes) -> Zone | None:
        """What is stored now."""
        with self.reader.begin() as snapshot:
            return snapshot.zone(origin)

    def end(self) -> None:
        self.channel._socket.close()
        deadline = time.monotonic() + 10
        while self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        self.process.kill()
        _, errors = self.process.communicate()
        self.reader.close()
        assert (self.process.returncode, errors) == (0, b"")
