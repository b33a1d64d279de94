"""The agent's report for people, the part about primaries: what each last said of a zone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from rich.markup import escape
from rich.table import Table

from zonecast.zone.serial import next_serial


def source(zone: dict[str, Any]) -> str:
    """Which primary a pulled zone came from; without data, which is asked first."""
    names = [primary["name"] for primary in zone["refresh"]["primaries"]]
    return escape(zone["source"] if zone.get("source") in names else names[0])


def primaries_table(zone: dict[str, Any], now: float, age: Callable[[float], str]) -> Table:
    """One zone's primaries, each with what it last said."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("primary", "address", "serial", "answered", "last error"):
        table.add_column(column, justify="right" if column == "serial" else "left")
    for primary in zone["refresh"]["primaries"]:
        answered = primary["answered"]
        notes = ("TLS" if primary["tls"] != "off" else "", "pinned" if primary["pinned"] else "")
        shown = " ".join(note for note in (primary["address"], *notes) if note)
        table.add_row(
            escape(primary["name"]),
            escape(shown),
            "-" if primary["serial"] is None else str(primary["serial"]),
            "-" if answered is None else f"{age(now - answered)} ago",
            escape(primary["error"] or "-"),
        )
    return table


def primary_warnings(
    zones: list[dict[str, Any]], now: float, age: Callable[[float], str]
) -> Iterator[str]:
    """What needs attention though the zones themselves are up to date: a primary that does not
    answer, one that went back, one that does not do as it should."""
    silent: dict[str, float] = {}
    failing: dict[str, list[tuple[str, str]]] = {}
    for zone in zones:
        if zone["refresh"] is None:
            continue
        for primary in zone["refresh"]["primaries"]:
            if primary["silent-since"] is not None:
                silent[primary["name"]] = primary["silent-since"]
            elif zone["refresh"]["trouble"]:
                continue  # which says it already
            elif primary["back-from"] is not None:
                yield _went_back(zone, primary)
            elif primary["error"]:
                failing.setdefault(primary["name"], []).append((zone["zone"], primary["error"]))
    for name, since in silent.items():
        yield f"{name}, a primary, does not answer, for {age(now - since)}"
    for name, errors in failing.items():
        zone_name, error = errors[0]
        others = f" (and {len(errors) - 1} more zones)" if len(errors) > 1 else ""
        yield f"{zone_name} from {name}{others}: {error}"


def _went_back(zone: dict[str, Any], primary: dict[str, Any]) -> str:
    above = next_serial((primary["back-from"], zone["serial"] or 0), "increment", 0)
    return (
        f"{zone['zone']}: {primary['name']} went back from serial {primary['back-from']} to"
        f" {primary['serial']}, which is not taken: raise it there to {above} or more, or take its"
        f" version as it is: zonecast retransfer {zone['zone']}"
    )
