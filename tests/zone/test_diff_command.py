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
    report = json.loads(done.stdout)
    (zone,) = report["zones"]
    assert (zone["zone"], zone["status"]) == ("example.com.", "changed")
    assert (zone["old_serial"], zone["new_serial"]) == (2026112101, 2026112102)
    assert (zone["old_path"], zone["new_path"]) == (ZONE, ZONE)
    assert [(r["kind"], r["owner"], r["ttl"], r["old_ttl"]) for r in zone["records"]] == [
        ("ttl", "a.example.com.", 61, 60),
        ("add", "a.example.com.", 61, None),
        ("delete", "b.example.com.", 3600, None),
        ("add", "b.example.com.", 3600, None),
    ]
    assert report["counts"] == zone["counts"] == {"added": 2, "deleted": 1, "ttl": 1, "soa": 0}


def test_stat_counts_and_shows_no_record(repository: Path) -> None:
    (repository / "zones/same.zone").unlink()
    done = zonecast("diff", "--stat", cwd=repository)
    assert done.stdout.splitlines() == [
        "example.com.  +2 −1 ~1  serial 2026112101 → 2026112102",
        "same.         +0 −3 ~0  removed, serial 2026112101",
        "2 zones: 2 records added, 4 deleted, 1 with another TTL",
    ]
    report = json.loads(zonecast("diff", "--stat", "--format", "json", cwd=repository).stdout)
    assert [zone["counts"]["deleted"] for zone in report["zones"]] == [1, 3]
    assert all("records" not in zone for zone in report["zones"])


def test_the_exit_code_says_whether_anything_differs(repository: Path) -> None:
    assert zonecast("diff", "--exit-code", cwd=repository).returncode == 1
    assert zonecast("diff", "--exit-code", "--staged", cwd=repository).returncode == 0
    assert zonecast("diff", "--exit-code", "--zone", "same", cwd=repository).returncode == 0
    (repository / ZONE).write_text(OLD.replace("2026112101", "x"))
    assert zonecast("diff", "--exit-code", cwd=repository).returncode == 1


def test_one_zone_of_several(repository: Path) -> None:
    (repository / "zones/same.zone").write_text(TOP + "a A 192.0.2.9\n")
    assert zonecast("diff", "--zone", "EXAMPLE.com", cwd=repository).stdout == HUMAN
    assert "2 zones" in zonecast("diff", cwd=repository).stdout


def test_zones_that_come_and_go(repository: Path) -> None:
    git(repository, "checkout", "-q", ZONE)
    git(repository, "rm", "-q", "zones/same.zone")
    (repository / "zones/other.zone").write_text(TOP.replace("ns", "elsewhere"))
    git(repository, "add", "zones/other.zone")
    done = zonecast("diff", "--staged", cwd=repository)
    assert "other. (added, serial 2026112101)" in done.stdout
    assert "same. (removed, serial 2026112101)" in done.stdout
    assert "    - 3600 IN NS ns.same." in done.stdout
    assert done.stdout.endswith("2 zones: 3 records added, 3 deleted, 0 with another TTL\n")


def test_of_a_soa_its_fields_are_shown_and_of_a_serial_the_step(repository: Path) -> None:
    (repository / ZONE).write_text(OLD.replace("2026112101", "2026112102"))
    done = zonecast("diff", cwd=repository)
    assert done.stdout.splitlines() == [
        "example.com. (serial 2026112101 → 2026112102)",
        "1 zone: 0 records added, 0 deleted, 0 with another TTL",
    ]
    (repository / ZONE).write_text(
        OLD.replace(" 300\n", " 301\n").replace("@ SOA ns ", "@ 60 SOA a ")
    )
    done = zonecast("diff", cwd=repository)
    assert done.stdout.splitlines() == [
        "example.com. (serial 2026112101, not raised)",
        "  example.com.",
        "    ~ IN SOA mname ns.example.com. → a.example.com., minimum 300 → 301, ttl 3600 → 60",
        "1 zone: 0 records added, 0 deleted, 0 with another TTL, 1 SOA changed",
    ]
    (repository / ZONE).write_text(OLD.replace("2026112101", "2026112100"))
    assert (
        "2026112101 → 2026112100, which is not greater" in zonecast("diff", cwd=repository).stdout
    )


def test_case_order_and_comments_are_no_difference(repository: Path) -> None:
    (repository / ZONE).write_text(
        "; a comment\n" + TOP.replace("ns", "NS") + "C MX 10 Ns\nB TXT x\na 1m A 192.0.2.2\n"
    )
    assert zonecast("diff", "--exit-code", cwd=repository).stdout == "no difference\n"


def test_a_broken_side_is_said(repository: Path) -> None:
    (repository / ZONE).write_text(NEW + "d A x\n")
    done = zonecast("diff", cwd=repository)
    assert done.returncode == 0
    assert f"{ZONE}: has errors" in done.stderr
    assert done.stdout == HUMAN
    assert json.loads(zonecast("diff", "--format", "json", cwd=repository).stdout)["zones"][0][
        "broken"
    ] == [ZONE]


def test_what_cannot_be_read_is_no_removal(repository: Path) -> None:
    (repository / ZONE).write_text(NEW.replace("SOA", "SAO"))
    (repository / "zones/a..b.zone").write_text(TOP)
    done = zonecast("diff", cwd=repository)
    assert done.stdout.splitlines()[0] == "example.com. (cannot be read whole)"
    assert "0 deleted" in done.stdout
    assert "zones/a..b.zone: is no zone's file" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["nothing"], 3),
        (["HEAD", "HEAD", "--staged"], 2),
        (["a", "b", "c"], 2),
        (["--served", "HEAD", "HEAD"], 2),
        (["--served", "--server", "192.0.2.1"], 2),
        (["--server", "ns1.example.com"], 2),
        (["--key-file", "key"], 2),
        (["--zone", "a..b"], 2),
        (["--zone", "typo.example"], 2),
        (["--served", "--config", "/nowhere/zonecast.toml"], 2),
    ],
)
def test_wrong_usage(repository: Path, arguments: list[str], code: int) -> None:
    done = zonecast("diff", *arguments, cwd=repository)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr


def test_diff_needs_a_repository(tmp_path: Path) -> None:
    assert zonecast("diff", cwd=tmp_path).returncode == 3
