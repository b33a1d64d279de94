"""`zonecast check` over a repository of many small zones: looking at it for the first time, again
when nothing changed, and after one zone was edited; beside named-checkzone, which is started for
each file.

    python benchmarks/many.py [--zones 5000] [--rounds 3]

Prints a Markdown table. CPU is user and system time of all processes that were started, wall what
a person waits; medians.
"""

from __future__ import annotations

import argparse
import os
import random
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

# named-checkzone is started for so many files, and its time is scaled up.
SOME = 200
_HEAD = """\
$TTL 3600
@ IN SOA ns1.host.example. hostmaster.host.example. (
        2026010101 ; serial
        7200 3600 1209600 300 )
@ IN NS ns1.host.example.
@ IN NS ns2.host.example.
"""
_MAIL = """\
@ IN MX 10 mx1.host.example.
@ IN MX 20 mx2.host.example.
@ IN TXT "v=spf1 mx include:spf.host.example -all"
_dmarc IN TXT "v=DMARC1; p=quarantine; rua=mailto:dmarc@host.example"
"""
_HOST = """\
ns1 IN A 192.0.2.1
ns2 IN A 192.0.2.2
mx1 IN A 192.0.2.3
mx2 IN A 192.0.2.4
spf IN TXT "v=spf1 ip4:192.0.2.0/24 -all"
www IN A 192.0.2.5
"""


class Time(NamedTuple):
    """Seconds."""

    cpu: float
    wall: float


def lines(number: int, chance: random.Random) -> Iterator[str]:
    """A zone of 10 to 20 records: a web site, most with mail, some with more."""
    yield _HEAD
    yield f"@ IN A 192.0.2.{chance.randrange(1, 255)}\n"
    yield "www IN CNAME @\n" if chance.random() < 0.5 else "www IN CNAME www.host.example.\n"
    if chance.random() < 0.8:
        yield _MAIL
    if chance.random() < 0.3:
        yield '@ IN CAA 0 issue "ca.example.net"\n'
    if chance.random() < 0.1:
        yield f"shop IN NS ns1.customer{number}.example.net.\n"
    for host in range(chance.randrange(2, 8)):
        yield f"host{host} IN A 198.51.{chance.randrange(256)}.{chance.randrange(1, 255)}\n"
        if chance.random() < 0.3:
            yield f"host{host} IN AAAA 2001:db8:{number:x}::{host + 1:x}\n"


def make(top: Path, zones: int) -> None:
    """A repository with one commit."""
    chance = random.Random(1)
    (top / "zones").mkdir(parents=True)
    (top / "zonecast.toml").write_text('[serial]\nmode = "enforce"\n')
    (top / "zones/host.example.zone").write_text(_HEAD + _HOST)
    for number in range(1, zones):
        text = "".join(lines(number, chance))
        (top / f"zones/customer{number}.example.zone").write_text(text)
    long_ago = time.time() - 3600
    for file in (top / "zones").iterdir():
        os.utime(file, (long_ago, long_ago))
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "zones"]):
        subprocess.run(
            ["git", "-c", "user.name=b", "-c", "user.email=b@example.com", *words],
            cwd=top,
            check=True,
        )


def timed(words: list[str], cwd: Path, status: int = 0) -> Time:
    """The time of a command. Raises SystemExit where it ends otherwise."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    done = subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != status:
        raise SystemExit(f"{words} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return Time(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, wall)


def edit(top: Path, number: int, serial: int) -> None:
    """Raise one zone's serial and add a host."""
    file = top / f"zones/customer{number}.example.zone"
    text = file.read_text().replace("2026010101", str(2026010101 + serial))
    file.write_text(f"{text}new{serial} IN A 192.0.2.9\n")


def named(top: Path, zones: int) -> Time:
    """named-checkzone for each of some files, scaled to all."""
    program = shutil.which("named-checkzone", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        raise SystemExit("named-checkzone is needed: apt install bind9-utils")
    some = min(SOME, zones - 1)
    script = f'for n in $(seq {some}); do {program} -q -i local "customer$n.example" "zones/customer$n.example.zone"; done'
    spent = timed(["sh", "-c", script], top)
    return Time(spent.cpu * zones / some, spent.wall * zones / some)


def measure(zones: int, rounds: int) -> str:
    """The table."""
    check = [sys.executable, "-m", "zonecast", "check"]
    hook = [sys.executable, "-m", "zonecast", "hook", "pre-commit"]
    found: dict[str, list[Time]] = {}
    with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as directory:
        top = Path(directory, "zones")
        make(top, zones)
        kept = top / ".git/zonecast"

        def note(name: str, action: Callable[[], Time]) -> None:
            found.setdefault(name, []).append(action())

        for number in range(1, rounds + 1):
            shutil.rmtree(kept, ignore_errors=True)
            note("zonecast check, nothing known", lambda: timed(check, top))
            note("zonecast check again", lambda: timed(check, top))
            edit(top, number, 1)
            note("zonecast check, one zone edited", lambda: timed(check, top))
            subprocess.run(["git", "add", "-A"], cwd=top, check=True)
            note("zonecast check --staged, that zone", lambda: timed([*check, "--staged"], top))
            note("zonecast hook pre-commit, that zone", lambda: timed(hook, top))
            subprocess.run(["git", "reset", "-q", "--hard"], cwd=top, check=True)
            note("named-checkzone, one process a file", lambda: named(top, zones))
    rows = [
        f"## Many zones: {zones:,} of 10 to 20 records, median of {rounds} rounds",
        "",
        "| | CPU, s | wall, s |",
        "| --- | --- | --- |",
    ]
    for name, times in found.items():
        cpu = statistics.median(spent.cpu for spent in times)
        wall = statistics.median(spent.wall for spent in times)
        rows.append(f"| {name} | {cpu:.2f} | {wall:.2f} |")
    return "\n".join(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--zones", type=int, default=5000)
    parser.add_argument("--rounds", type=int, default=3)
    options, _ = parser.parse_known_args()
    print(measure(options.zones, options.rounds))


if __name__ == "__main__":
    main()
