"""Git remotes that take connections and say nothing: git ends with the wait for it."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import pytest
from agents import Agent, Zones, zone_text

MakeAgent = Callable[[str], Agent]
PATH = "example.com.zone"

# More than the threads that asyncio gives to whoever wants one.
REMOTES = (os.cpu_count() or 1) + 5
# Seconds: of the 120 that git is given, next to nothing.
PROMPT = 10.0


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A listening socket that never answers."""
    with socket.create_server(("127.0.0.1", 0), backlog=2 * REMOTES) as sock:
        sock.settimeout(PROMPT)
        yield sock


def accepted(silent: socket.socket) -> list[socket.socket]:
    """The connections of all remotes, once each has asked."""
    found = []
    for _ in range(REMOTES):
        connection, _ = silent.accept()
        connection.settimeout(PROMPT)
        assert connection.recv(4096)
        found.append(connection)
    return found


def test_remotes_that_hang_hold_up_nothing(
    zones: Zones, new_agent: MakeAgent, silent: socket.socket
) -> None:
    """Pitfall: a git remote that takes the connection and says nothing must hold up neither local
    repositories nor a reload nor the end of the agent."""
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    port = silent.getsockname()[1]
    agent = new_agent("ns1").configure(
        *(
            line
            for number in range(REMOTES)
            for line in ("[[repository]]", f'url = "http://127.0.0.1:{port}/{number}.git"')
        ),
        *("[[repository]]", f'path = "{zones.bare}"', 'poll-interval = "1s"'),
    )
    agent.start()
    first = accepted(silent)
    agent.await_serial("example.com.", 1, PROMPT)
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)
    for connection in first:
        assert not connection.recv(4096)  # its git has ended
        connection.close()
    second = accepted(silent)
    zones.write(PATH, zone_text(2, "www A 192.0.2.2"))
    zones.push()
    agent.await_serial("example.com.", 2, PROMPT)
    told = time.monotonic()
    assert agent.stop() == 0
    assert time.monotonic() - told < PROMPT, agent.log
    for connection in second:
        assert not connection.recv(4096)
        connection.close()
    assert "Traceback" not in agent.log
