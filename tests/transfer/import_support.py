"""The command `zonecast import`, and zone files as dnspython reads them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import dns.zone

from zonecast.zone import rdata as rd


def import_zones(cwd: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a directory."""
    return subprocess.run(
        [sys.executable, "-m", "zonecast", "import", *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def records_in(text: str) -> set[tuple[bytes, int, int, bytes]]:
    """Owner in lower case, type, TTL and rdata in canonical form of each record."""
    zone = dns.zone.from_text(text, "example.com.", relativize=False, check_origin=False)
    return {
        (owner.to_wire().lower(), int(one.rdtype), ttl, rd.canonical(one.rdtype, one.to_wire()))
        for owner, ttl, one in zone.iterate_rdatas()
    }
