"""`zonecast diff` as a process: the records that differ, for people, programs and pull requests."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from zone_support import TOP, git, make_repository, zonecast

ZONE = "zones/example.com.zone"
OLD = TOP + "a 60 A 192.0.2.2\nb TXT x\nc MX 10 ns\n"
NEW = (
    TOP.replace("2026112101", "2026112102")
    + "a 61 A 192.0.2.2\na 61 A 192.0.2.3\nb TXT X\nC MX 10 NS\n"
)
HUMAN = """\
example.com. (serial 2026112101 → 2026112102)
  a.example.com.
    ~ 61 IN A 192.0.2.2 (TTL was 60)
    + 61 IN A 192.0.2.3
  b.example.com.
    - 3600 IN TXT "x"
    + 3600 IN TXT "X"
1 zone: 2 records added, 1 deleted, 1 with another TTL
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    top = make_repository(tmp_path / "zones", {ZONE: OLD, "zones/same.zone": TOP})
    (top / ZONE).write_text(NEW)
    return top


def test_work_tree_index_and_revisions(repository: Path) -> None:
    assert zonecast("diff", cwd=repository).stdout == HUMAN
    assert zonecast("diff", "--staged", cwd=repository).stdout == "no difference\n"
    git(repository, "commit", "-q", "-a", "-m", "second")
    assert zonecast("diff", cwd=repository).stdout == "no difference\n"
    assert zonecast("diff", "HEAD~1", cwd=repository).stdout == HUMAN
    assert zonecast("diff", "HEAD~1", "HEAD", cwd=repository / "zones").stdout == HUMAN


def test_json(repository: Path) -> None:
    done = zonecast("diff", "--format", "json", cwd=repository)
    (zone,) = json.loads(done.stdout)["zones"]
    assert (zone["zone"], zone["status"]) == ("example.com.", "changed")
    assert (zone["old_serial"], zone["new_serial"]) == (2026112101, 2026112102)
    assert [(r["kind"], r["owner"], r["ttl"], r["old_ttl"]) for r in zone["records"]] == [
        ("ttl", "a.example.com.", 61, 60),
        ("add", "a.example.com.", 61, None),
        ("delete", "b.example.com.", 3600, None),
        ("add", "b.example.com.", 3600, None),
    ]


def test_markdown_is_a_diff_block(repository: Path) -> None:
    done = zonecast("diff", "--format", "markdown", cwd=repository)
    lines = done.stdout.splitlines()
    assert lines[0] == "### example.com. (serial 2026112101 → 2026112102)"
    assert lines[2:8] == [
        "```diff",
        "- a.example.com. 60 IN A 192.0.2.2",
        "+ a.example.com. 61 IN A 192.0.2.2",
        "+ a.example.com. 61 IN A 192.0.2.3",
        '- b.example.com. 3600 IN TXT "x"',
        '+ b.example.com. 3600 IN TXT "X"',
    ]


def test_zones_that_come_and_go(repository: Path) -> None:
    git(repository, "checkout", "-q", ZONE)
    git(repository, "mv", "zones/same.zone", "zones/other.zone")
    done = zonecast("diff", "--staged", cwd=repository)
    assert "other. (added, serial 2026112101)" in done.stdout
    assert "same. (removed, serial 2026112101)" in done.stdout
    assert "    - 3600 IN NS ns.same." in done.stdout
    assert done.stdout.endswith("2 zones: 3 records added, 3 deleted, 0 with another TTL\n")


def test_a_changed_soa_is_shown_and_a_changed_serial_alone_is_said(repository: Path) -> None:
    (repository / ZONE).write_text(OLD.replace("2026112101", "2026112102"))
    done = zonecast("diff", cwd=repository)
    assert done.stdout.splitlines()[0] == "example.com. (serial 2026112101 → 2026112102)"
    assert done.stdout.endswith("1 zone: 0 records added, 0 deleted, 0 with another TTL\n")
    (repository / ZONE).write_text(OLD.replace(" 300\n", " 301\n"))
    assert "+ 3600 IN SOA ns.example.com. hostmaster" in zonecast("diff", cwd=repository).stdout


def test_a_broken_side_is_said(repository: Path) -> None:
    (repository / ZONE).write_text(NEW + "d A x\n")
    done = zonecast("diff", cwd=repository)
    assert done.returncode == 0
    assert f"{ZONE}: has errors" in done.stderr
    assert done.stdout == HUMAN


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["nothing"], 3), (["HEAD", "HEAD", "--staged"], 2), (["a", "b", "c"], 2)],
)
def test_wrong_usage(repository: Path, arguments: list[str], code: int) -> None:
    done = zonecast("diff", *arguments, cwd=repository)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr


def test_diff_needs_a_repository(tmp_path: Path) -> None:
    assert zonecast("diff", cwd=tmp_path).returncode == 3
