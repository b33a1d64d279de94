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
from zonecast.zone.collection import zone_files
from zonecast.zone.policy import Policy
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


def promote(directory: Path, *zones: Zone, source: str = "p") -> subprocess.CompletedProcess[str]:
    """The command, on a secondary that pulled these zones, into directory/new."""
    state = directory / "state"
    prepare(state)
    writer = ZonesWriter(state)
    try:
        for zone in zones:
            with writer.transaction(NOW) as transaction:
                transaction.replace(zone, source=source)
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


def test_each_zone_has_a_file_of_its_own(tmp_path: Path) -> None:
    origins = ["0/25.2.0.192.in-addr.arpa.", "zone-1.", "128/25.2.0.192.in-addr.arpa.", "zone-3."]
    done = promote(tmp_path, *map(made, origins))
    assert done.returncode == 0, done.stderr
    clone = tmp_path / "clone"
    run(["git", "clone", "-q", str(tmp_path / "new"), str(clone)])
    policy = Policy.from_toml((clone / "zonecast.toml").read_bytes(), "zonecast.toml")
    files = [file.relative_to(clone).as_posix() for file in (clone / "zones").iterdir()]
    found, findings = zone_files(files, policy)
    assert not findings
    assert sorted(map(names.to_text, found.values())) == sorted(origins)
    for path, origin in found.items():
        content = (clone / path).read_bytes()
        read = read_zone(content, path=path, origin=origin, include=None)
        assert read.zone.origin == origin


def test_zones_of_a_primary_that_has_another_name_now_are_not_left_out(tmp_path: Path) -> None:
    done = promote(tmp_path, made("good.test."), made("more.test."), source="former")
    assert done.returncode == 0, done.stderr
    listed = run(["git", "-C", str(tmp_path / "new"), "ls-tree", "-r", "--name-only", "HEAD"])
    assert listed.split() == ["zonecast.toml", "zones/good.test.zone", "zones/more.test.zone"]


def test_catalogs_and_what_is_published_here_are_left_out(tmp_path: Path) -> None:
    version = RRset(b"\x07version", rd.TXT, 0, (b"\x012",))
    member = RRset(b"\x01x\x05zones", rd.PTR, 0, (names.from_text("more.test."),))
    former = made("former.catalog.", version, member)
    done = promote(tmp_path, made("good.test.", version, member), former)
    assert "1 zone in commit" in done.stderr
    (tmp_path / "second").mkdir()
    done = promote(tmp_path / "second", made("listed.here."), source="catalog")
    assert done.returncode == 1
    assert "no zone here was pulled" in done.stderr
