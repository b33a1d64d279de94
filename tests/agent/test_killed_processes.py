"""kill -9 of any one process during a push: the service recovers by itself and converges."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, secondary_config, zone_text

from zonecast.server.client import STATUS_SOCKET

MakeAgent = Callable[[str], Agent]


def children(pid: int) -> dict[str, list[int]]:
    """The process ids of an agent's children by module."""
    found: dict[str, list[int]] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            words = Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")
            if b"-m" in words:
                module = words[words.index(b"-m") + 1].decode()
                found.setdefault(module, []).append(int(child))
    return found


def children_of(agent: Agent, module: str) -> list[int]:
    assert agent.process is not None
    return children(agent.process.pid).get(module, [])


@pytest.fixture
def pair(zones: Zones, secret: Secret, new_agent: MakeAgent) -> tuple[Agent, Agent]:
    """A primary and a secondary that both serve example.com at serial 1."""
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 1)
    return ns1, ns2


@pytest.mark.parametrize(
    ("victim", "module"),
    [
        (0, "zonecast.server.answering.datagram"),
        (0, "zonecast.server.answering.stream"),
        (0, "zonecast.server.publishing.publisher"),
        (1, "zonecast.server.pulling.puller"),
        (1, "zonecast.server.answering.datagram"),
        (1, "zonecast.server.answering.stream"),
    ],
)
def test_child_killed_during_a_push(
    pair: tuple[Agent, Agent], zones: Zones, victim: int, module: str
) -> None:
    agent = pair[victim]
    before = await_value(lambda: children_of(agent, module) or None, f"a {module}")
    zones.write("example.com.zone", zone_text(2, "www A 192.0.2.2"))
    zones.push("the push")
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    for server in pair:
        server.await_serial("example.com.", 2)
        assert server.query("www.example.com.").answer[0][0].address == "192.0.2.2"
    after = await_value(
        lambda: [pid for pid in children_of(agent, module) if pid not in before] or None,
        f"another {module}",
    )
    assert not set(after) & set(before)
    zones.write("example.com.zone", zone_text(3, "www A 192.0.2.3"))
    commit = zones.push("and another")
    assert pair[0].ask("wait", commit=commit, timeout=30)["converged"]


@pytest.mark.parametrize("victim", [0, 1])
def test_controller_killed_during_a_push(
    pair: tuple[Agent, Agent], zones: Zones, victim: int
) -> None:
    """As under systemd's Restart=on-failure: a shell loop starts the agent again."""
    agent = pair[victim]
    agent.stop()
    (agent.sockets / STATUS_SOCKET).unlink(missing_ok=True)
    loop = f"while ! '{sys.executable}' -m zonecast run --config '{agent.config}'; do :; done"
    with (agent.directory / "log").open("ab") as log:
        agent.process = subprocess.Popen(
            ["/bin/sh", "-c", loop], stdout=log, stderr=log, start_new_session=True
        )
    try:
        first = agent.status_when(lambda report: True, "the agent to answer")["agent"]["pid"]
        workers = [pid for pids in children(first).values() for pid in pids]
        zones.write("example.com.zone", zone_text(2, "www A 192.0.2.2"))
        zones.push("the push")
        os.kill(first, signal.SIGKILL)
        for server in pair:
            server.await_serial("example.com.", 2)
        second = agent.status_when(lambda r: r["agent"]["pid"] != first, "a new controller")
        await_value(
            lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers) or None,
            "the old controller's children to be gone",
        )
        os.kill(second["agent"]["pid"], signal.SIGTERM)
        assert agent.process.wait(30) == 0
    finally:
        if agent.process.poll() is None:
            os.killpg(agent.process.pid, signal.SIGKILL)
