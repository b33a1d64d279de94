"""What serving a big zone takes: the memory of two workers, and the time to the first answer after
a start, beside others.

    python benchmarks/footprint.py [--names 1000000] [--rounds 3] [--servers zonecast,Knot]

Memory is taken after every name of the zone was asked for once: what each process has for itself,
and the pages of our store that are mapped, which all processes share, once. Starts are timed with
that zone and with one of 1,000 names. Prints Markdown tables; ratios are to Knot's.
"""

from __future__ import annotations

import argparse
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from generator import ORIGIN
from queries import zone_of_names
from servers import Server, configured, family, running
from transfer_client import SOA, message
from transfer_figures import ratio, table

WORKERS = 2
SMALL = 1_000
# The generator gives glue and services' owners several records: seven names where it is asked for
# eight.
NAMES_OF = (8, 7)
PATIENCE = 300.0
# Seconds after its first answer in which a server starts what else it has.
SETTLING = 2.0
_MAPPING = re.compile(r"^[0-9a-f]+-[0-9a-f]+ \S+ \S+ \S+ \S+ *(.*)$")


class Held(NamedTuple):
    """Megabytes: of each process alone, summed, and of the store's pages, each counted once."""

    private: float
    store: float

    @property
    def together(self) -> float:
        return self.private + self.store


class Start(NamedTuple):
    """Seconds to the first answer: from the start, and from the SIGTERM to the one before."""

    start: float
    restart: float


def held(pid: int) -> Held:
    """What a process and its descendants hold."""
    private = store = 0
    for one in family(pid):
        path = ""
        for line in Path(f"/proc/{one}/smaps").read_text().splitlines():
            mapping = _MAPPING.match(line)
            if mapping is not None:
                path = mapping[1]
            elif path.endswith("/data.mdb"):
                # A page that several processes have mapped is shared out between them.
                store += int(line.split()[1]) if line.startswith("Pss:") else 0
            elif line.startswith("Private_"):
                private += int(line.split()[1])
    return Held(private / 1024, store / 1024)


def first_answer(server: Server, process: subprocess.Popen[bytes]) -> float:
    """When (of `time.perf_counter`) a server first gave the zone's SOA. Raises SystemExit."""
    query = message(ORIGIN, SOA)
    deadline = time.perf_counter() + PATIENCE
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect(("127.0.0.1", server.port))
        sock.settimeout(0.005)
        while time.perf_counter() < deadline and process.poll() is None:
            try:
                sock.send(query)
                answer = sock.recv(65535)
            except TimeoutError:
                continue
            except ConnectionRefusedError:
                time.sleep(0.001)
                continue
            if answer[3] & 0x0F == 0 and answer[6:8] != b"\x00\x00":
                return time.perf_counter()
            time.sleep(0.001)
    log = (server.directory / "log").read_text()
    raise SystemExit(f"{server.name} did not answer within {PATIENCE:.0f} s, or ended:\n{log}")


def ask_all(port: int, file: Path) -> None:
    """Every query in the file once. Raises SystemExit where one in a thousand gets no answer."""
    command = ["dnsperf", "-s", "127.0.0.1", "-p", str(port), "-d", str(file)]
    command += ["-n", "1", "-c", "16", "-q", "200"]
    done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lost = re.search(r"Queries lost:\s+\d+ \(([0-9.]+)%\)", done)
    if lost is None or float(lost[1]) > 0.1:
        raise SystemExit(f"not every name was answered:\n{done}")


def owners(text: bytes) -> set[str]:
    """The names in the zone file, relative to its origin."""
    lines = text.decode().splitlines()
    return {line.split(None, 1)[0] for line in lines if line and line[0] not in " \t;$@*"}


def starts(servers: dict[str, Server], rounds: int) -> dict[str, list[Start]]:
    """Each server that was started once already and ended: restarted in turns, so many times."""
    found: dict[str, list[Start]] = {name: [] for name in servers}
    for _ in range(rounds):
        for name, server in servers.items():
            with running(server) as process:
                first_answer(server, process)
                time.sleep(SETTLING)
                ending = time.perf_counter()
            started = time.perf_counter()
            with running(server) as process:
                answered = first_answer(server, process)
                time.sleep(SETTLING)
            found[name].append(Start(answered - started, answered - ending))
    return found


def memory_used(servers: dict[str, Server], file: Path) -> dict[str, Held]:
    """Each server's memory when all was asked: in the run that publishes the zone, and in the next."""
    found = {}
    for name, server in servers.items():
        for run in ("as first loaded", "started again"):
            with running(server) as process:
                first_answer(server, process)
                ask_all(server.port, file)
                found[f"{name}, {run}"] = held(process.pid)
    return found


def _memory_table(names: int, found: dict[str, Held]) -> str:
    rows = []
    for name, mine in found.items():
        knot = found.get(f"Knot, {name.partition(', ')[2]}")
        beside = ratio([mine.together], [knot.together] if knot else None)
        rows.append(
            [name, f"{mine.private:.0f}", f"{mine.store:.0f}", f"{mine.together:.0f}", beside]
        )
    head = ["server", "private, MB", "store, MB", "together, MB", "÷ Knot"]
    return table(f"Memory: {names:,} names, {WORKERS} workers, every name asked once", head, rows)


def _start_rows(names: int, found: dict[str, list[Start]]) -> list[list[str]]:
    knot = found.get("Knot")
    rows = []
    for name, mine in found.items():
        row = [f"{name}, {names:,} names"]
        for which in range(len(Start._fields)):
            seconds = [one[which] for one in mine]
            row.append(f"{median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f})")
            row.append(ratio(seconds, [one[which] for one in knot] if knot else None))
        rows.append(row)
    return rows


def main() -> None:
    """Measures both."""
    parser = argparse.ArgumentParser(description="memory and start, beside others")
    parser.add_argument("--names", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--servers", default="zonecast,Knot", help="only these, by comma")
    args = parser.parse_args()
    if shutil.which("dnsperf") is None:
        raise SystemExit("dnsperf is needed: apt install dnsperf")
    print("## Memory and start\n", flush=True)
    rows = []
    for names in (args.names, SMALL):
        with tempfile.TemporaryDirectory(prefix="zonecast-bench-") as directory:
            home = Path(directory)
            text = zone_of_names(names * NAMES_OF[0] // NAMES_OF[1])
            (home / "zone").write_bytes(text)
            asked = owners(text)
            (home / "queries").write_text("".join(f"{name}.{ORIGIN} A\n" for name in asked))
            servers = configured(
                home, ORIGIN, home / "zone", workers=WORKERS, names=args.servers.split(",")
            )
            used = memory_used(servers, home / "queries")
            if names == args.names:
                print(_memory_table(len(asked), used), end="\n\n", flush=True)
            rows += _start_rows(len(asked), starts(servers, args.rounds))
    head = ["server", "start, s (spread)", "÷ Knot (spread)"]
    head += ["SIGTERM to answer, s (spread)", "÷ Knot (spread)"]
    title = f"First answer after a start, two cores, median of {args.rounds} rounds"
    print(table(title, head, rows), end="\n\n")


if __name__ == "__main__":
    main()
