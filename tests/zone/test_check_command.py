"""`zonecast check` as a process: what it prints and the exit codes that scripts rely on."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from zone_support import TOP, git, make_repository, zonecast

SAMPLE = Path(__file__).resolve().parents[2] / "sample-zones-repo"
ZONE = "zones/example.com.zone"
RAISED = TOP.replace("2026112101", "2026112102")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return make_repository(tmp_path / "zones", {ZONE: TOP, "zones/example.org.zone": TOP})


def test_sample_is_fine_with_and_without_git(tmp_path: Path) -> None:
    done = zonecast("check", str(SAMPLE), "--strict", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "6 zones: 0 errors, 0 warnings, all fine\n"
    shutil.copytree(SAMPLE, tmp_path / "plain")
    done = zonecast("check", "--strict", cwd=tmp_path / "plain" / "zones")
    assert (done.returncode, done.stdout) == (0, "6 zones: 0 errors, 0 warnings, all fine\n")


def test_errors_are_listed_with_their_place_and_exit_1(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(TOP + "www A 192.0.2\n")
    done = zonecast("check", cwd=tmp_path)
    assert done.returncode == 1
    line, text, caret, count = done.stdout.splitlines()
    assert line.startswith("example.com.zone:5:7: error: '192.0.2' is no IPv4 address [syntax]")
    assert (text, caret) == ("    www A 192.0.2", "          ^")
    assert count == "1 zone: 1 error, 0 warnings"
    assert "\x1b" not in done.stdout


def test_warnings_exit_1_only_when_strict(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(TOP + "@ MX 10 gone\n")
    assert zonecast("check", cwd=tmp_path).returncode == 0
    assert zonecast("check", "--strict", cwd=tmp_path).returncode == 1


def test_json_is_the_same_findings(tmp_path: Path) -> None:
    (tmp_path / "example.com.zone").write_text(TOP + "@ MX 10 gone\n")
    done = zonecast("check", "--format", "json", cwd=tmp_path)
    found = json.loads(done.stdout)
    assert {key: found[key] for key in ("zones", "errors", "warnings")} == {
        "zones": 1,
        "errors": 0,
        "warnings": 1,
    }
    (finding,) = found["findings"]
    assert finding["id"] == "mx-no-address"
    assert finding["zone"] == "example.com."
    assert (finding["path"], finding["line"], finding["column"]) == ("example.com.zone", 5, 1)
    assert set(finding) == {
        *("id", "level", "zone", "path", "line", "column", "message", "remedy"),
    }


def test_a_change_without_a_greater_serial_is_refused(repository: Path) -> None:
    (repository / ZONE).write_text(TOP + "www A 192.0.2.2\n")
    done = zonecast("check", cwd=repository)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{ZONE}:2:21: error: the zone changed")
    assert "raise it to 2026112102 or more " in done.stdout
    assert f"(zonecast bump --above 2026112101 {ZONE})" in done.stdout
    (repository / ZONE).write_text(RAISED + "www A 192.0.2.2\n")
    assert zonecast("check", cwd=repository).returncode == 0


def test_staged_is_what_will_be_committed(repository: Path) -> None:
    (repository / ZONE).write_text(TOP + "www A 192.0.2.2\n")
    assert zonecast("check", "--staged", cwd=repository).returncode == 0
    git(repository, "add", "-A")
    (repository / ZONE).write_text(RAISED + "www A 192.0.2.2\n")
    assert zonecast("check", "--staged", cwd=repository).returncode == 1
    assert zonecast("check", cwd=repository).returncode == 0


def test_a_revision_is_judged_against_its_parent(repository: Path) -> None:
    (repository / ZONE).write_text(TOP + "www A 192.0.2.2\n")
    git(repository, "commit", "-q", "-a", "-m", "forgot the serial")
    assert zonecast("check", cwd=repository).returncode == 0
    assert zonecast("check", "--rev", "HEAD~1", cwd=repository).returncode == 0
    done = zonecast("check", "--rev", "HEAD", cwd=repository)
    assert done.returncode == 1
    assert f"{ZONE}:2:21: error" in done.stdout
    bare = repository.parent / "bare.git"
    git(repository, "clone", "-q", "--bare", ".", str(bare))
    assert zonecast("check", "--rev", "main", cwd=bare).returncode == 1
    assert zonecast("check", cwd=bare).returncode == 2


def test_a_changed_include_changes_the_zones_that_include_it(tmp_path: Path) -> None:
    files = {ZONE: TOP + "$INCLUDE inc/mail\n", "inc/mail": "", "zones/b.zone": TOP}
    repository = make_repository(tmp_path / "zones", files)
    (repository / "inc/mail").write_text("www A 192.0.2.2\n")
    done = zonecast("check", "zones", cwd=repository)
    assert done.returncode == 1
    assert done.stdout.startswith(f"{ZONE}:2:21: error: the zone changed")
    assert "2 zones: 1 error" in done.stdout


def test_a_path_is_checked_alone_and_seen_from_here(repository: Path) -> None:
    (repository / "zones/example.org.zone").write_text("broken")
    assert zonecast("check", ZONE, cwd=repository).returncode == 0
    done = zonecast("check", "example.org.zone", cwd=repository / "zones")
    assert done.returncode == 1
    assert done.stdout.startswith("example.org.zone:")


def test_the_first_commit_is_judged_too(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    (tmp_path / "example.com.zone").write_text(TOP)
    assert zonecast("check", cwd=tmp_path).returncode == 0
    git(tmp_path, "add", "-A")
    assert zonecast("check", "--staged", cwd=tmp_path).returncode == 0


def test_ignored_files_are_no_zones(repository: Path) -> None:
    (repository / ".gitignore").write_text("build/\n")
    (repository / "build").mkdir()
    (repository / "build/x.zone").write_text("broken")
    done = zonecast("check", cwd=repository)
    assert (done.returncode, done.stdout) == (0, "2 zones: 0 errors, 0 warnings, all fine\n")


def test_a_symbolic_link_is_not_followed_and_named(repository: Path) -> None:
    (repository / "y.zone").symlink_to("/etc/passwd")
    (repository / "notes").symlink_to("/etc/passwd")
    said = "y.zone: warning: a symbolic link is no zone file, and the zone is not served"
    for arguments in ([], ["--staged"], ["--rev", "HEAD"]):
        done = zonecast("check", *arguments, cwd=repository)
        assert done.returncode == 0
        assert done.stdout.startswith(said)
        assert "2 zones: 0 errors, 1 warning" in done.stdout
        git(repository, "add", "-A")
        git(repository, "commit", "--allow-empty", "-q", "-m", "links")
    assert zonecast("check", "zones", cwd=repository).stdout.startswith("2 zones: 0 errors, 0")
    (repository / "zonecast.toml").write_text('[checks]\nsymbolic-link = "off"\n')
    assert "symbolic" not in zonecast("check", cwd=repository).stdout


def test_a_file_whose_name_is_no_zones_is_named(repository: Path) -> None:
    (repository / "zones/a..b.zone").write_text(TOP)
    done = zonecast("check", "zones/a..b.zone", cwd=repository)
    assert done.returncode == 1
    assert done.stdout.startswith("zones/a..b.zone: error: the file's name is no zone's")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["nowhere"], 2, "no such file or directory"),
        (["README"], 2, "the policy's globs take this for no zone file"),
        (["--rev", "HEAD", "--staged"], 2, "exclude each other"),
        (["--format", "xml"], 2, "Invalid value"),
        (["--no-such-option"], 2, "No such option"),
        (["--rev", "nothing"], 2, "'nothing' names no commit"),
    ],
)
def test_wrong_usage(repository: Path, arguments: list[str], code: int, said: str) -> None:
    (repository / "README").write_text("")
    done = zonecast("check", *arguments, cwd=repository)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr


def test_a_broken_policy_is_wrong_configuration(repository: Path) -> None:
    (repository / "zonecast.toml").write_text("[serial]\nmood = 1\n")
    done = zonecast("check", cwd=repository)
    assert done.returncode == 2
    assert done.stderr.startswith("zonecast: zonecast.toml:2:1: [serial]: unknown key 'mood'")
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "broken policy")
    (repository / "zonecast.toml").write_text("")
    assert zonecast("check", cwd=repository).returncode == 0


def test_a_tree_without_zones_is_fine_and_says_so(tmp_path: Path) -> None:
    done = zonecast("check", cwd=tmp_path)
    assert done.returncode == 0
    assert "no file is a zone file by the policy: include = ['**/*.zone'" in done.stderr


def test_a_revision_needs_a_repository(tmp_path: Path) -> None:
    done = zonecast("check", "--rev", "HEAD", cwd=tmp_path)
    assert done.returncode == 3
    assert "not in a git repository" in done.stderr
