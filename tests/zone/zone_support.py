"""Zones from text, for tests that read and judge them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from zonecast.errors import RepositoryError
from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.findings import Finding
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import Parsed, read_zone
from zonecast.zone.zonefile.text import record_texts

ORIGIN = names.from_text("example.com.")
TOP = "$TTL 3600\n@ SOA ns hostmaster 2026112101 7200 3600 1209600 300\n@ NS ns\nns A 192.0.2.1\n"


def read(text: str | bytes, files: dict[str, str] | None = None, origin: bytes = ORIGIN) -> Parsed:
    """A zone file's text, read as zones/example.com.zone; `files` can be included."""
    content = text.encode() if isinstance(text, str) else text

    def include(wanted: str, from_path: str) -> tuple[str, bytes]:
        if files is None or wanted not in files:
            raise RepositoryError(f"'{wanted}' is not in the repository", remedy="add it")
        return wanted, files[wanted].encode()

    parsed = read_zone(content, path="zones/example.com.zone", origin=origin, include=include)
    assert_remedies(parsed.findings)
    return parsed


def records(parsed: Parsed) -> list[str]:
    """Every record as text, the SOA left out, in canonical order."""
    found = [line for rrset in parsed.zone for line in record_texts(rrset, parsed.zone.origin)]
    return [line for line in found if " SOA " not in line]


def added(text: str, files: dict[str, str] | None = None) -> list[str]:
    """The records that lines below TOP make."""
    parsed = read(TOP + text, files)
    assert parsed.findings == []
    return [line for line in records(parsed) if line not in records(read(TOP))]


def check(text: str, policy: Policy | None = None) -> list[Finding]:
    """All findings of a zone file."""
    found = run_checks(read(text), (policy or Policy()).zone(ORIGIN))
    assert_remedies(found)
    return found


def assert_remedies(findings: Iterable[Finding]) -> None:
    """Every finding says what to do, whatever a test looks at."""
    assert [str(finding) for finding in findings if not finding.remedy] == []


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


def places(findings: list[Finding]) -> list[tuple[str, int, int]]:
    return [(f.id, f.position.line, f.position.column) for f in findings]


def zonecast(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The command, as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "zonecast", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2] / "agent")},
        timeout=60,
        check=False,
    )


def git(cwd: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def make_repository(top: Path, files: dict[str, str]) -> Path:
    """A git repository with one commit of these files."""
    top.mkdir()
    git(top, "init", "-q")
    for path, text in files.items():
        (top / path).parent.mkdir(parents=True, exist_ok=True)
        (top / path).write_text(text)
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    return top
