"""Tens of thousands of zones published at once, and three secondaries, one of which is silent:
what telling them costs the controller, and how fast a secondary is told."""

from __future__ import annotations

import argparse
import os
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path

from many import make
from secondaries import Simulation, addresses, simulated
from servers import Server, free_ports, memory_of, own_cpu_seconds, running, until
from transfer_figures import table
from transfer_servers import secondaries
from transfers_out import CLIENT_CORE, SERVER_CORE

ZONES = 20_000
LIVE = 2
SERIAL = 2026010101
# Seconds that the controller is watched for after everything is told to those that live.
AFTERWARDS = 20.0
_CONF = """\
state-dir = "{directory}/state"
listen = ["127.0.0.1:{port}"]
workers = 1

[[repository]]
path = "{directory}/zones"
branch = "{branch}"
"""


def _all_have(simulation: Simulation, most: list[float], pid: int) -> bool:
    time.sleep(0.2)
    most[0] = max(most[0], memory_of(pid))
    count, _ = simulation.report()["had"].get(str(SERIAL), (0, 0.0))
    return bool(count == ZONES * LIVE)


def flooding(arguments: argparse.Namespace, directory: Path) -> str:
    """The table."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    make(directory / "zones", ZONES)
    asked = ["git", "-C", str(directory / "zones"), "branch", "--show-current"]
    branch = subprocess.run(asked, check=True, capture_output=True, text=True).stdout.strip()
    port, told = free_ports(2)
    names = addresses(LIVE + 1)
    conf = directory / "zonecast.toml"
    conf.write_text(
        _CONF.format(directory=directory, port=port, branch=branch) + secondaries(names, told)
    )
    command = [sys.executable, "-m", "zonecast", "run", "--config", str(conf)]
    with ExitStack() as stack:
        silent = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
        silent.bind((names[LIVE], told))
        simulation = stack.enter_context(simulated(0, told, LIVE, CLIENT_CORE))
        server = Server("zonecast", command, [], port, directory)
        pid = stack.enter_context(running(server, SERVER_CORE)).pid
        most = [0.0]
        until(lambda: str(SERIAL) in simulation.report()["had"], "the first NOTIFY", 600)
        started = time.time()
        until(lambda: _all_have(simulation, most, pid), "every zone", 600)
        seconds = time.time() - started
        cpu = own_cpu_seconds(pid)
        time.sleep(AFTERWARDS)
        later = own_cpu_seconds(pid) - cpu
        report = simulation.report()
    rows = [
        ["from the first NOTIFY to the last, s", f"{seconds:.1f}"],
        ["CPU of the controller from its start to then, s", f"{cpu:.1f}"],
        [f"CPU in the {AFTERWARDS:.0f} s after that, s", f"{later:.1f}"],
        ["memory of the controller at most, MB", f"{most[0]:.0f}"],
        ["NOTIFYs to one secondary in one second at most", f"{report['busiest']}"],
        ["NOTIFYs to one secondary", f"{report['notifies'] / LIVE:,.0f}"],
        ["SOA queries to one secondary", f"{report['queries'] / LIVE:,.0f}"],
    ]
    title = f"{ZONES:,} zones published at once, {LIVE} secondaries and a silent one"
    return table(title, ["zonecast", ""], rows)
