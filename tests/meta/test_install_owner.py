"""`sudo make install` leaves nothing of root's in the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

OWNER = "nobody"


@pytest.fixture
def checkout(project: Path) -> Iterator[Path]:
    """A checkout that is somebody's, with an environment that is ready; pytest's own directories
    are closed to others."""
    if os.geteuid() or shutil.which("runuser") is None:
        pytest.skip("only root can show what root leaves behind")
    if not (project / ".venv/.installed").exists():
        pytest.skip("the environment was not made by make")
    python = str(project / ".venv/bin/python")
    tried = subprocess.run(
        ["runuser", "-u", OWNER, "--", python, "-c", "import hatchling"],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode:
        pytest.skip(f"{OWNER} cannot run {python} with hatchling: {tried.stderr.strip()}")
    with tempfile.TemporaryDirectory(prefix="zonecast-install-") as made:
        top = Path(made) / "checkout"
        top.mkdir()
        for name in ("Makefile", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(project / name, top)
        for name in ("requirements.lock", "requirements-dev.lock"):
            shutil.copy(project / name, top)
        for name in ("agent", "sample-zones-repo"):
            shutil.copytree(
                project / name, top / name, ignore=shutil.ignore_patterns("__pycache__")
            )
        for path in top.rglob("*"):
            os.utime(path, (0, 0))
        (top / ".venv").symlink_to(project / ".venv")
        subprocess.run(["chown", "-hR", OWNER, made], check=True)
        yield top


def test_what_is_built_belongs_to_the_owner_of_the_checkout(checkout: Path) -> None:
    done = subprocess.run(
        # Ends after the wheel, before anything is fetched for the host.
        ["make", "install", "PYTHON=false", f"PREFIX={checkout}/prefix"],
        cwd=checkout,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode != 0
    wheels = list((checkout / "build/wheel").glob("*.whl"))
    assert len(wheels) == 1, done.stdout + done.stderr
    (wheel,) = wheels
    assert wheel.owner() == OWNER, done.stderr
    assert {path.lstat().st_uid for path in checkout.rglob("*")} == {wheel.stat().st_uid}
