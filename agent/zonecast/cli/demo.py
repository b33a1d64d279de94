"""`zonecast demo`: from an edit to three servers, on loopback, with nothing but this host.

A zone is edited, the hook refuses the commit for its serial, `zonecast bump` raises it, a push
publishes it, and each server is asked until it answers with the new data.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import click
import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zonecast.cli.demo_stage import GIT_ENVIRONMENT, Server, Stage, staged
from zonecast.errors import RejectedError

ZONE = "example.com."
ZONE_FILE = "zones/example.com.zone"
NEW_NAME = "demo.example.com."
NEW_ADDRESS = "192.0.2.99"

# Seconds that each server may take; typical is well under one.
PATIENCE = 30.0
LOOK_INTERVAL = 0.005


@click.command()
@click.option("--once", is_flag=True, help="End after the push instead of keeping on serving.")
def command(once: bool) -> None:
    """A sample repository, a primary and two secondaries on loopback; a commit refused, bumped
    and pushed; the convergence shown. Ends with 1 if a server does not converge."""
    console = Console(highlight=False, soft_wrap=True)
    # SIGTERM ends the demo as Ctrl-C does: its agents and its directory go with it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with (
            tempfile.TemporaryDirectory(prefix="zonecast-demo-") as directory,
            staged(Path(directory)) as stage,
        ):
            _play(console, stage)
            if not once:
                _stay(console, stage)
    except KeyboardInterrupt:
        console.print("\nended, nothing is left behind")


def _play(console: Console, stage: Stage) -> None:
    console.print("[bold]1. A primary and two secondaries start[/] (the secondaries know the")
    console.print("   name of a catalog zone and nothing else)")
    before = {server.name: _await_serial(stage, server) for server in stage.servers}
    for server in stage.servers:
        console.print(
            f"   {server.name} {server.role:9} 127.0.0.1:{server.port}"
            f"  {ZONE} serial {before[server.name]}"
        )

    console.print(f"\n[bold]2. An edit without a new serial[/]: {NEW_NAME} A {NEW_ADDRESS}")
    zone_file = stage.clone / ZONE_FILE
    with zone_file.open("a") as file:
        file.write(f"{NEW_NAME.split('.')[0]}  IN A  {NEW_ADDRESS}\n")
    stage.git_or_fail("add", ZONE_FILE)
    refused = stage.git("commit", "-m", "A host for the demo")
    _print_run(console, "git commit", refused.stdout)
    if not refused.returncode:
        raise RejectedError("the hook let a commit without a new serial through")

    console.print("\n[bold]3. Bump, commit, push[/]")
    bumped = subprocess.run(
        [sys.executable, "-m", "zonecast", "bump", ZONE_FILE],
        cwd=stage.clone,
        env={**os.environ, **GIT_ENVIRONMENT},
        capture_output=True,
        text=True,
        check=True,
    )
    _print_run(console, "zonecast bump", bumped.stdout)
    stage.git_or_fail("commit", "--quiet", "--all", "-m", "A host for the demo")
    started = time.monotonic()
    pushed = stage.git_or_fail("push", "origin", "main")
    took = time.monotonic() - started
    _print_run(console, f"git push   ({took:.2f} s)", pushed)

    console.print("\n[bold]4. Each server answers with the new data[/]")
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("server", "serial before", "serial after", NEW_NAME, "after the push began"):
        table.add_column(column)
    late = []
    for name, (serial, seconds) in _await_new(stage, before, started).items():
        behind = seconds is None
        table.add_row(
            name,
            str(before[name]),
            str(serial),
            "-" if behind else NEW_ADDRESS,
            "[bold red]not within the time[/]" if behind else f"{seconds:.2f} s",
        )
        if behind:
            late.append(name)
    console.print(table)
    if late:
        raise RejectedError(f"did not converge: {', '.join(late)}")


def _print_run(console: Console, title: str, output: str) -> None:
    console.print(f"   [cyan]$ {escape(title)}[/]")
    for line in output.strip().splitlines():
        console.print(f"   {escape(line.rstrip())}")


def _ask(server: Server, name: str, rtype: str) -> list[str] | None:
    """The rdatas that a server answers with authority; None where it does not."""
    query = dns.message.make_query(name, rtype)
    try:
        reply = dns.query.udp(query, "127.0.0.1", port=server.port, timeout=0.5)
    except (dns.exception.DNSException, OSError):
        return None
    if reply.rcode() or not reply.flags & dns.flags.AA:
        return None
    wanted = dns.rdatatype.from_text(rtype)
    return [rdata.to_text() for rrset in reply.answer if rrset.rdtype == wanted for rdata in rrset]


def _serial(server: Server) -> int | None:
    soa = _ask(server, ZONE, "SOA")
    return int(soa[0].split()[2]) if soa else None


def _await_serial(stage: Stage, server: Server) -> int:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        serial = _serial(server)
        if serial is not None:
            return serial
        if server.process is not None and server.process.poll() is not None:
            break
        time.sleep(0.05)
    log = server.log.read_text(errors="replace")[-2000:]
    for line in log.splitlines():
        click.echo(f"{server.name}: {line}", err=True)
    raise RejectedError(f"{server.name} does not serve {ZONE}; its log's end is above")


def _await_new(
    stage: Stage, before: dict[str, int], started: float
) -> dict[str, tuple[int | None, float | None]]:
    """For each server its serial and the seconds until it answered with the new record."""
    found: dict[str, tuple[int | None, float | None]] = {}
    deadline = time.monotonic() + PATIENCE
    waiting = list(stage.servers)
    while waiting and time.monotonic() < deadline:
        for server in list(waiting):
            if _ask(server, NEW_NAME, "A") == [NEW_ADDRESS]:
                seconds = time.monotonic() - started
                serial = _serial(server)
                if serial != before[server.name]:
                    found[server.name] = (serial, seconds)
                    waiting.remove(server)
        time.sleep(LOOK_INTERVAL)
    for server in waiting:
        found[server.name] = (_serial(server), None)
    return {server.name: found[server.name] for server in stage.servers}


def _stay(console: Console, stage: Stage) -> None:
    """Keep serving until Ctrl-C, and say what can be tried."""
    zonecast = f"{sys.executable} -m zonecast"
    console.print("\n[bold]Try[/] (Ctrl-C ends everything and removes it):")
    for server in stage.servers:
        console.print(f"   dig @127.0.0.1 -p {server.port} {NEW_NAME} A")
    for server in stage.servers:
        console.print(f"   {zonecast} status --config {server.config}")
    console.print(f"   cd {stage.clone}   # edit, commit, git push")
    threading.Event().wait()
