"""Reading a zone file: zonecast (read, checked and compared, ready to store) beside named-checkzone,
kzonecheck and dnspython, each in a process of its own, taking turns.

    python benchmarks/zonefile.py [--records 1000000] [--rounds 5]

Prints a Markdown table. Wall and CPU seconds (user and system) are those of the whole process, its
start and its children included; ratios are to named-checkzone's in the same round. The wall clock
is the claim, so the machine should be idle.
"""

from __future__ import annotations

import argparse
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from generator import ORIGIN, zone_file

# dnspython needs minutes for the whole file: it reads a part, and its time is scaled up.
DNSPYTHON_RECORDS = 20_000


OURS = ("zonecast, one core", "zonecast, all cores")


class Run(NamedTuple):
    """One process: CPU and wall seconds, and the most memory that it held, in octets. Processes
    of ours that start others write what those held."""

    cpu: float
    wall: float
    memory: int


def run(command: list[str]) -> Run:
    """Runs a command and measures it. Raises SystemExit where it fails."""
    started = time.perf_counter()
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            output.seek(0)
            raise SystemExit(f"{command} failed:\n{output.read()[-2000:].decode()}")
        wall = time.perf_counter() - started
        output.seek(0)
        children = re.search(rb"^children hold ([0-9]+) octets$", output.read(), re.MULTILINE)
    memory = usage.ru_maxrss * 1024 + (int(children[1]) if children else 0)
    return Run(usage.ru_utime + usage.ru_stime, wall, memory)


def read_ours(path: str, cores: int) -> None:
    """What a publisher does with a new zone before it writes it to the store."""
    from zonecast.server.reading import ReadingProcesses
    from zonecast.zone import names
    from zonecast.zone.gate import judge
    from zonecast.zone.policy import ZonePolicy
    from zonecast.zone.zonefile import read_zone

    content = Path(path).read_bytes()
    helpers = ReadingProcesses(cores) if cores > 1 else None
    origin = names.from_text(ORIGIN)
    parsed = read_zone(content, path=path, origin=origin, include=None, helpers=helpers)
    verdict = judge(None, parsed, ZonePolicy())
    if not verdict.ok or verdict.changeset is None:
        raise SystemExit(f"{path} is refused: {verdict.findings[:3]}")
    if cores > 1:
        # Each child counted as the biggest of them.
        most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
        print(f"children hold {most * (cores - 1)} octets")
    sys.stdout.flush()
    os._exit(0)  # the others do not count their tidying up either


def read_dnspython(path: str) -> None:
    """The same file in dnspython, which checks nothing but that there is a SOA and NS."""
    import dns.zone

    dns.zone.from_file(path, ORIGIN, relativize=False)


def commands(whole: str, part: str) -> dict[str, list[str]]:
    """Who takes part, and how it is called; peers that are not installed are left out."""
    mine = [sys.executable, __file__]
    named = shutil.which("named-checkzone", path=f"{os.environ['PATH']}:/usr/sbin")
    knot = shutil.which("kzonecheck", path=f"{os.environ['PATH']}:/usr/sbin")
    if named is None:
        raise SystemExit("named-checkzone is needed: apt install bind9-utils")
    found = {
        "named-checkzone -i local": [named, "-q", "-i", "local", ORIGIN, whole],
        OURS[0]: [*mine, "--read-ours", whole, "--cores", "1"],
    }
    cores = len(os.sched_getaffinity(0))
    if cores > 1:
        found[OURS[1]] = [*mine, "--read-ours", whole, "--cores", str(cores)]
    if knot is not None:
        found["kzonecheck"] = [knot, "-o", ORIGIN, whole]
    found["dnspython"] = [*mine, "--read-dnspython", part]
    return found


def measure(records: int, rounds: int) -> str:
    """The table."""
    with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as directory:
        whole, part = Path(directory, "whole.zone"), Path(directory, "part.zone")
        scaled = min(DNSPYTHON_RECORDS, records)
        for path, count in ((whole, records), (part, scaled)):
            # By a child: what a process held before it became another program counts as that
            # program's memory, so this one stays small.
            run([sys.executable, __file__, "--generate", str(path), "--records", str(count)])
        runs: dict[str, list[Run]] = {}
        for _ in range(rounds):
            for name, command in commands(str(whole), str(part)).items():
                runs.setdefault(name, []).append(run(command))
        floor = statistics.median(run([sys.executable, "-c", ""]).memory for _ in range(3))
        size = whole.stat().st_size
    lines = [
        f"## Zone file: {records:,} records, {size / 1e6:.1f} MB, median of {rounds} rounds",
        "",
        "| reader | wall, s | CPU, s | wall ÷ named-checkzone's (spread) | memory a record, octets |",
        "| --- | --- | --- | --- | --- |",
    ]
    named = runs["named-checkzone -i local"]
    for name, mine in runs.items():
        factor = records / scaled if name == "dnspython" else 1
        ratios = sorted(a.wall * factor / b.wall for a, b in zip(mine, named, strict=True))
        count = scaled if name == "dnspython" else records
        memory = statistics.median(one.memory for one in mine)
        if name in ("dnspython", *OURS):
            memory -= floor
        lines.append(
            f"| {name} | {_median(mine, lambda r: r.wall) * factor:.2f} "
            f"| {_median(mine, lambda r: r.cpu) * factor:.2f} "
            f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) "
            f"| {memory / count:.0f} |"
        )
    lines += [
        "",
        (
            "zonecast reads, checks and compares: the changeset is ready to store. dnspython reads "
            f"{scaled:,} records and checks nothing; its times are scaled. Memory is the most that "
            "the processes held, less an idle Python's where there is one."
        ),
    ]
    return "\n".join(lines)


def _median(runs: list[Run], of: Callable[[Run], float]) -> float:
    return statistics.median(map(of, runs))


def main() -> None:
    """Measures, or is one of the processes measured."""
    parser = argparse.ArgumentParser(description="zone file reading, beside others")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--generate", metavar="FILE", help="write the zone file and end")
    parser.add_argument("--read-ours", help=argparse.SUPPRESS)
    parser.add_argument("--cores", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--read-dnspython", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.generate:
        Path(arguments.generate).write_bytes(zone_file(arguments.records))
    elif arguments.read_ours:
        read_ours(arguments.read_ours, arguments.cores)
    elif arguments.read_dnspython:
        read_dnspython(arguments.read_dnspython)
    else:
        print(measure(arguments.records, arguments.rounds))


if __name__ == "__main__":
    main()
