"""Queries over UDP at a fixed rate, evenly spaced, and how long each answer took.

A query's time runs from just before it is sent to when the kernel got the answer (SO_TIMESTAMPNS),
so that neither a late wake-up of this process nor its own work counts; a query that cannot be sent
in time is sent late, not left out. What is left of its own in a figure is one sendto(2), about
5 µs, and the kernel's path: the loop of `floor` measured with it says how much. It asks for a
real-time priority and does without where that is not allowed: then whatever else runs on its core
shows in the highest percentiles.

It is a process of its own, which `asking` starts and ends; it prints one line of JSON, `Latency`.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import dns.rdatatype

_TIMESTAMPS = 35  # SO_TIMESTAMPNS, which the socket module lacks
_CONTROL = 64
_TIMER_SLACK = 29  # PR_SET_TIMERSLACK
_IDENTIFIERS = 1 << 16
_SECOND = 1_000_000_000


class Latency(NamedTuple):
    """Microseconds at the median, 99 % and 99.9 %, and the longest; queries sent, and those
    without an answer."""

    p50: float
    p99: float
    p999: float
    longest: float
    sent: int
    lost: int


def packet(line: str) -> bytes:
    """What follows the identifier in a query for "name TYPE"."""
    name, rtype = line.split()
    labels = name.rstrip(".").encode().split(b".")
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"
    question += int(dns.rdatatype.from_text(rtype)).to_bytes(2, "big") + b"\x00\x01"
    return b"\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00" + question


class Client:
    """Sends one query after the other; `stop` ends it."""

    def __init__(self, port: int, rate: int, packets: list[bytes]) -> None:
        self._sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._sock.connect(("127.0.0.1", port))
        self._sock.setblocking(False)
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        self._sock.setsockopt(socket.SOL_SOCKET, _TIMESTAMPS, 1)
        self._step = _SECOND // rate
        self._packets = packets
        self._asked = [0] * _IDENTIFIERS
        self._taken: list[int] = []
        self._sent = 0
        self._stopped = False

    def stop(self) -> None:
        """Send no more."""
        self._stopped = True

    def run(self) -> Latency:
        """Until `stop`, and a second more for answers that are late."""
        sock, asked, packets, step = self._sock, self._asked, self._packets, self._step
        due = time.monotonic_ns()
        while not self._stopped:
            ahead = due - time.monotonic_ns()
            if ahead > 0:
                if select.select([sock], [], [], ahead / _SECOND)[0]:
                    self._receive()
                continue
            number = self._sent % _IDENTIFIERS
            query = number.to_bytes(2, "big") + packets[self._sent % len(packets)]
            asked[number] = time.time_ns()
            with suppress(BlockingIOError, ConnectionRefusedError):
                sock.send(query)
            self._sent += 1
            due += step
        until = time.monotonic() + 1
        while (left := until - time.monotonic()) > 0:
            if select.select([sock], [], [], left)[0]:
                self._receive()
        return self._result()

    def _receive(self) -> None:
        try:
            answer, control, _, _ = self._sock.recvmsg(65535, _CONTROL)
        except (BlockingIOError, ConnectionRefusedError):
            return
        seconds, nanoseconds = struct.unpack("qq", control[0][2])
        number = answer[0] << 8 | answer[1]
        if self._asked[number]:
            self._taken.append(seconds * _SECOND + nanoseconds - self._asked[number])
            self._asked[number] = 0

    def _result(self) -> Latency:
        taken = sorted(self._taken)
        if not taken:
            raise SystemExit("no query was answered")
        shares = (0.5, 0.99, 0.999)
        at = [taken[min(int(len(taken) * share), len(taken) - 1)] for share in shares]
        p50, p99, p999, longest = (one / 1000 for one in (*at, taken[-1]))
        return Latency(p50, p99, p999, longest, self._sent, self._sent - len(taken))


@contextmanager
def asking(port: int, rate: int, file: Path, core: int) -> Iterator[list[Latency]]:
    """Such a client on one core while the context lasts; the list has its result then."""
    run = "from latency_client import ask; ask()"
    command = ["taskset", "--cpu-list", str(core), sys.executable, "-c", run]
    command += [str(port), str(rate), str(file)]
    home = Path(__file__).parent
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=home) as process:
        assert process.stdout is not None
        result: list[Latency] = []
        try:
            process.stdout.readline()  # it begins
            yield result
        finally:
            process.terminate()
            output = process.stdout.read()
        result.append(Latency(*json.loads(output)))


def ask() -> None:
    """The client's process, with port, rate and file of queries as arguments: ask until SIGTERM."""
    port, rate, file = sys.argv[1:]
    lines = Path(file).read_text().splitlines()
    client = Client(int(port), int(rate), [packet(line) for line in lines])
    signal.signal(signal.SIGTERM, lambda *_: client.stop())
    ctypes.CDLL(None).prctl(_TIMER_SLACK, 1, 0, 0, 0)
    with suppress(PermissionError):
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
    gc.disable()
    print("begins", flush=True)
    print(json.dumps(client.run()))
