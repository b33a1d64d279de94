"""The status socket is open to everybody on the host: nothing that is said there, or not said,
costs the agent more than an answer."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
from agents import Agent, Zones, await_value, zone_text

from zonecast.errors import ZonecastError
from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET, request
from zonecast.server.control import CONNECTIONS, REQUEST_PATIENCE

MakeAgent = Callable[[str], Agent]

# What no branch ever holds.
NEVER = "0" * 40


@pytest.fixture
def agent(zones: Zones, new_agent: MakeAgent) -> Agent:
    """An agent with one zone."""
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    return new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"').start()


def connected(agent: Agent, name: str = STATUS_SOCKET) -> socket.socket:
    """A connection to a socket of the agent."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(20)
    sock.connect(str(agent.sockets / name))
    return sock


def said(agent: Agent, line: bytes) -> bytes:
    """What comes back for a line."""
    with connected(agent) as sock:
        sock.sendall(line + b"\n")
        return sock.makefile("rb").readline()


def connections(agent: Agent) -> int:
    """How many sockets the controller has there, but for those that listen."""
    paths = [line.split()[-1] for line in Path("/proc/net/unix").read_text().splitlines()]
    return sum(path.startswith(f"{agent.sockets}/") for path in paths) - 2


def test_what_makes_no_sense_is_answered(agent: Agent) -> None:
    for line in (
        b"",
        b"[1]",
        b'"command"',
        b"[" * 30000,
        b'{"command": []}',
        b'{"command": {"a": 1}}',
        b'{"command": "wait", "timeout": "x"}',
        b'{"command": "wait", "timeout": null}',
        b'{"command": "wait", "timeout": NaN}',
        b'{"command": "wait", "timeout": 1e9}',
        b'{"command": "wait", "commit": {"a": 1}, "timeout": 1}',
        b'{"command": "status", "zone": "\\ud800"}',
        b'{"command": "publication", "paths": [{}], "zones": 5}',
    ):
        reply = said(agent, line)
        assert "error" in json.loads(reply) or b"publishes" in reply, line
    assert "Traceback" not in agent.log


def test_a_client_that_leaves_is_waited_for_no_more(agent: Agent) -> None:
    waits = [connected(agent, name) for name in (STATUS_SOCKET, CONTROL_SOCKET)]
    message = {"command": "wait", "commit": NEVER, "timeout": 600}
    for sock in waits:
        sock.sendall(json.dumps(message).encode() + b"\n")
    await_value(lambda: connections(agent) == 2 or None, "no others to be there")
    for sock in waits:
        sock.close()
    await_value(lambda: connections(agent) == 0 or None, "the agent to notice", 10)


def test_one_that_has_nothing_more_to_say_is_answered(agent: Agent) -> None:
    with connected(agent) as sock:
        message = {"command": "wait", "commit": NEVER, "timeout": 1.5}
        sock.sendall(json.dumps(message).encode() + b"\n")
        sock.shutdown(socket.SHUT_WR)
        assert json.loads(sock.makefile("rb").readline())["converged"] is False


def test_who_still_waits_when_the_agent_ends_is_told(agent: Agent) -> None:
    message = {"command": "wait", "commit": NEVER, "timeout": 600}
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(request, agent.sockets / STATUS_SOCKET, message, 60)
        await_value(lambda: connections(agent) == 1 or None, "it to ask")
        assert agent.stop() == 0
        with pytest.raises(ZonecastError, match="no agent answers: it ended before it answered"):
            waiting.result()
    assert "Traceback" not in agent.log


def test_connections_are_bounded_in_number_and_time(agent: Agent) -> None:
    with ExitStack() as stack:
        opened = time.monotonic()
        held = [stack.enter_context(connected(agent)) for _ in range(CONNECTIONS)]
        with pytest.raises(ZonecastError, match="connections are open already"):
            request(agent.sockets / STATUS_SOCKET, {"command": "status"})
        # Operators have a socket of their own.
        assert agent.ask("status")["agent"]
        for sock in held:
            assert sock.recv(1) == b""
        assert time.monotonic() - opened >= REQUEST_PATIENCE - 1
    assert request(agent.sockets / STATUS_SOCKET, {"command": "status"})["agent"]
