"""Other people's zone files as worlds: one zone each, of every origin the one that is first."""

from __future__ import annotations

import json
from pathlib import Path

from facts import Facts

# Zones of more octets are for the long form.
SMALL = 150_000


def real_zones(directory: Path, *, large: bool) -> list[Facts]:
    """The zones of `zones/index.jsonl`, without root, what is signed and what lacks a part of it;
    `large` ones too. Where a file states no default TTL it gets one: servers take that for
    different ones."""
    found: dict[str, Facts] = {}
    for entry in _index(directory):
        text = (directory / entry["file"]).read_text()
        if entry["origin"] == "." or "RRSIG" in text or "$INCLUDE" in text:
            continue
        if len(text) > SMALL and not large:
            continue
        if "$TTL" not in text:
            text = f"$TTL 3600\n{text}"
        found.setdefault(entry["origin"].lower(), Facts({entry["origin"]: text}))
    return list(found.values())


def real_root(directory: Path, *, large: bool) -> Facts:
    """The root: a small part of it, or `large` the whole signed zone."""
    name = "zones/root-root.zone.signed" if large else "zones/root-_nsd-query_diff_root.zone"
    return Facts({".": (directory / name).read_text()})


def _index(directory: Path) -> list[dict[str, str]]:
    return [
        json.loads(line) for line in (directory / "zones" / "index.jsonl").read_text().splitlines()
    ]
