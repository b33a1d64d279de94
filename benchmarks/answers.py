"""Answers over UDP: CPU time a query of zonecast, Knot, NSD, BIND and PowerDNS, taking turns.

    python benchmarks/answers.py [--names 100000] [--rounds 9] [--seconds 5] [CASE…]

Each server runs on one core, all its processes together, and dnsperf on another. Before a case
counts, every distinct query's answer is compared with Knot's (or `--compare` of them). Prints a
Markdown table for each case; ratios are to Knot's in the same round.
"""

from __future__ import annotations

import argparse
import os
import random
import re
import shutil
import statistics
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import NamedTuple

from answers_compare import differences, serves
from answers_servers import BIND_OPTIONS, GUARDED, PLAIN
from floor import echo_server
from generator import ORIGIN
from packets import cookies, opt, packets
from queries import mixed_case, queries, zone_of_names
from servers import Server, configured, cpu_seconds, running, until
from signing import sign

MIX = {"hit": 0.85, "nxdomain": 0.05, "wildcard": 0.04, "referral": 0.03, "nodata": 0.03}
SERVER_CORE, CLIENT_CORE = 0, 1


class Case(NamedTuple):
    """What is asked: packets about a zone's text; dnsperf's options; how the servers are set up;
    whether the zone is signed."""

    title: str
    packets: Callable[[bytes], list[bytes]]
    options: tuple[str, ...] = ()
    servers: dict[str, str] = PLAIN
    signed: bool = False


def _mix(text: bytes) -> list[str]:
    return queries(text, MIX, 200_000)


def _with_dnssec(text: bytes) -> list[bytes]:
    return packets(_mix(text), [opt(dnssec=True)])


CASES = {
    "hot": Case("hot: 200,000 queries, 85 % hits, saturated", lambda text: packets(_mix(text))),
    "20k": Case(
        "the same at 20,000 queries a second", lambda text: packets(_mix(text)), ("-Q", "20000")
    ),
    "guarded": Case(
        "the same, saturated, with an access list, a rate limit and statistics",
        lambda text: packets(_mix(text)),
        servers=GUARDED,
    ),
    "cookies": Case(
        "EDNS, DO, 10,000 cookies, mixed case",
        lambda text: packets(mixed_case(_mix(text)), cookies(10_000)),
    ),
    "signed": Case("a signed zone, with DO", _with_dnssec, signed=True),
    "nxdomain": Case(
        "random names that do not exist",
        lambda text: packets(queries(text, {"nxdomain": 1.0}, 1_000_000)),
    ),
    "cold": Case(
        "every name once, in random order",
        lambda text: packets(queries(text, {"hit": 1.0}, 1_000_000)),
    ),
}


class Round(NamedTuple):
    """One run: microseconds of CPU a query, queries a second, average latency in microseconds."""

    cpu: float
    rate: float
    latency: float


def run(
    name: str, pid: int, port: int, file: Path, seconds: float, options: tuple[str, ...]
) -> Round:
    """dnsperf against one server. Raises SystemExit where queries are lost."""
    command = ["taskset", "--cpu-list", str(CLIENT_CORE), "dnsperf", "-s", "127.0.0.1"]
    command += ["-p", str(port), "-d", str(file), "-l", str(seconds), "-c", "8", "-q", "200", "-B"]
    before = cpu_seconds(pid)
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True).stdout
    spent = cpu_seconds(pid) - before
    completed = int(_figure(done, r"Queries completed:\s+(\d+)"))
    lost = int(_figure(done, r"Queries lost:\s+(\d+)"))
    if lost > completed / 1000:
        raise SystemExit(f"{name} lost {lost} of {completed} queries")
    rate = _figure(done, r"Queries per second:\s+([0-9.]+)")
    latency = _figure(done, r"Average Latency \(s\):\s+([0-9.]+)")
    return Round(spent / completed * 1e6, rate, latency * 1e6)


def _figure(text: str, pattern: str) -> float:
    found = re.search(pattern, text)
    if found is None:
        raise SystemExit(f"dnsperf printed no {pattern}:\n{text}")
    return float(found[1])


def measure(case: Case, text: bytes, servers: dict[str, Server], args: argparse.Namespace) -> str:
    """One case's table. The servers take turns; those that wait are stopped, not idle."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zonecast-bench-")))
        asked = case.packets(text)
        file = directory / "queries"
        file.write_bytes(b"".join(len(one).to_bytes(2, "big") + one for one in asked))
        processes = {}
        for name, server in servers.items():
            processes[name] = stack.enter_context(running(server, SERVER_CORE)).pid
            until(partial(serves, server.port), f"{name} to serve the zone")
        compared = random.Random(8).sample(asked, min(args.compare, len(asked)))
        for name, server in servers.items():
            whole = name.startswith("zonecast") and not case.signed
            wrong = differences(servers["Knot"].port, server.port, compared, whole=whole)
            if wrong:
                print(f"{case.title}: {name} differs from Knot: {wrong[:3]}", flush=True)
        ports = {name: server.port for name, server in servers.items()}
        ports["kernel floor"], processes["kernel floor"] = stack.enter_context(
            echo_server(SERVER_CORE)
        )
        rounds: dict[str, list[Round]] = {name: [] for name in ports}
        for _ in range(args.rounds):
            for name, port in ports.items():
                done = run(name, processes[name], port, file, args.seconds, case.options)
                rounds[name].append(done)
    return _table(f"{case.title} ({len(asked):,} distinct, {args.names:,} names)", rounds)


def _table(title: str, rounds: dict[str, list[Round]]) -> str:
    knot = rounds["Knot"]
    count = len(knot)
    lines = [
        f"### {title}, median of {count} rounds",
        "",
        "| server | CPU a query, µs | ÷ Knot (spread) | queries a second | latency, µs |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name, mine in rounds.items():
        ratios = sorted(a.cpu / b.cpu for a, b in zip(mine, knot, strict=True))
        lines.append(
            f"| {name} | {statistics.median(r.cpu for r in mine):.2f} "
            f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
            f"| {statistics.median(r.rate for r in mine):,.0f} "
            f"| {statistics.median(r.latency for r in mine):.0f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measures the cases named, or all."""
    parser = argparse.ArgumentParser(description="answers over UDP, beside others")
    parser.add_argument("cases", nargs="*", choices=[[], *CASES], metavar="CASE")
    parser.add_argument("--names", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--compare", type=int, default=1_000_000, help="so many answers, drawn")
    parser.add_argument("--servers", default="", help="only these, by comma")
    args = parser.parse_args()
    if shutil.which("dnsperf") is None or len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("dnsperf and two cores are needed: apt install dnsperf")
    print(f"## Answers over UDP: a zone of {args.names:,} names\n")
    text = zone_of_names(args.names)
    only = [name for name in args.servers.split(",") if name]
    for name in args.cases or CASES:
        case = CASES[name]
        with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as directory:
            file = Path(directory, "zone")
            file.write_bytes(text)
            if case.signed:
                sign(file, ORIGIN)
            servers = configured(
                Path(directory),
                ORIGIN,
                file,
                names=only,
                zones=case.servers,
                native=True,
                options=BIND_OPTIONS,
            )
            print(measure(case, text, servers, args), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
