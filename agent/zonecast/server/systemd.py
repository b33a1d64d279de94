"""What systemd and the agent say to each other: passed sockets, readiness, reloads.

The protocols are those of sd_listen_fds(3) and sd_notify(3); without systemd every call here
does nothing.
"""

from __future__ import annotations

import os
import socket
import time
from typing import NamedTuple

FIRST_PASSED_FD = 3


class PassedSocket(NamedTuple):
    """A socket, and what the service manager calls it (FileDescriptorName=)."""

    sock: socket.socket
    name: str


def passed_sockets() -> list[PassedSocket]:
    """The sockets that the service manager opened for this process, the variables removed so
    that no child believes them its own."""
    pid = os.environ.pop("LISTEN_PID", "")
    count = os.environ.pop("LISTEN_FDS", "")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if pid != str(os.getpid()) or not count.isdigit():
        return []
    names += [""] * int(count)
    return [
        PassedSocket(socket.socket(fileno=FIRST_PASSED_FD + number), names[number])
        for number in range(int(count))
    ]


def notify(*states: str) -> None:
    """Tell the service manager, for example READY=1 or STATUS=…; silent without one."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sock:
        try:
            sock.sendto("\n".join(states).encode(), address)
        except OSError:
            # A manager that went away must not take the service with it.
            return


def reloading() -> None:
    """Announce a reload; `notify("READY=1")` ends it."""
    microseconds = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    notify("RELOADING=1", f"MONOTONIC_USEC={microseconds}")


def watchdog_interval() -> float | None:
    """Seconds between the signs of life that the manager wants, half of its limit; None: none."""
    limit = os.environ.get("WATCHDOG_USEC", "")
    return int(limit) / 2_000_000 if limit.isdigit() and int(limit) else None
