"""A reload: whoever asks meanwhile is answered, and nothing about it ends the agent."""

from __future__ import annotations

import shutil
import signal
import threading
from collections.abc import Callable
from typing import Any

from agents import Agent, Zones, await_value, run, zone_text
from test_killed_processes import children

from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET, request

MakeAgent = Callable[[str], Agent]
PATH = "example.com.zone"
RELOADED = "configuration reloaded"


def reload(agent: Agent) -> None:
    """Tell the agent to reload, and wait until it says that it has."""
    before = agent.log.count(RELOADED)
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)
    await_value(lambda: agent.log.count(RELOADED) > before or None, "the reload")


def test_who_asks_during_a_reload_is_answered(zones: Zones, new_agent: MakeAgent) -> None:
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"').start()
    agent.await_serial("example.com.", 1)
    zones.write(PATH, zone_text(2, "www A 192.0.2.2"))
    run(["git", "commit", "-q", "-a", "-m", "two"], zones.clone)
    commit = run(["git", "rev-parse", "HEAD"], zones.clone).strip()
    replies: list[dict[str, Any]] = []

    def wait() -> None:
        message = {"command": "wait", "commit": commit, "timeout": 60}
        replies.append(request(agent.sockets / STATUS_SOCKET, message, 60))

    waiting = threading.Thread(target=wait)
    waiting.start()
    for _ in range(3):
        reload(agent)
        for name in (STATUS_SOCKET, CONTROL_SOCKET):
            assert request(agent.sockets / name, {"command": "status"})["agent"]
    assert not replies
    run(["git", "push", "-q", "origin", "HEAD:main"], zones.clone)
    waiting.join()
    assert replies[0]["converged"]
    assert "Traceback" not in agent.log


def test_sockets_that_cannot_be_opened_do_not_end_it(zones: Zones, new_agent: MakeAgent) -> None:
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"').start()
    agent.await_serial("example.com.", 1)
    shutil.rmtree(agent.sockets)
    agent.sockets.write_text("in the way")
    try:
        reload(agent)
        assert "the socket cannot be opened" in agent.log
    finally:
        agent.sockets.unlink()
    reload(agent)
    assert agent.ask("status")["zones"]


def test_a_signal_during_the_start_is_obeyed_after_it(zones: Zones, new_agent: MakeAgent) -> None:
    zones.write(PATH, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"')
    process = agent.spawn()
    await_value(lambda: any(children(process.pid).values()) or None, "its first child")
    process.send_signal(signal.SIGHUP)
    await_value(lambda: RELOADED in agent.log or process.poll() is not None, "the reload")
    assert process.poll() is None
    agent.await_serial("example.com.", 1)
