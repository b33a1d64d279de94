"""AXFR out of a big zone: records a second, the server's CPU, the first octet, and memory."""

from __future__ import annotations

import argparse
import os
import statistics
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from generator import ORIGIN, zone_file
from servers import Server, configured, cpu_seconds, memory, running, until
from transfer_client import axfr, serial_at
from transfer_figures import ratio, table
from transfer_servers import NAMED_OPTIONS, PRIMARY, secondaries

SERVER_CORE, CLIENT_CORE = 0, 1
# Transfers between two looks at the CPU time, which the kernel tells in hundredths of a second.
AT_A_TIME = 3


class Round(NamedTuple):
    """Of one AXFR: seconds, CPU seconds, seconds to the first octet, megabytes that memory grew
    by during this round, octets sent."""

    seconds: float
    cpu: float
    first: float
    growth: float
    octets: int


def start(
    stack: ExitStack, servers: dict[str, Server], core: int | None = SERVER_CORE
) -> dict[str, int]:
    """Start all and wait until they serve; their process ids."""
    found = {}
    for name, server in servers.items():
        found[name] = stack.enter_context(running(server, core)).pid
        until(partial(_serves, server.port), f"{name} to serve the zone")
    return found


def _serves(port: int) -> bool:
    return serial_at(port, ORIGIN) is not None


def _round(name: str, port: int, pid: int, records: int) -> Round:
    held = memory(pid)
    before = cpu_seconds(pid)
    done = [axfr(port, ORIGIN) for _ in range(AT_A_TIME)]
    spent = (cpu_seconds(pid) - before) / AT_A_TIME
    for transfer in done:
        if transfer.records != records:
            raise SystemExit(f"{name} sent {transfer.records} records, not {records}")
    seconds = statistics.median(transfer.seconds for transfer in done)
    first = max(transfer.first for transfer in done)
    return Round(seconds, spent, first, memory(pid) - held, done[0].octets)


def sending(arguments: argparse.Namespace, directory: Path) -> str:
    """The table."""
    os.sched_setaffinity(0, {CLIENT_CORE})
    file = directory / "zone"
    text = zone_file(arguments.records)
    file.write_bytes(text)
    with ExitStack() as stack:
        servers = configured(
            directory,
            ORIGIN,
            file,
            names=[name for name in arguments.servers.split(",") if name],
            zones=PRIMARY,
            load="whole",
            options=NAMED_OPTIONS,
            secondaries=secondaries(["127.0.0.1"], 9),
        )
        pids = start(stack, servers)
        # The first transfer of each, which nothing of it is in any cache, is none that counts.
        records = max(axfr(server.port, ORIGIN).records for server in servers.values())
        rounds: dict[str, list[Round]] = {name: [] for name in servers}
        for _ in range(arguments.rounds):
            for name, server in servers.items():
                rounds[name].append(_round(name, server.port, pids[name], records))
    return _table(records, rounds)


def _table(records: int, rounds: dict[str, list[Round]]) -> str:
    knot = rounds.get("Knot")
    rows = []
    for name, mine in rounds.items():
        seconds = statistics.median(r.seconds for r in mine)
        cpu = statistics.median(r.cpu for r in mine)
        rows.append(
            [
                name,
                f"{records / seconds / 1e6:.2f}",
                ratio(
                    [1 / r.seconds for r in mine], [1 / r.seconds for r in knot] if knot else None
                ),
                f"{cpu * 1000:.0f}",
                ratio([r.cpu for r in mine], [r.cpu for r in knot] if knot else None),
                f"{max(r.first for r in mine) * 1000:.1f}",
                f"{max(r.growth for r in mine):.1f}",
                f"{mine[0].octets / 1e6:.1f}",
            ]
        )
    head = ["server", "million RR/s", "÷ Knot (spread)", "CPU, ms", "÷ Knot (spread)"]
    head += ["first octet at the latest, ms", "memory grew at most, MB", "octets, MB"]
    return table(f"AXFR out: {records:,} records", head, rows)
