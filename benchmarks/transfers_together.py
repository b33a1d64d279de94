"""Many secondaries that ask at once for an IXFR of some changes: until the last has them."""

from __future__ import annotations

import argparse
import os
import statistics
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from generator import ORIGIN
from secondaries import addresses, simulated
from servers import configured, cpu_seconds, free_ports
from transfer_client import together
from transfer_edits import FIRST, Edits
from transfer_figures import ratio, table
from transfer_servers import NAMED_OPTIONS, PRIMARY, secondaries
from transfers_out import CLIENT_CORE, start

CLIENTS = 200
CHANGES = 10
RECORDS = 10_000


class Round(NamedTuple):
    """Seconds until the last was served, CPU seconds of the server, records to each."""

    seconds: float
    cpu: float
    records: int


def _round(name: str, port: int, pid: int, serial: int) -> Round:
    before = cpu_seconds(pid)
    started = time.perf_counter()
    done = together(port, ORIGIN, FIRST, addresses(CLIENTS))
    seconds = time.perf_counter() - started
    wrong = sum(transfer.serial != serial for transfer in done)
    if wrong:
        raise SystemExit(f"{name} sent {wrong} clients another version")
    if done[0].records > RECORDS:
        raise SystemExit(f"{name} sent the whole zone")
    return Round(seconds, cpu_seconds(pid) - before, done[0].records)


def crowding(arguments: argparse.Namespace, directory: Path) -> str:
    """The table."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    edits = Edits(directory / "zone", RECORDS)
    rounds: dict[str, list[Round]] = {}
    with ExitStack() as stack:
        (port,) = free_ports(1)
        stack.enter_context(simulated(0, port, CLIENTS, CLIENT_CORE))
        servers = configured(
            directory,
            ORIGIN,
            edits.file,
            names=[name for name in arguments.servers.split(",") if name],
            zones=PRIMARY,
            load="difference",
            options=NAMED_OPTIONS,
            secondaries=secondaries(addresses(CLIENTS), port),
        )
        pids = start(stack, servers)
        for _ in range(CHANGES):
            edits.edit()
            for server in servers.values():
                edits.give(server)
        for _ in range(arguments.rounds):
            for name, server in servers.items():
                done = _round(name, server.port, pids[name], edits.serial)
                rounds.setdefault(name, []).append(done)
    return _table(rounds)


def _table(rounds: dict[str, list[Round]]) -> str:
    knot = rounds.get("Knot")
    rows = [
        [
            name,
            f"{statistics.median(r.seconds for r in mine) * 1000:.0f}",
            ratio([r.seconds for r in mine], [r.seconds for r in knot] if knot else None),
            f"{statistics.median(r.cpu for r in mine) / CLIENTS * 1000:.2f}",
            f"{mine[0].records}",
        ]
        for name, mine in rounds.items()
    ]
    head = ["server", "until the last is served, ms", "÷ Knot (spread)", "CPU each, ms", "records"]
    return table(f"{CLIENTS} IXFRs at once, of {CHANGES} changes each", head, rows)
