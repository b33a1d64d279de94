"""The units, rendered as `make install-systemd` renders them, before systemd's own judges."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.peers import require

MAX_EXPOSURE = 2.0


@pytest.fixture(scope="module")
def root(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root directory into which the units were installed, for a command that exists."""
    directory = tmp_path_factory.mktemp("root")
    command = directory / "opt" / "zonecast" / "bin" / "zonecast"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    make = ["make", "--silent", "-C", str(project), "install-systemd"]
    variables = [f"PREFIX={directory}/opt/zonecast", f"DESTDIR={directory}", "SYSCONF=/etc"]
    subprocess.run([*make, *variables], check=True)
    return directory


@pytest.fixture(scope="module")
def units(root: Path) -> list[Path]:
    return sorted((root / "etc/systemd/system").iterdir())


def settings(unit: Path) -> list[tuple[str, str]]:
    """The assignments of a unit file, in order."""
    lines = unit.read_text("utf-8").splitlines()
    return [(key, value) for key, _, value in (line.partition("=") for line in lines) if value]


def test_rendering_leaves_no_blank(units: list[Path], root: Path) -> None:
    assert [unit.name for unit in units] == ["zonecast.service", "zonecast.socket"]
    for unit in units:
        assert not re.search(r"@[A-Z]+@", re.sub(r"(?m)^#.*", "", unit.read_text("utf-8")))
    start = f"{root}/opt/zonecast/bin/zonecast run --config /etc/zonecast/zonecast.toml"
    assert ("ExecStart", start) in settings(units[0])


def test_units_verify_without_a_word(units: list[Path]) -> None:
    analyze = require("systemd-analyze")
    command = [analyze, "verify", "--man=no", "--recursive-errors=no", *map(str, units)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_exposure_is_small(units: list[Path]) -> None:
    analyze = require("systemd-analyze")
    command = [analyze, "security", "--no-pager", "--offline=true"]
    threshold = f"--threshold={MAX_EXPOSURE * 10:.0f}"
    done = subprocess.run(
        [*command, threshold, str(units[0])], check=False, capture_output=True, text=True
    )
    found = re.search(r"Overall exposure level for zonecast\.service: (\d+\.\d)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= MAX_EXPOSURE
    assert done.returncode == 0


def test_only_port_53_needs_a_capability(units: list[Path]) -> None:
    capabilities = {key: value for key, value in settings(units[0]) if "Capabilit" in key}
    assert capabilities == {
        "AmbientCapabilities": "CAP_NET_BIND_SERVICE",
        "CapabilityBoundingSet": "CAP_NET_BIND_SERVICE",
    }


def test_each_datagram_worker_gets_a_socket_of_its_own(units: list[Path]) -> None:
    listening = settings(units[1])
    datagram = [value for key, value in listening if key == "ListenDatagram"]
    stream = [value for key, value in listening if key == "ListenStream"]
    assert {address: datagram.count(address) for address in datagram} == {
        "0.0.0.0:53": 2,
        "[::]:53": 2,
    }
    assert sorted(stream) == sorted(set(datagram))
    assert ("ReusePort", "yes") in listening
    assert ("BindIPv6Only", "ipv6-only") in listening


def test_the_account_is_the_one_the_service_runs_as(root: Path, units: list[Path]) -> None:
    sysusers = root / "etc/sysusers.d/zonecast.conf"
    created = [line.split()[1] for line in sysusers.read_text().splitlines() if line[:2] == "u "]
    assert created == [dict(settings(units[0]))["User"]]
    command = [require("systemd-sysusers"), "--dry-run", f"--root={root}", str(sysusers)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "Creating user 'zonecast'" in done.stdout + done.stderr
