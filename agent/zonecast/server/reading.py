"""Processes that read parts of big zone files, so that reading uses every core.

Each is started by exec for one part and ends with it: `python -m zonecast.server.reading`, the
task on its standard input, the answer on its standard output. Both are files in memory, so that
neither side waits for the other. One that fails in any way leaves its part to the process that
started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

# A file below this many octets is read sooner than a process is started.
LEAST = 4 << 20


class ReadingProcess:
    """One process with one part to read."""

    def __init__(self, task: bytes) -> None:
        self._output = _memory()
        with _memory() as stdin:
            stdin.write(task)
            stdin.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "zonecast.server.reading"],
                stdin=stdin,
                stdout=self._output,
                stderr=subprocess.DEVNULL,
            )

    def wait(self) -> Iterator[bytes]:
        """What the process gave, when it has ended; nothing where it failed."""
        if self.process.wait() != 0:
            return
        self._output.seek(0)
        while size := self._output.read(4):
            yield self._output.read(int.from_bytes(size, "big"))

    def drop(self) -> None:
        """Ends the process, if it has not ended."""
        self.process.kill()
        self.process.wait()
        self._output.close()


class NoAnswer:
    """What stands for a process that could not be started."""

    def wait(self) -> tuple[()]:
        """Nothing."""
        return ()

    def drop(self) -> None:
        """Nothing is there to end."""


class ReadingProcesses:
    """What `read_zone` takes as helpers: a process for each core but the one in use."""

    def __init__(self, cores: int | None = None, least: int = LEAST) -> None:
        self.count = (cores or _cores()) - 1
        self.least = least

    def start(self, task: bytes) -> ReadingProcess | NoAnswer:
        """A process that reads a part."""
        try:
            return ReadingProcess(task)
        except OSError:  # too many processes, or too little memory: the caller reads it all
            return NoAnswer()


def helpers() -> ReadingProcesses | None:
    """The helpers for this process; None where it has one core."""
    found = ReadingProcesses()
    return found if found.count else None


def _cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _memory() -> IO[bytes]:
    """A file that has no name and no disk, or no name at least."""
    if hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("zone"), "w+b")
    import tempfile

    return tempfile.TemporaryFile()


def main() -> None:
    """Reads the part on the standard input."""
    import gc

    gc.disable()
    from zonecast.zone.zonefile.part import NotPlainSailingError, read_part

    output = sys.stdout.buffer

    def give(octets: bytes) -> None:
        output.write(len(octets).to_bytes(4, "big"))
        output.write(octets)

    try:
        read_part(sys.stdin.buffer.read(), give)
    except NotPlainSailingError:
        sys.exit(1)
    output.flush()
    # What was read needs no taking apart.
    os._exit(0)


if __name__ == "__main__":
    main()
