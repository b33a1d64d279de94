"""Accepting connections: many at a wake-up, and with patience where descriptors run out."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable

# Connections accepted before others get their turn.
AT_ONCE = 64
# Seconds without accepting where the system gives no descriptor or memory, when a connection is
# being closed to make room and when none is: the kernel's queue holds who comes meanwhile.
SHORT_PAUSE = 0.002
PAUSE = 0.1

# Descriptors that are no connection's: sockets, the store, the channel, what Python opens.
RESERVED = 64


class Acceptor:
    """Accepts from one listening socket, until closed: `accepted` gets each new socket and the
    client's IP address in text, `make_room` closes one when the system has no room, if it can."""

    def __init__(
        self,
        listening: socket.socket,
        accepted: Callable[[socket.socket, str], None],
        make_room: Callable[[], bool],
    ) -> None:
        listening.setblocking(False)
        self._listening = listening
        self._accepted = accepted
        self._make_room = make_room
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None
        self._resume()

    def _resume(self) -> None:
        self._timer = None
        self._loop.add_reader(self._listening, self._readable)

    def _readable(self) -> None:
        for _ in range(AT_ONCE):
            try:
                sock, address = self._listening.accept()
            except (BlockingIOError, InterruptedError):
                return
            except ConnectionAbortedError:
                continue
            except OSError:  # EMFILE, ENFILE, ENOBUFS, ENOMEM
                pause = SHORT_PAUSE if self._make_room() else PAUSE
                self._loop.remove_reader(self._listening)
                self._timer = self._loop.call_later(pause, self._resume)
                return
            sock.setblocking(False)
            self._accepted(sock, str(address[0]))

    def close(self) -> None:
        """Accept no more; the listening socket is the controller's and stays."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listening)
        self._listening.close()


def descriptors() -> int:
    """How many connections the descriptors of this process allow, after it took as many as it may
    have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
        except (OSError, ValueError):  # a sandbox may forbid it
            pass
    return 1 << 30 if soft == resource.RLIM_INFINITY else max(soft - RESERVED, 1)
