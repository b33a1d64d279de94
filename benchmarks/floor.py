"""The kernel's share: a loop of recvmmsg and sendmmsg that sends every query back as a response,
through the same code as a datagram worker's, without a look at what it says."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def echo(fd: int) -> None:
    """Echo for ever."""
    import select

    from zonecast.server.answering.mmsg import LinuxBatch

    sock = socket.socket(fileno=fd)
    batch = LinuxBatch(sock)
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while True:
        poll.poll()
        batch.send([packet[:2] + b"\x84" + packet[3:] for packet in batch.receive()])


@contextmanager
def echo_server(core: int) -> Iterator[tuple[int, int]]:
    """(port, process id) of such a loop on one core."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))
        run = f"from floor import echo; echo({sock.fileno()})"
        command = ["taskset", "--cpu-list", str(core), sys.executable, "-c", run]
        home = Path(__file__).parent
        with subprocess.Popen(command, pass_fds=(sock.fileno(),), cwd=home) as process:
            try:
                yield sock.getsockname()[1], process.pid
            finally:
                process.kill()
