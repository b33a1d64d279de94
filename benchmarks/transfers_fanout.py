"""One change on its way to many secondaries: from the primary's answering with the new serial to
the last one's having it, and to the agent's having seen that."""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from generator import ORIGIN
from secondaries import Simulation, addresses, simulated
from servers import Server, configured, cpu_seconds, free_ports, until
from transfer_edits import Edits
from transfer_figures import ratio, table
from transfer_servers import NAMED_FANOUT, fanout, secondaries
from transfers_out import CLIENT_CORE, start

from zonecast.server.client import STATUS_SOCKET, request

SECONDARIES = 1000
RECORDS = 1000


class Round(NamedTuple):
    """Seconds until the last secondary had it and until status said so (0 where none is asked),
    CPU seconds of the primary until then, NOTIFYs that were sent."""

    seconds: float
    seen: float
    cpu: float
    notifies: int


def _all_have(simulation: Simulation, serial: int) -> float | None:
    """When the last secondary got a serial; None while one has it not."""
    count, at = simulation.report()["had"].get(str(serial), (0, 0.0))
    return float(at) if count == SECONDARIES else None


def _converged(server: Server) -> None:
    repository = str(server.directory / "repository")
    told = subprocess.run(
        ["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True
    )
    path = server.directory / "state" / "run" / STATUS_SOCKET
    wanted = {"command": "wait", "zone": None, "commit": told.stdout.strip(), "timeout": 120}
    if not request(path, wanted, 130)["converged"]:
        raise SystemExit("status saw no convergence")


def _round(server: Server, pid: int, edits: Edits, simulation: Simulation) -> Round:
    edits.edit()
    notifies = simulation.report()["notifies"]
    before = cpu_seconds(pid)
    edits.give(server)
    started = time.time()
    if server.name == "zonecast":
        _converged(server)
    seen = time.time() - started

    def everywhere() -> bool:
        time.sleep(0.05)
        return _all_have(simulation, edits.serial) is not None

    until(everywhere, f"all secondaries of {server.name}", 120)
    last = _all_have(simulation, edits.serial)
    assert last is not None
    spent = cpu_seconds(pid) - before
    sent = simulation.report()["notifies"] - notifies
    return Round(last - started, seen if server.name == "zonecast" else 0.0, spent, sent)


def fanning(arguments: argparse.Namespace, directory: Path) -> str:
    """The table. One server after the other: each has all the secondaries to itself."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    rounds: dict[str, list[Round]] = {}
    edits = Edits(directory / "zone", RECORDS)
    (port,) = free_ports(1)
    servers = configured(
        directory,
        ORIGIN,
        edits.file,
        names=[name for name in arguments.servers.split(",") if name],
        zones=fanout(addresses(SECONDARIES), port),
        load="difference",
        options=NAMED_FANOUT,
        secondaries=secondaries(addresses(SECONDARIES), port),
    )
    for name, server in servers.items():
        with ExitStack() as stack:
            simulation = stack.enter_context(simulated(server.port, port, SECONDARIES, CLIENT_CORE))
            pid = start(stack, {name: server})[name]
            _round(server, pid, edits, simulation)  # which fetches the whole zone
            rounds[name] = [_round(server, pid, edits, simulation) for _ in range(arguments.rounds)]
    return _table(rounds)


def _table(rounds: dict[str, list[Round]]) -> str:
    knot = rounds.get("Knot")
    rows = []
    for name, mine in rounds.items():
        seen = statistics.median(r.seen for r in mine)
        rows.append(
            [
                name,
                f"{statistics.median(r.seconds for r in mine):.2f}",
                ratio([r.seconds for r in mine], [r.seconds for r in knot] if knot else None),
                f"{seen:.2f}" if seen else "–",
                f"{statistics.median(r.cpu for r in mine):.2f}",
                f"{statistics.median(r.notifies for r in mine):.0f}",
            ]
        )
    head = ["primary", "the last has it, s", "÷ Knot (spread)", "status says so, s", "CPU, s"]
    return table(f"One change to {SECONDARIES:,} secondaries", [*head, "NOTIFYs"], rows)
