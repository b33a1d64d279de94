"""The package: what the wheel holds, what the lock files pin, what the top level may hold."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import zonecast

TOP_LEVEL = {
    "pyproject.toml", "README.md", "Makefile", "agent", "tests", "sample-zones-repo", "systemd",
    "docs", "benchmarks", "CHANGELOG.md", "LICENSE", "requirements.lock", "requirements-dev.lock",
}  # fmt: skip
LOCKS = ("requirements.lock", "requirements-dev.lock")


@pytest.fixture(scope="module")
def pyproject(project: Path) -> dict:
    return tomllib.loads((project / "pyproject.toml").read_text("utf-8"))


@pytest.fixture(scope="module")
def wheel(project: Path, tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel as `make install` builds it."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(target)]
    subprocess.run(command, cwd=project, check=True, capture_output=True)
    (built,) = target.glob("*.whl")
    return zipfile.ZipFile(built)


def text_of(wheel: zipfile.ZipFile, suffix: str) -> str:
    (name,) = (name for name in wheel.namelist() if name.endswith(suffix))
    return wheel.read(name).decode("utf-8")


def test_wheel_holds_the_typed_package_and_nothing_else(
    wheel: zipfile.ZipFile, project: Path
) -> None:
    names = set(wheel.namelist())
    assert "zonecast/py.typed" in names
    assert {name.split("/")[0] for name in names} == {
        "zonecast",
        f"zonecast-{zonecast.__version__}.dist-info",
    }
    modules = {
        path.relative_to(project / "agent").as_posix()
        for path in (project / "agent" / "zonecast").rglob("*.py")
    }
    assert modules <= names


def test_wheel_holds_the_sample_for_the_demo(wheel: zipfile.ZipFile, project: Path) -> None:
    sample = project / "sample-zones-repo"
    files = {path.relative_to(sample).as_posix() for path in sample.rglob("*") if path.is_file()}
    prefix = "zonecast/sample-zones-repo/"
    assert {name[len(prefix) :] for name in wheel.namelist() if name.startswith(prefix)} == files


def test_wheel_installs_the_command_and_says_its_licence(wheel: zipfile.ZipFile) -> None:
    assert "zonecast = zonecast.cli:main" in text_of(wheel, "entry_points.txt").splitlines()
    described = text_of(wheel, "dist-info/METADATA")
    assert "License-Expression: Apache-2.0\n" in described
    assert "Requires-Python: >=3.11\n" in described
    assert "Apache License" in text_of(wheel, "licenses/LICENSE")


def locked(project: Path, name: str) -> dict[str, tuple[str, int]]:
    """Of each package in a lock file, the version and how many hashes it has."""
    found = {}
    for entry in re.split(r"\n(?=\S)", (project / name).read_text("utf-8")):
        if entry.startswith("#"):
            continue
        requirement = Requirement(entry.split("\\")[0].strip())
        (pin,) = requirement.specifier
        assert pin.operator == "=="
        found[canonicalize_name(requirement.name)] = (pin.version, entry.count("--hash=sha256:"))
    return found


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_by_hash_and_names_no_index(project: Path, name: str) -> None:
    entries = locked(project, name)
    assert entries
    assert [package for package, (_, hashes) in entries.items() if not hashes] == []
    assert "://" not in (project / name).read_text("utf-8")


def test_locks_agree(project: Path) -> None:
    run, develop = (locked(project, name) for name in LOCKS)
    assert [name for name in run.keys() & develop.keys() if run[name][0] != develop[name][0]] == []


def test_locks_satisfy_pyproject(project: Path, pyproject: dict) -> None:
    run, develop = (locked(project, name) for name in LOCKS)
    wanted = [(text, run) for text in pyproject["project"]["dependencies"]]
    wanted += [(text, develop) for text in pyproject["dependency-groups"]["dev"]]
    wanted += [(text, develop) for text in pyproject["build-system"]["requires"]]
    for text, lock in wanted:
        requirement = Requirement(text)
        assert any(item.operator == ">=" for item in requirement.specifier), text
        version, _ = lock[canonicalize_name(requirement.name)]
        assert requirement.specifier.contains(version, prereleases=True), text


def test_lock_is_closed(project: Path) -> None:
    """Each locked package's own dependencies, as installed here, are locked as well."""
    run = locked(project, LOCKS[0])
    for package in run:
        for text in metadata.distribution(package).requires or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in run, f"{package} needs {text}"


def test_top_level_holds_what_it_should(project: Path) -> None:
    command = ["git", "-C", str(project), "-c", f"safe.directory={project}", "ls-files"]
    files = subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    top = {name.split("/")[0] for name in files}
    assert {name for name in top if not name.startswith(".")} <= TOP_LEVEL


def test_changelog_knows_what_is_unreleased(project: Path) -> None:
    assert "\n## [Unreleased]\n" in (project / "CHANGELOG.md").read_text("utf-8")
