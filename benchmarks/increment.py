"""One record changed in a big zone file: zonecast from the commit to the changeset, and on to the
store, beside Knot, NSD and BIND reloading the same file until they answer with its new serial.

    python benchmarks/increment.py [--records 1000000] [--rounds 7]

Prints a Markdown table; all take turns in one run, each round has another edit, and ratios are to
Knot's time in the same round.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from functools import partial
from pathlib import Path

import dns.exception
import dns.message
import dns.query
from generator import ORIGIN, zone_file
from servers import Server, configured, running, until

FILE = f"{ORIGIN}zone"


def serial_of(port: int) -> int | None:
    """The serial that a server answers with, None where it does not answer."""
    query = dns.message.make_query(ORIGIN, "SOA")
    try:
        answer = dns.query.udp(query, "127.0.0.1", port=port, timeout=1).answer
    except (dns.exception.DNSException, OSError):
        return None
    return answer[0][0].serial if answer else None


def _has(port: int, serial: int) -> bool:
    return serial_of(port) == serial


def reloaded(server: Server, serial: int) -> float:
    """Seconds from telling a server that its file changed to its answering with the new serial."""
    started = time.perf_counter()
    subprocess.run(server.reload, check=True, capture_output=True)
    until(partial(_has, server.port, serial), f"{server.name} to have serial {serial}")
    return time.perf_counter() - started


def ours(directory: str) -> None:
    """A publisher: everything is imported, then one commit for each line that comes."""
    from zonecast.repository import Repository
    from zonecast.server.publishing.planning import Job, make_plan
    from zonecast.server.publishing.publish import publish
    from zonecast.store.schema import prepare
    from zonecast.store.writer import ZonesWriter

    state = Path(directory, "state")
    prepare(state)
    writer = ZonesWriter(state)
    for line in sys.stdin:
        job = Job(name="bench", commit=line.strip(), commit_time=0)
        started = time.perf_counter()
        repository = Repository.open(Path(directory, "repository"))
        with writer.snapshot() as snapshot:
            plan = make_plan(job, repository, snapshot)
        planned = time.perf_counter() - started
        changes = sum(len(c.deleted) + len(c.added) for c in plan.changesets.values())
        started = time.perf_counter()
        result = publish(job, repository, writer, time.time())
        published = time.perf_counter() - started
        print(
            json.dumps([planned, published, changes, result["held"] + result["refused"]]),
            flush=True,
        )


class Ours:
    """Our publisher, asked for one commit after the other."""

    def __init__(self, directory: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, "--ours", str(directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def publish(self, commit: str) -> tuple[float, float, int]:
        """Seconds to the changeset, seconds of the whole publication, RRsets that changed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{commit}\n")
        self._process.stdin.flush()
        planned, published, changes, refused = json.loads(self._process.stdout.readline())
        if refused:
            raise SystemExit(f"{commit} is refused: {refused}")
        return planned, published, changes

    def close(self) -> None:
        """Ends the publisher."""
        self._process.communicate()


class Source:
    """The repository and its one zone file, edited one record at a time."""

    def __init__(self, directory: Path, records: int) -> None:
        self.file = directory / "repository" / FILE
        self.file.parent.mkdir()
        self._content = zone_file(records)
        self._chance = random.Random(7)
        self.serial = 2026010101
        self._git("init", "--quiet", "--initial-branch=main")
        self._git("config", "user.name", "benchmark")
        self._git("config", "user.email", "benchmark@example.net")
        self.commit = self._commit()

    def _git(self, *words: str) -> str:
        command = ["git", "-C", str(self.file.parent), *words]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def _commit(self) -> str:
        self.file.write_bytes(self._content)
        self._git("add", "--all")
        self._git("commit", "--quiet", "--message", f"serial {self.serial}")
        self.commit = self._git("rev-parse", "HEAD")
        return self.commit

    def edit(self) -> None:
        """Another address for a host somewhere in the file, and the next serial."""
        content = self._content.replace(
            b"%d ; serial" % self.serial, b"%d ; serial" % (self.serial + 1), 1
        )
        start = self._chance.randrange(len(content) // 10, len(content) * 9 // 10)
        found = re.compile(rb"\n\S+ IN A ([0-9.]+)\n").search(content, start)
        assert found is not None
        self.serial += 1
        address = b"192.0.2.%d" % self._chance.randrange(1, 250)
        self._content = content[: found.start(1)] + address + content[found.end(1) :]
        self._commit()


def measure(records: int, rounds: int) -> str:
    """The table."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zonecast-bench-")))
        source = Source(directory, records)
        mine = Ours(directory)
        stack.callback(mine.close)
        first = mine.publish(source.commit)
        others = configured(directory, ORIGIN, source.file, names=("Knot", "NSD", "BIND"))
        if "Knot" not in others:
            raise SystemExit("Knot is needed: apt install knot")
        for server in others.values():
            stack.enter_context(running(server))
            until(partial(_has, server.port, source.serial), f"{server.name} to serve")
        times: dict[str, list[float]] = {}
        for _ in range(rounds):
            source.edit()
            planned, published, changes = mine.publish(source.commit)
            if not 1 <= changes <= 2:
                raise SystemExit(f"{changes} RRsets changed")
            times.setdefault("zonecast, commit to changeset", []).append(planned)
            times.setdefault("zonecast, commit to store", []).append(published)
            for name, server in others.items():
                seconds = reloaded(server, source.serial)
                times.setdefault(f"{name}, reload to answer", []).append(seconds)
        size = source.file.stat().st_size
    return _table(records, rounds, size, times, first[1])


def _table(
    records: int, rounds: int, size: int, times: dict[str, list[float]], first: float
) -> str:
    knot = times["Knot, reload to answer"]
    lines = [
        f"## One record changed: {records:,} records, {size / 1e6:.1f} MB, median of {rounds} rounds",
        "",
        "| what | wall, s | ÷ Knot (spread) |",
        "| --- | --- | --- |",
    ]
    for name, mine in times.items():
        ratios = sorted(a / b for a, b in zip(mine, knot, strict=True))
        lines.append(
            f"| {name} | {statistics.median(mine):.2f} "
            f"| {statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}) |"
        )
    lines += [
        "",
        (
            "From the commit: git's objects are read, compared, judged by the gate; the changeset is "
            f"ready, then stored. The first publication of the whole zone took {first:.1f} s."
        ),
    ]
    return "\n".join(lines)


def main() -> None:
    """Measures, or is the publisher that is measured."""
    parser = argparse.ArgumentParser(description="one record changed in a big zone, beside others")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--ours", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.ours:
        ours(arguments.ours)
    else:
        print(measure(arguments.records, arguments.rounds))


if __name__ == "__main__":
    main()
