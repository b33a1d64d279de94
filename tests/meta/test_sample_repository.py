"""The sample repository passes BIND's check and ours, shows what it promises, and its reverse
zones tell the truth."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from ipaddress import ip_address, ip_network
from pathlib import Path

import dns.name
import dns.rdatatype
import dns.reversename
import dns.zone
import pytest

from tests.peers import require

SAMPLE = Path(__file__).resolve().parents[2] / "sample-zones-repo"
POLICY = tomllib.loads((SAMPLE / "zonecast.toml").read_text("utf-8"))

# RFC 5737, RFC 3849.
DOCUMENTATION = [
    ip_network(prefix)
    for prefix in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
]
# The networks whose reverse zones are here.
OWN = [ip_network(prefix) for prefix in ("192.0.2.0/24", "2001:db8:53::/48")]


def zone_files() -> dict[str, str]:
    """Of each origin the path of its file, found as the policy says."""
    files = {path for glob in POLICY["include"] for path in SAMPLE.glob(glob)}
    paths = sorted(path.relative_to(SAMPLE).as_posix() for path in files)
    return {
        POLICY["origins"].get(path, Path(path).name.removesuffix(".zone")): path for path in paths
    }


ZONES = zone_files()


@pytest.fixture(scope="module")
def zones() -> dict[str, dns.zone.Zone]:
    """Every zone, as dnspython reads it from the top of the repository."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(SAMPLE)
        return {
            origin: dns.zone.from_file(path, origin, relativize=False)
            for origin, path in ZONES.items()
        }


def addresses(zone: dns.zone.Zone) -> Iterator[tuple[dns.name.Name, str]]:
    for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
        for owner, _, rdata in zone.iterate_rdatas(rdtype):
            yield owner, rdata.address


@pytest.mark.parametrize("origin", ZONES)
def test_bind_finds_nothing(origin: str) -> None:
    checkzone = require("named-checkzone")
    strict = [f"-{option}" for option in "knmMSr"]
    levels = [word for option in strict for word in (option, "fail")]
    command = [checkzone, "-w", str(SAMPLE), "-i", "local", *levels, origin, ZONES[origin]]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    lines = (done.stdout + done.stderr).splitlines()
    assert len(lines) == 2, lines
    assert lines[0].startswith(f"zone {origin}/IN: loaded serial ")
    assert lines[1] == "OK"
    assert done.returncode == 0


def test_zonecast_finds_nothing() -> None:
    command = [sys.executable, "-m", "zonecast", "check", str(SAMPLE), "--format", "json"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["findings"] == []


def test_there_are_the_kinds_of_zone_that_people_have(zones: dict[str, dns.zone.Zone]) -> None:
    assert len(zones) >= 5
    assert any(origin.endswith(".in-addr.arpa") for origin in zones)
    assert any(origin.endswith(".ip6.arpa") for origin in zones)
    assert any(label.startswith("xn--") for origin in zones for label in origin.split("."))
    including = [
        path for path in ZONES.values() if "\n$INCLUDE " in (SAMPLE / path).read_text("utf-8")
    ]
    assert len(including) >= 2
    assert POLICY["serial"]["mode"] == "enforce"


def test_the_forward_zone_shows_every_ordinary_record(zones: dict[str, dns.zone.Zone]) -> None:
    zone = zones["example.com"]
    found = {dns.rdatatype.to_text(rdataset.rdtype) for _, rdataset in zone.iterate_rdatasets()}
    assert found >= {"A", "AAAA", "MX", "TXT", "SRV", "CAA", "TLSA", "SSHFP", "HTTPS", "CNAME"}
    texts = [rdata.strings for _, _, rdata in zone.iterate_rdatas("TXT")]
    assert any(sum(map(len, strings)) > 255 for strings in texts)
    assert any(owner.is_wild() for owner in zone.nodes)


def test_the_delegation_has_its_glue(zones: dict[str, dns.zone.Zone]) -> None:
    zone = zones["example.com"]
    cuts = {owner for owner, _, _ in zone.iterate_rdatas("NS") if owner != zone.origin}
    assert cuts
    owners = {owner for owner, _ in addresses(zone)}
    for owner, _, rdata in zone.iterate_rdatas("NS"):
        if owner in cuts:
            assert rdata.target.is_subdomain(owner)
            assert rdata.target in owners


def test_pointers_and_addresses_agree(zones: dict[str, dns.zone.Zone]) -> None:
    forward = set(addresses(zones["example.com"]))
    pointers = {
        (rdata.target, dns.reversename.to_address(owner))
        for zone in zones.values()
        for owner, _, rdata in zone.iterate_rdatas("PTR")
    }
    assert pointers
    own = {
        (owner, address)
        for owner, address in forward
        if not owner.is_wild() and any(ip_address(address) in network for network in OWN)
    }
    assert pointers == own


def test_no_address_belongs_to_anybody(zones: dict[str, dns.zone.Zone]) -> None:
    found = {address for zone in zones.values() for _, address in addresses(zone)}
    for address in found:
        assert any(ip_address(address) in network for network in DOCUMENTATION), address


def test_the_readme_names_every_zone_file() -> None:
    readme = (SAMPLE / "README.md").read_text("utf-8")
    assert [path for path in ZONES.values() if f"`{path}`" not in readme] == []
