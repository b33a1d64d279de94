"""Promotion writes what it can: one record of one zone keeps back no other zone."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from agents import run

from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, Zone
from zonecast.zone.zonefile import read_zone

NOW = 1_800_000_000.0
LONG = ".".join(["l" * 63] * 3 + ["m" * 55]) + "."
ALIAS = RRset(b"\x01s", rd.HTTPS, 300, (bytes.fromhex("0000 00 0001 0003 026832"),))
NO_STRING = RRset(b"\x01t", rd.TXT, 300, (b"",))


def made(name: str, *more: RRset) -> Zone:
    origin = names.from_text(name)
    soa = RRset(b"", rd.SOA, 300, (b"\x00\x00" + (5).to_bytes(4, "big") + bytes(16),))
    first = (soa, RRset(b"", rd.NS, 300, (b"\x02ns\x07example\x00",)))
    return Zone(origin, {rrset.key: rrset for rrset in (*first, *more)})


def promote(directory: Path, *zones: Zone) -> subprocess.CompletedProcess[str]:
    """The command, on a secondary that pulled these zones, into directory/new."""
    state = directory / "state"
    prepare(state)
    writer = ZonesWriter(state)
    try:
        for zone in zones:
            with writer.transaction(NOW) as transaction:
                transaction.replace(zone, source="p")
    finally:
        writer.close()
    config = directory / "zonecast.toml"
    config.write_text(
        f'state-dir = "{state}"\nrun-dir = "{directory}/run"\nlisten = ["127.0.0.1:5300"]\n'
        '[[primary]]\nname = "p"\naddress = "127.0.0.1:5301"\n'
        '[[zone]]\nname = "good.test"\nprimaries = ["p"]\n'
    )
    command = [sys.executable, "-m", "zonecast", "promote", "--config", str(config)]
    return subprocess.run(
        [*command, str(directory / "new")], capture_output=True, text=True, check=False
    )


def test_one_zone_that_no_file_can_hold_keeps_back_no_other(tmp_path: Path) -> None:
    odd = made("odd.test.", ALIAS)
    done = promote(tmp_path, made("a.test."), made("bad.test.", NO_STRING), odd, made(LONG))
    assert done.returncode == 1
    assert "t.bad.test.: a TXT record that no zone file can hold" in done.stderr
    assert "3 zones in commit" in done.stderr
    assert "not among them: 1 zone;" in done.stderr
    assert "[[repository]]" in done.stdout
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", str(tmp_path / "new"), str(clone)])
    files = sorted(file.name for file in (clone / "zones").iterdir())
    assert files[:2] == ["a.test.zone", "odd.test.zone"]
    assert len(files) == 3, "and one under another name than its zone's"
    assert LONG in (clone / "zonecast.toml").read_text()
    content = (clone / "zones" / "odd.test.zone").read_bytes()
    read = read_zone(content, path="x", origin=odd.origin, include=None)
    assert read.zone.rrsets == odd.rrsets


@pytest.mark.parametrize(("zone", "status"), [("a.test.", 0), ("bad.test.", 1)])
def test_all_is_0_and_nothing_is_1(tmp_path: Path, zone: str, status: int) -> None:
    done = promote(tmp_path, made(zone, *([NO_STRING] if status else [])))
    assert done.returncode == status, done.stderr
    assert (tmp_path / "new").exists() == (status == 0)
