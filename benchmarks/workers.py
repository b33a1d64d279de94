"""Two workers on two cores: CPU time a query beside that of one worker on one core.

    python benchmarks/workers.py [--names 100000] [--rounds 9] [--seconds 5] [--rate 20000]

Each worker is offered the same number of queries a second, so two get twice as many. One server
with one worker has a core, and dnsperf the other; two workers and dnsperf share both cores. What
sharing costs every server is seen at Knot, with as many UDP workers. Prints a Markdown table.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median
from typing import NamedTuple

from answers import MIX
from answers_compare import differences, serves
from generator import ORIGIN
from packets import packets
from queries import queries, zone_of_names
from servers import Server, configured, cpu_seconds, running, until
from transfer_figures import ratio, table

DISTINCT = 200_000
# Sources of queries: so many that each worker, chosen by a hash of the source, has its share.
CLIENTS = 64


class Side(NamedTuple):
    """A running server with so many workers."""

    name: str
    workers: int
    port: int
    pid: int

    @property
    def title(self) -> str:
        return f"{self.name}, {self.workers} worker{'s' if self.workers > 1 else ''}"


def ask(side: Side, file: Path, args: argparse.Namespace) -> float:
    """Microseconds of the server's CPU a query. Raises SystemExit where queries are lost."""
    cores = "1" if side.workers == 1 else "0,1"
    command = ["taskset", "--cpu-list", cores, "dnsperf", "-s", "127.0.0.1", "-p", str(side.port)]
    command += ["-d", str(file), "-l", str(args.seconds), "-c", str(CLIENTS)]
    command += ["-Q", str(args.rate * side.workers)]
    before = cpu_seconds(side.pid)
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(side.pid) - before
    found = re.search(r"Queries completed:\s+(\d+)", done)
    completed = int(found[1]) if found else 0
    if completed < 0.95 * args.seconds * args.rate * side.workers:
        raise SystemExit(f"{side.title} answered {completed} queries only:\n{done}")
    return spent / completed * 1e6


def started(stack: ExitStack, directory: Path, text: bytes) -> list[Side]:
    """zonecast and Knot, each with one worker and with two."""
    file = directory / "zone"
    file.write_bytes(text)
    found = []
    for workers in (1, 2):
        home = directory / str(workers)
        home.mkdir()
        servers: dict[str, Server] = configured(
            home, ORIGIN, file, workers=workers, names=("zonecast", "Knot")
        )
        for name, server in servers.items():
            pid = stack.enter_context(running(server, 0 if workers == 1 else None)).pid
            until(partial(serves, server.port), f"{name} to serve the zone")
            found.append(Side(name, workers, server.port, pid))
    return sorted(found, key=lambda side: (side.name != "zonecast", side.workers))


def measure(args: argparse.Namespace) -> str:
    """The table."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zonecast-bench-")))
        text = zone_of_names(args.names)
        sides = started(stack, directory, text)
        lines = queries(text, MIX, min(DISTINCT, args.names))
        file = directory / "queries"
        file.write_text("".join(f"{line}\n" for line in lines))
        knot = sides[-1]
        for side in sides:
            whole = side.name == "zonecast"
            wrong = differences(knot.port, side.port, packets(lines), whole=whole)
            if wrong:
                raise SystemExit(f"{side.title} differs from Knot: {wrong[:3]}")
        rounds: dict[Side, list[float]] = {side: [] for side in sides}
        for _ in range(args.rounds):
            for side in sides:
                rounds[side].append(ask(side, file, args))
    return _table(rounds, args)


def _table(rounds: dict[Side, list[float]], args: argparse.Namespace) -> str:
    def of(name: str, workers: int) -> list[float]:
        return next(r for s, r in rounds.items() if (s.name, s.workers) == (name, workers))

    rows = []
    for side, mine in rounds.items():
        knot, alone = of("Knot", side.workers), of(side.name, 1)
        figures = [f"{median(mine):.2f}", ratio(mine, alone), ratio(mine, knot)]
        rows.append([side.title, *figures])
    head = ["server", "CPU a query, µs", "÷ its one worker (spread)", "÷ Knot's (spread)"]
    title = f"{args.rate:,} queries a second for each worker (zone of "
    title += f"{args.names:,} names), median of {args.rounds} rounds"
    return table(title, head, rows)


def main() -> None:
    """Measures."""
    parser = argparse.ArgumentParser(description="two workers beside one")
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=int, default=20_000, help="for each worker")
    args = parser.parse_args()
    if shutil.which("dnsperf") is None or len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("dnsperf and two cores are needed: apt install dnsperf")
    print(f"## Two workers\n\n{measure(args)}\n")


if __name__ == "__main__":
    main()
