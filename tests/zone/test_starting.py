"""What a command loads: hooks start for every commit."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from zone_support import TOP, make_repository, zonecast

from zonecast.cli import COMMANDS

AGENT = Path(__file__).resolve().parents[2] / "agent"


def modules_after(code: str, cwd: Path) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys; print(*sys.modules)"],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(AGENT)},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return set(done.stdout.splitlines()[-1].split())


def test_help_loads_no_command(tmp_path: Path) -> None:
    code = "from zonecast.cli import main\nmain(['--help'], standalone_mode=False)"
    loaded = modules_after(code, tmp_path)
    assert not any(name.startswith("zonecast.cli.") for name in loaded)
    help_text = zonecast("--help", cwd=tmp_path).stdout
    assert all(name in help_text for name in COMMANDS)


def test_checking_plain_zones_loads_neither_dnspython_nor_git(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(TOP)
    code = "from zonecast.cli import main\nmain(['check'], standalone_mode=False)"
    loaded = modules_after(code, tmp_path)
    assert "zonecast.zone.zonefile" in loaded
    assert not loaded & {"dns", "git", "asyncio", "rich", "lmdb", "aiohttp"}


def test_judging_in_a_repository_loads_no_dnspython(tmp_path: Path) -> None:
    top = make_repository(tmp_path / "zones", {"example.com.zone": TOP})
    code = "from zonecast.cli import main\nmain(['check'], standalone_mode=False)"
    assert not modules_after(code, top) & {"dns", "rich", "lmdb", "aiohttp"}


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_has_help(name: str, tmp_path: Path) -> None:
    done = zonecast(name, "--help", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: python -m zonecast {name}")


def test_an_unknown_command_is_wrong_usage(tmp_path: Path) -> None:
    done = zonecast("chekc", cwd=tmp_path)
    assert done.returncode == 2
    assert "No such command 'chekc'" in done.stderr
