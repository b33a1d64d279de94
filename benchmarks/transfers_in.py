"""AXFR of a big zone into a secondary, and then single records by IXFR: from the NOTIFY to its
answering with the new serial, and the CPU time that took. The primary is Knot for everybody.

The secondary has one core, which is not the primary's; and again all cores, the primary's among them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from generator import ORIGIN, zone_file
from servers import Server, configured, cpu_seconds, memory, running, until
from transfer_client import serial_at, tell
from transfer_figures import ratio, table
from transfer_servers import NAMED_OPTIONS, PRIMARY, SECONDARY

SECONDARY_CORE, PRIMARY_CORE = 0, 1
EDITS = 20
ONE_CORE, ALL_CORES = "one core", "all cores"
_FIRST = b"2026010101 ; serial"
_BIG = b"2026010102 ; serial"
# Seconds between looks at a secondary while a transfer runs, and while a small one does: looking
# takes a millisecond of a core.
LOOK, LOOK_CLOSELY = 0.02, 0.002


class Round(NamedTuple):
    """Seconds and CPU seconds of the AXFR, megabytes held at most meanwhile, seconds and CPU
    seconds of one IXFR."""

    seconds: float
    cpu: float
    memory: float
    edit_seconds: float
    edit_cpu: float


class Primary:
    """Knot with a zone of three records that becomes a big one."""

    def __init__(self, directory: Path, big: bytes) -> None:
        self._file = directory / "zone"
        self._big = big
        made = configured(
            directory, ORIGIN, self._file, names=["Knot"], zones=PRIMARY, load="whole"
        )
        if "Knot" not in made:
            raise SystemExit("Knot is needed: apt install knot")
        self.server = made["Knot"]

    def begin(self, stack: ExitStack) -> None:
        """Start it anew with the small zone."""
        for left in self.server.directory.iterdir():
            if left.name != "knot.conf":
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        self._file.write_bytes(zone_file(1))
        stack.enter_context(running(self.server, PRIMARY_CORE))
        until(lambda: serial_at(self.server.port, ORIGIN) is not None, "the primary")

    def grow(self) -> int:
        """Load the big zone; its serial."""
        self._file.write_bytes(self._big.replace(_FIRST, _BIG, 1))
        subprocess.run(self.server.reload, check=True, capture_output=True)
        serial = int(_BIG.split()[0])
        until(lambda: serial_at(self.server.port, ORIGIN) == serial, "the primary's big zone")
        return serial

    def edit(self, number: int) -> None:
        """One more record, and the next serial."""
        zone = ORIGIN.rstrip(".")
        knotc = self.server.reload[:-2]
        for words in (
            ["zone-begin", zone],
            ["zone-set", zone, f"edit{number}", "3600", "A", f"192.0.2.{number}"],
            ["zone-commit", zone],
        ):
            subprocess.run([*knotc, *words], check=True, capture_output=True)


def _await(port: int, serial: int, pid: int, what: str, pause: float) -> float:
    """Wait for a serial; megabytes of memory held at most."""
    most = 0.0

    def look() -> bool:
        nonlocal most
        most = max(most, memory(pid))
        time.sleep(pause)
        return serial_at(port, ORIGIN) == serial

    until(look, what)
    return most


def _settled(pid: int) -> None:
    """Wait until what the server does by itself is done."""
    before = -1.0
    while (now := cpu_seconds(pid)) - before > 0.015:
        before = now
        time.sleep(1.0)


def _round(name: str, server: Server, primary: Primary, cores: Sequence[int]) -> Round:
    with ExitStack() as stack:
        primary.begin(stack)
        pid = stack.enter_context(running(server, cores)).pid
        port = server.port
        until(lambda: serial_at(port, ORIGIN) is not None, f"{name} to have the small zone")
        serial = primary.grow()
        before = cpu_seconds(pid)
        started = time.perf_counter()
        tell(port, ORIGIN)
        most = _await(port, serial, pid, f"{name} to have the big zone", LOOK)
        seconds = time.perf_counter() - started
        cpu = cpu_seconds(pid) - before
        _settled(pid)
        before = cpu_seconds(pid)
        times = []
        for number in range(EDITS):
            primary.edit(number)
            started = time.perf_counter()
            tell(port, ORIGIN)
            what = f"{name} to have edit {number}"
            _await(port, serial + number + 1, pid, what, LOOK_CLOSELY)
            times.append(time.perf_counter() - started)
        edit_cpu = (cpu_seconds(pid) - before) / EDITS
    return Round(seconds, cpu, most, statistics.median(times), edit_cpu)


def fetching(arguments: argparse.Namespace, directory: Path) -> str:
    """The three tables."""
    cores = {ONE_CORE: [SECONDARY_CORE], ALL_CORES: sorted(os.sched_getaffinity(0))}
    os.sched_setaffinity(0, {PRIMARY_CORE})
    (directory / "primary").mkdir()
    primary = Primary(directory / "primary", zone_file(arguments.records))
    rounds: dict[str, dict[str, list[Round]]] = {width: {} for width in cores}
    for number in range(arguments.rounds):
        for width, chosen in cores.items():
            home = directory / f"round{number}"
            home.mkdir()
            servers = configured(
                home,
                ORIGIN,
                home / "zone",
                names=[name for name in arguments.servers.split(",") if name],
                zones=SECONDARY,
                native=True,
                primary=primary.server.port,
                options=NAMED_OPTIONS,
            )
            for name, server in servers.items():
                done = _round(name, server, primary, chosen)
                rounds[width].setdefault(name, []).append(done)
                (home / "zone").unlink(missing_ok=True)
            shutil.rmtree(home)
    tables = [_whole(f"{arguments.records:,} records from Knot, {w}", r) for w, r in rounds.items()]
    return "\n\n".join([*tables, _edits(rounds[ONE_CORE])])


def _whole(title: str, rounds: dict[str, list[Round]]) -> str:
    knot = rounds.get("Knot")
    rows = [
        [
            name,
            f"{statistics.median(r.seconds for r in mine):.2f}",
            ratio([r.seconds for r in mine], [r.seconds for r in knot] if knot else None),
            f"{statistics.median(r.cpu for r in mine):.2f}",
            ratio([r.cpu for r in mine], [r.cpu for r in knot] if knot else None),
            f"{max(r.memory for r in mine):.0f}",
        ]
        for name, mine in rounds.items()
    ]
    head = ["secondary", "NOTIFY to answer, s", "÷ Knot (spread)", "CPU, s", "÷ Knot (spread)"]
    return table(f"AXFR in: {title}", [*head, "memory at most, MB"], rows)


def _edits(rounds: dict[str, list[Round]]) -> str:
    knot = rounds.get("Knot")
    rows = [
        [
            name,
            f"{statistics.median(r.edit_cpu for r in mine) * 1000:.1f}",
            ratio([r.edit_cpu for r in mine], [r.edit_cpu for r in knot] if knot else None),
            f"{statistics.median(r.edit_seconds for r in mine) * 1000:.0f}",
        ]
        for name, mine in rounds.items()
    ]
    head = ["secondary", "CPU an IXFR, ms", "÷ Knot (spread)", "NOTIFY to answer, ms"]
    return table(f"IXFR in: one record into that zone, {EDITS} times", head, rows)
