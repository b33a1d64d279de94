"""Latency at 20,000 queries a second: nothing else going on, while one record or all of a zone of
1,000,000 are published, and while that zone is transferred out, beside others.

    python benchmarks/latency.py [--records 1000000] [--rounds 3] [--seconds 5] [SITUATION…]

The servers take turns, each on one core with all its processes, publisher included; the client
(`latency_client`) is on another. Prints a Markdown table for each situation: medians of the rounds,
and the ratio of p99 to Knot's in the same round. The kernel floor says what is the client's own.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from statistics import median

from answers import MIX
from answers_compare import differences
from floor import echo_server
from generator import ORIGIN, zone_file
from latency_client import Latency, asking
from packets import packets
from queries import WILDCARDS, queries
from servers import Server, configured, until
from transfer_client import axfr, serial_at
from transfer_edits import FIRST
from transfer_figures import ratio, table
from transfer_servers import NAMED_OPTIONS, PRIMARY, secondaries
from transfers_out import CLIENT_CORE, SERVER_CORE, start

DISTINCT = 200_000
TRANSFERS = 3
# One of its records, or every one, is what the rails stop unless it is meant.
MEANT = "another version\n\nZonecast-Allow: mass-update"


class Bench:
    """The servers, running, with the zone that is changed under them."""

    def __init__(self, stack: ExitStack, directory: Path, args: argparse.Namespace) -> None:
        self.args = args
        self._file = directory / "zone"
        self._text = zone_file(args.records) + WILDCARDS.encode()
        self._file.write_bytes(self._text)
        self._serial = FIRST
        self.queries = directory / "queries"
        lines = queries(self._text, MIX, min(DISTINCT, args.records))
        self.queries.write_text("".join(f"{line}\n" for line in lines))
        self.servers = configured(
            directory,
            ORIGIN,
            self._file,
            names=args.servers.split(","),
            zones=PRIMARY,
            load="whole",
            options=NAMED_OPTIONS,
            secondaries=secondaries(["127.0.0.1"], 9),
        )
        start(stack, self.servers, SERVER_CORE)
        for name, server in self.servers.items():
            whole = name == "zonecast"
            port = self.servers["Knot"].port
            wrong = differences(port, server.port, packets(lines), whole=whole)
            if wrong:
                raise SystemExit(f"{name} differs from Knot: {wrong[:3]}")

    def measure(self, port: int, during: Callable[[], object]) -> Latency:
        """The latency while something goes on."""
        with asking(port, self.args.rate, self.queries, CLIENT_CORE) as result:
            during()
        return result[0]

    def new_text(self, *, whole: bool) -> None:
        """The zone's next version, with one more record or with every record's TTL changed."""
        old, self._serial = self._serial, self._serial + 1
        text = self._text.replace(b"%d ; serial" % old, b"%d ; serial" % self._serial, 1)
        if whole:
            ttl = (b"3600", b"3601")[:: 1 if b"$TTL 3600" in text else -1]
            text = text.replace(b"$TTL %s" % ttl[0], b"$TTL %s" % ttl[1], 1)
        else:
            text += b"edit%d IN A 192.0.2.%d\n" % (self._serial, self._serial % 250)
        self._text = text

    def ready(self, server: Server) -> Callable[[], object]:
        """All that comes before a server is told of the new version; gives what tells it, and waits
        for its serial."""
        if server.reload:
            self._file.write_bytes(self._text)
            tell = server.reload
        else:
            git = ["git", "-C", str(server.directory / "repository")]
            Path(git[2], f"{ORIGIN}zone").write_bytes(self._text)
            for words in (["checkout", "-q", "--detach"], ["commit", "-q", "-a", "-m", MEANT]):
                subprocess.run([*git, *words], check=True)
            tell = [*git, "update-ref", "refs/heads/main", "HEAD"]

        def publish() -> None:
            subprocess.run(tell, check=True, capture_output=True)
            until(
                lambda: serial_at(server.port, ORIGIN) == self._serial,
                f"{server.name} to have serial {self._serial}",
            )

        return publish


def quiet(bench: Bench) -> dict[str, Latency]:
    """One round of nothing else going on, and of the floor."""
    seconds = bench.args.seconds
    ports = {name: server.port for name, server in bench.servers.items()}
    with echo_server(SERVER_CORE) as (port, _):
        ports["kernel floor"] = port
        return {
            name: bench.measure(port, lambda: time.sleep(seconds)) for name, port in ports.items()
        }


def publishing(bench: Bench, *, whole: bool) -> dict[str, Latency]:
    """One round of a new version, from when a server is told until it serves it."""
    bench.new_text(whole=whole)
    found = {}
    for name, server in bench.servers.items():
        publish = bench.ready(server)
        found[name] = bench.measure(server.port, publish)
    return found


def transferring(bench: Bench) -> dict[str, Latency]:
    """One round of AXFRs, one after the other."""

    def fetch(port: int) -> None:
        for _ in range(TRANSFERS):
            axfr(port, ORIGIN)

    return {
        name: bench.measure(server.port, partial(fetch, server.port))
        for name, server in bench.servers.items()
    }


SITUATIONS: dict[str, tuple[str, Callable[[Bench], dict[str, Latency]]]] = {
    "quiet": ("nothing else going on", quiet),
    "record": ("one record is published", lambda bench: publishing(bench, whole=False)),
    "zone": ("every record is published anew", lambda bench: publishing(bench, whole=True)),
    "axfr": (f"{TRANSFERS} AXFRs, one after the other", transferring),
}


def _table(title: str, rounds: list[dict[str, Latency]]) -> str:
    rows = []
    for name in rounds[0]:
        mine = [one[name] for one in rounds]
        middle = [f"{median(column):,.0f}" for column in zip(*mine, strict=True)]
        p99 = [one.p99 for one in mine]
        knot = [one["Knot"].p99 for one in rounds]
        rows.append([name, *middle[:2], ratio(p99, knot), *middle[2:]])
    head = ["server", "p50, µs", "p99, µs", "p99 ÷ Knot (spread)", "p99.9, µs", "longest, µs"]
    return table(title, [*head, "queries", "unanswered"], rows)


def main() -> None:
    """Measures the situations named, or all."""
    parser = argparse.ArgumentParser(description="latency, beside others")
    parser.add_argument("situations", nargs="*", choices=[[], *SITUATIONS], metavar="SITUATION")
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rate", type=int, default=20_000)
    parser.add_argument("--servers", default="zonecast,Knot,NSD", help="only these, by comma")
    args = parser.parse_args()
    if shutil.which("knotd", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        raise SystemExit("Knot is needed: apt install knot")
    if len(os.sched_getaffinity(0)) < 2:
        raise SystemExit("two cores are needed")
    os.sched_setaffinity(0, {CLIENT_CORE})
    print(f"## Latency: {args.records:,} records, {args.rate:,} queries a second\n", flush=True)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="zonecast-bench-")))
        bench = Bench(stack, directory, args)
        for name in args.situations or SITUATIONS:
            title, once = SITUATIONS[name]
            rounds = [once(bench) for _ in range(args.rounds)]
            title = f"{title}, median of {args.rounds} rounds"
            print(_table(title, rounds), end="\n\n", flush=True)


if __name__ == "__main__":
    main()
