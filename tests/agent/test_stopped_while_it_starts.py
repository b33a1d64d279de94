"""An agent that is told to end while it starts ends, and nothing of it is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, zone_text
from test_killed_processes import children

MakeAgent = Callable[[str], Agent]


def is_gone(session: int) -> bool | None:
    """Whether no process of a session is left."""
    try:
        os.killpg(session, 0)
    except ProcessLookupError:
        return True
    return None


@pytest.mark.parametrize("started", [1, 2, 3])
def test_it_ends_whatever_runs_already(
    zones: Zones, secret: Secret, new_agent: MakeAgent, started: int
) -> None:
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1 = new_agent("ns1")
    process = ns1.configure(*primary_config(zones, secret, new_agent("ns2"))).spawn()
    await_value(
        lambda: sum(map(len, children(process.pid).values())) >= started or None, "its children"
    )
    # Before anything is served, the signal ends it as any process: systemd takes both for a clean end.
    assert ns1.stop() in (0, -signal.SIGTERM), ns1.log
    await_value(lambda: is_gone(process.pid), "its processes to end")
    assert "Traceback" not in ns1.log
    ns1.start()
    ns1.await_serial("example.com.", 1)
