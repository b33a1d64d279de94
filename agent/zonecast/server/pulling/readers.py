"""Processes that read parts of a big transfer, so that taking it in uses every core.

Each is started by exec when the first big zone comes, and ends with the transfer:
`python -m zonecast.server.pulling.readers N`. Tasks and what comes of them go through files in
memory whose descriptors are sent over the socket N: neither side ever waits for the other to read.
One that fails in any way leaves its stretches to the process that started it.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from zonecast.protocol.transfer_part import carry_out
from zonecast.server.reading import memory_file, usable_cores

# Processes at most: joining what more than these read would take longer than reading.
MOST = 3
# Tasks that one has at a time: the next is there when it ends one.
_AHEAD = 2
# Seconds after which one that says nothing is taken for hung: a task takes a fraction of one, and all
# transfers wait meanwhile.
_PATIENCE = 3.0
_NOTE = b"\x00"  # what a descriptor is sent with


class _Reader:
    """One process."""

    def __init__(self) -> None:
        self.tasks = 0
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(_PATIENCE)
        with theirs:
            number = theirs.fileno()
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "zonecast.server.pulling.readers", str(number)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=(number,),
            )

    def start(self, task: bytes) -> _Answer | None:
        """Have a task carried out after those before; None where that cannot be."""
        try:
            _send(self._socket, task)
        except OSError:
            self.end()
            return None
        self.tasks += 1
        return _Answer(self)

    def ready(self) -> bool:
        """Whether what the oldest task came to is there, or never will be."""
        return not self.running or bool(select.select([self._socket], [], [], 0)[0])

    def receive(self) -> bytes:
        """What the oldest task came to; nothing where the process failed."""
        self.tasks -= 1
        if self.running:
            try:
                if (octets := _receive(self._socket)) is not None:
                    return octets
            except OSError:
                pass
            self.end()
        return b""

    @property
    def running(self) -> bool:
        """Whether it did not fail so far."""
        return self._socket.fileno() >= 0

    def end(self) -> None:
        """End the process."""
        self._socket.close()
        self._process.kill()
        self._process.wait()


class _Answer:
    def __init__(self, reader: _Reader) -> None:
        self._reader = reader

    def ready(self) -> bool:
        return self._reader.ready()

    def wait(self) -> bytes:
        return self._reader.receive()


class Readers:
    """The processes of this one, one for each core but its own. One transfer has them at a time."""

    def __init__(self, count: int | None = None) -> None:
        self.count = min(MOST, usable_cores() - 1) if count is None else count
        self.lent = False

    @contextmanager
    def lend(self) -> Iterator[Lent]:
        """What a transfer may have them by."""
        lent = Lent(self)
        try:
            yield lent
        finally:
            lent.end()


class Lent:
    """The processes for one transfer, from its first task on."""

    def __init__(self, readers: Readers) -> None:
        self._lender = readers
        self._readers: list[_Reader] | None = None

    def start(self, task: bytes) -> _Answer | None:
        """Have a task carried out by the process that has least to do; None where all are busy."""
        if self._readers is None:
            if self._lender.lent:
                return None
            self._lender.lent = True
            self._readers = _started(self._lender.count)
        for reader in sorted(self._readers, key=lambda reader: reader.tasks):
            if reader.running and reader.tasks < _AHEAD:
                return reader.start(task)
        return None

    def end(self) -> None:
        """End the processes."""
        if self._readers is not None:
            self._lender.lent = False
            for reader in self._readers:
                reader.end()


def _started(count: int) -> list[_Reader]:
    readers = []
    for _ in range(count):
        try:
            readers.append(_Reader())
        except OSError:  # too many processes, or too little memory: those there are must do
            break
    return readers


def _send(to: socket.socket, octets: bytes) -> None:
    """Raises OSError."""
    with memory_file() as file:
        file.write(octets)
        file.flush()
        socket.send_fds(to, [_NOTE], [file.fileno()])


def _receive(sent: socket.socket) -> bytes | None:
    """What `_send` sent; None at the end. Raises OSError."""
    note, numbers, _, _ = socket.recv_fds(sent, 1, 1)
    if not note or not numbers:
        return None
    with os.fdopen(numbers[0], "rb") as file:
        file.seek(0)
        return file.read()


def main() -> None:
    """Carries out tasks until the socket ends."""
    import gc

    # Nothing here makes cycles, and looking for them among so many records takes long.
    gc.disable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks = socket.socket(fileno=int(sys.argv[1]))
    while (task := _receive(tasks)) is not None:
        _send(tasks, carry_out(task))
    os._exit(0)


if __name__ == "__main__":
    main()
