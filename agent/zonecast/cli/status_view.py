"""The agent's report for people: one line a zone, and below it what needs attention."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from zonecast.cli.status_primaries import primaries_table, primary_warnings, source
from zonecast.errors import printable
from zonecast.zone.serial import next_serial

# Zones shown one by one; of more, the rest is counted.
SHOWN = 200
WIDTH = 10_000
# Members shown of those that a catalog lists and another has; of more, the rest is counted.
CLASHES = 10


def print_report(report: dict[str, Any]) -> None:
    """Print a status report; coloured on a terminal only."""
    # Never cut a name: what is wider than the terminal wraps, what is piped stays whole.
    console = Console(highlight=False, soft_wrap=True, width=WIDTH)
    now = report["agent"]["now"]
    console.print(_zones(report["zones"][:SHOWN], now))
    if len(report["zones"]) == 1 and report["zones"][0]["refresh"] is not None:
        console.print(primaries_table(report["zones"][0], now, age))
    if len(report["zones"]) > SHOWN:
        console.print(f"… and {len(report['zones']) - SHOWN} more zones: zonecast status ZONE")
    for repository in report["repositories"]:
        if repository["trouble"]:
            _warn(console, f"{repository['name']}: {repository['trouble']}")
    for name, catalog in report["catalogs"].items():
        if catalog["trouble"]:
            _warn(console, f"{name}: {catalog['trouble']}")
        for member, why in list(catalog["clashes"].items())[:CLASHES]:
            _warn(console, f"{name} lists {member}, which it does not get: {why}")
        if len(catalog["clashes"]) > CLASHES:
            _warn(console, f"{name}: {len(catalog['clashes']) - CLASHES} more are not its own")
    for text in report["warnings"]:
        _warn(console, text)
    for text in primary_warnings(report["zones"], now, age):
        _warn(console, text)
    _print_silent(console, report["zones"], now)
    for zone in report["zones"]:
        _print_troubles(console, zone)
    for held in report["held"]:
        what, commit = escape(printable(held["what"])), held["commit"][:12]
        console.print(f"[bold red]held[/] {what} of commit {commit}, the last good version serves:")
        for finding in held["findings"]:
            remedy = f"; {finding['remedy']}" if finding["remedy"] else ""
            place = f"{finding['position']}: {finding['message']} [{finding['id']}]{remedy}"
            console.print(f"  {escape(printable(place))}")


def _zones(zones: list[dict[str, Any]], now: float) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("zone", "serial", "records", "from", "commit", "age", "secondaries"):
        table.add_column(column, justify="right" if column in ("serial", "records") else "left")
    for zone in zones:
        if zone["serial"] is None:
            table.add_row(escape(zone["zone"]), "-", "-", _source(zone), "-", "-", "not here yet")
            continue
        table.add_row(
            escape(zone["zone"]),
            str(zone["serial"]),
            str(zone["records"]),
            _source(zone),
            zone["commit"][:12] or "-",
            age(now - zone["published"]),
            "[bold red]EXPIRED[/]" if zone["expired"] else _secondaries(zone["secondaries"], now),
        )
    return table


def _source(zone: dict[str, Any]) -> str:
    if zone["refresh"] is not None:
        return source(zone)
    return escape(printable(zone["path"] or zone["source"]))


def _secondaries(peers: list[dict[str, Any]], now: float) -> str:
    parts = []
    for peer in peers:
        name = escape(peer["name"])
        if peer["has-it"] and peer["silent-since"]:
            parts.append(f"[yellow]{name} had it {age(now - peer['seen-at'])} ago[/]")
        elif peer["has-it"]:
            parts.append(f"[green]{name} has it[/]")
        else:
            parts.append(f"[yellow]{name} {peer['seen'] or 'not seen'}[/]")
    return ", ".join(parts) or "-"


def _print_silent(console: Console, zones: list[dict[str, Any]], now: float) -> None:
    silent: dict[str, tuple[float, str]] = {}
    for zone in zones:
        for peer in zone.get("secondaries", ()):
            if peer["silent-since"]:
                why = peer["error"] or silent.get(peer["name"], (0.0, ""))[1]
                silent[peer["name"]] = peer["silent-since"], why
    for name, (since, why) in silent.items():
        _warn(console, f"{name} does not answer, for {age(now - since)}{why and f': {why}'}")


def _print_troubles(console: Console, zone: dict[str, Any]) -> None:
    trouble = zone["refresh"] and zone["refresh"]["trouble"]
    if trouble:
        _warn(console, f"{zone['zone']}: {trouble}")
    for peer in zone.get("secondaries", ()):
        if peer["ahead"]:
            text = (
                f"{zone['zone']}: {peer['name']} serves {peer['seen']}, which is greater than our "
                f"{zone['serial']}, so it will not take ours: raise the serial here to "
                f"{next_serial((peer['seen'],), 'increment', 0)} or more, or have it transfer the "
                "zone anew there (zonecast retransfer, rndc retransfer)"
            )
            _warn(console, text)
        if peer["error"] and not peer["has-it"] and not peer["silent-since"]:
            _warn(console, f"{zone['zone']} at {peer['name']}: {peer['error']}")


def _warn(console: Console, text: str) -> None:
    console.print(f"[bold yellow]warning[/] {escape(text)}")


def age(seconds: float) -> str:
    """A time span in its greatest unit, for people."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
