"""Child processes: started by exec with a channel, kept alive, given work.

A child is never forked from a process that has LMDB open: `subprocess` execs a new interpreter,
which opens its own environment.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from zonecast.server.channel import AsyncChannel

Message = dict[str, Any]

# Seconds before a child that keeps dying is started again: the last step repeats.
BACKOFF = (0.0, 0.1, 0.5, 1.0, 2.0, 5.0)
# A child that lived this long starts the back-off anew.
STEADY = 30.0
# Seconds a child may take to end by itself after its channel closed.
GRACE = 3.0


class Child:
    """One process and the controller's end of its channel. With `niceness` it has a lower priority
    from its first instruction: an interpreter that starts takes a core for a fifth of a second."""

    def __init__(self, module: str, fds: Sequence[int] = (), niceness: int = 0) -> None:
        self.module = module
        self.socket, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                pass_fds=(theirs.fileno(), *fds),
                stdin=subprocess.DEVNULL,
            )
        if niceness:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, niceness)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self.process.returncode is not None

    def send_blocking(self, message: Message) -> None:
        """Send before there is an event loop."""
        self.socket.sendall(json.dumps(message).encode() + b"\n")

    async def end(self) -> int:
        """Wait for the process, whose channel is closed, and make it end after GRACE seconds."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + GRACE
        while self.process.poll() is None:
            if loop.time() > deadline:
                self.process.kill()
            await asyncio.sleep(0.01)
        return self.process.returncode


class KeptChild:
    """A child that is started again whenever it ends, until `stop`.

    `greeting` gives the first message for each new process; `on_message` gets what it sends,
    `on_restart` is called with the exit status after one died.
    """

    def __init__(
        self,
        module: str,
        greeting: Callable[[], Message],
        fds: Sequence[int] = (),
        on_message: Callable[[Message], None] = lambda _: None,
        on_restart: Callable[[int], None] = lambda _: None,
        niceness: int = 0,
    ) -> None:
        self.module = module
        self.on_message = on_message
        self.on_restart = on_restart
        self.restarts = 0
        self.ready = asyncio.Event()
        self._greeting = greeting
        self._fds = tuple(fds)
        self._niceness = niceness
        self._channel: AsyncChannel | None = None
        self._stopping = asyncio.Event()
        self._child = self._spawn()

    def _spawn(self) -> Child:
        child = Child(self.module, self._fds, self._niceness)
        child.send_blocking(self._greeting())
        return child

    @property
    def pid(self) -> int:
        return self._child.pid

    def send(self, message: Message) -> None:
        """Send to the process that runs now; lost if it is just dying."""
        if self._channel is not None:
            self._channel.send(message)

    async def run(self) -> None:
        """Serve the channel and keep the process alive; returns after `stop`."""
        loop = asyncio.get_running_loop()
        failures = 0
        status = 0
        while not self._stopping.is_set():
            if self._child.ended:
                self._child = self._spawn()
                self.on_restart(status)
            started = loop.time()
            status = await self._serve()
            self.ready.clear()
            self.restarts += 1
            failures = 0 if loop.time() - started > STEADY else failures + 1
            pause = BACKOFF[min(max(failures - 1, 0), len(BACKOFF) - 1)]
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _serve(self) -> int:
        channel = await AsyncChannel.open(self._child.socket)
        self._channel = channel
        while (message := await channel.receive()) is not None:
            if message.get("ready"):
                self.ready.set()
            else:
                self.on_message(message)
        self._channel = None
        channel.close()
        return await self._child.end()

    def stop(self) -> None:
        """Close the channel: the child finishes what it is doing and ends; `run` returns."""
        self._stopping.set()
        if self._channel is not None:
            self._channel.close()


async def run_job(child: Child, job: Message) -> Message | None:
    """Give a one-job child its job and wait for the result; None when it died instead. A
    cancelled wait ends the child."""
    channel = await AsyncChannel.open(child.socket)
    try:
        channel.send(job)
        return await channel.receive()
    finally:
        channel.close()
        await asyncio.shield(child.end())
