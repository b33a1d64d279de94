"""Processes that read parts of big zone files, so that reading uses every core.

Each is started by exec for one part and ends with it: `python -m zonecast.server.reading N`, the
task on its standard input, what it read in descriptor N. Both are files in memory, so that neither
side waits for the other; a pipe, its standard output, says how long each piece is that is there.
One that fails in any way leaves the rest of its part to the process that started it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

# A file below this many octets is read sooner than a process is started.
LEAST = 4 << 20

_SIZE = 4  # octets that say how long a piece is


class ReadingProcess:
    """One process with one part to read."""

    def __init__(self, task: bytes) -> None:
        self._pieces = memory_file()
        number = self._pieces.fileno()
        with memory_file() as stdin:
            stdin.write(task)
            stdin.seek(0)
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "zonecast.server.reading", str(number)],
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                pass_fds=(number,),
            )

    def wait(self) -> Iterator[bytes]:
        """The pieces that the process gives, until it ends."""
        said = self.process.stdout
        start = 0
        while said is not None and len(size := said.read(_SIZE)) == _SIZE:
            # The place in the file is the writer's.
            piece = os.pread(self._pieces.fileno(), int.from_bytes(size, "big"), start)
            start += len(piece)
            yield piece

    def drop(self) -> None:
        """Ends the process, if it has not ended."""
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._pieces.close()


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
        self.count = (cores or usable_cores()) - 1
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


def usable_cores() -> int:
    """The cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_file() -> IO[bytes]:
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

    pieces = os.fdopen(int(sys.argv[1]), "wb", buffering=0)
    said = sys.stdout.buffer

    def give(octets: bytes) -> None:
        left = memoryview(octets)
        while left:
            left = left[pieces.write(left) :]
        said.write(len(octets).to_bytes(_SIZE, "big"))
        said.flush()

    try:
        read_part(sys.stdin.buffer.read(), give)
    except NotPlainSailingError:
        sys.exit(1)
    # What was read needs no taking apart.
    os._exit(0)


if __name__ == "__main__":
    main()
