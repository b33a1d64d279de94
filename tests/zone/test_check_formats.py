"""What `zonecast check` prints for people and for code review tools."""

from __future__ import annotations

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
from zone_support import TOP, zonecast

from zonecast.cli.checking.annotations import github_lines, sarif
from zonecast.cli.render import source_lines
from zonecast.zone.catalogue import finding
from zonecast.zone.findings import Position


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "example.com.zone").write_text(TOP + "@ MX 10 gone\nwww A 192.0.2\n@ MX x y\n")
    return tmp_path


def test_github_annotates_the_line(tree: Path) -> None:
    (tree / "example.com.zone").write_text(TOP + "@ MX 10 gone\n")
    done = zonecast("check", "--format", "github", "--strict", cwd=tree)
    assert done.returncode == 1
    assert done.stdout == (
        "::warning file=example.com.zone,line=5,col=1,title=mx-no-address::"
        "example.com. MX points to gone.example.com., which has no address; "
        "add its A or AAAA record\n"
    )


def test_sarif_names_rule_level_and_place(tree: Path) -> None:
    done = zonecast("check", "--format", "sarif", cwd=tree)
    assert done.returncode == 1
    log = json.loads(done.stdout)
    (run,) = log["runs"]
    assert log["version"] == "2.1.0"
    for result in run["results"]:
        assert run["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    first = run["results"][0]
    assert (first["ruleId"], first["level"]) == ("syntax", "error")
    place = first["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "example.com.zone"
    assert place["region"] == {"startLine": 6, "startColumn": 7}


ODD_NAMES = [
    "a b.zone",
    "a\nb.zone",
    "a:b.zone",
    "a\x1b[31mb.zone",
    "100%25.zone",
    "ü#?.zone",
    "\udcff.zone",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_sarif_names_files_by_uris(name: str) -> None:
    found = finding("syntax", Position(f"zones/{name}", 1, 1), "m", "r", "z.")
    (result,) = json.loads(sarif([found]))["runs"][0]["results"]
    uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
    assert re.fullmatch(r"(?:[A-Za-z0-9/._~-]|%[0-9A-F]{2})+", uri)
    assert unquote(uri, errors="surrogateescape") == f"zones/{name}"


@pytest.mark.parametrize("name", ODD_NAMES)
def test_github_gets_control_characters_encoded(name: str) -> None:
    found = finding("syntax", Position(name, 1, 1), f"in {name}", "", "z.")
    (line,) = github_lines([found])
    assert line.isprintable()
    head, _, said = line.removeprefix("::").partition("::")
    assert unquote(said, errors="surrogateescape") == f"in {name}"
    path = head.partition("file=")[2].partition(",")[0]
    assert unquote(path, errors="surrogateescape") == name


def test_an_escape_sequence_in_a_path_reaches_the_program(tree: Path) -> None:
    (tree / "a\x1b[31m b.zone").write_text("x\n")
    assert "file=a%1B[31m b.zone,line=" in zonecast("check", "--format", "github", cwd=tree).stdout
    assert '"uri": "a%1B%5B31m%20b.zone"' in zonecast("check", "--format", "sarif", cwd=tree).stdout


@pytest.mark.parametrize(
    ("line", "column", "shown"),
    [
        ("a\tTXT x", 3, ["    a TXT x", "      ^"]),
        ("ü TXT x", 4, ["    ü TXT x", "      ^"]),
        ("a TXT \x1b[31m\r", 7, ["    a TXT ·[31m", "          ^"]),
    ],
)
def test_the_caret_is_below_the_place(line: str, column: int, shown: list[str]) -> None:
    content = f"first\n{line}\nlast".encode()
    assert source_lines(Position("z", 2, column), lambda path: content) == shown


def test_of_a_long_line_the_part_that_is_meant_is_shown() -> None:
    content = b"x" * 500 + b"HERE" + b"y" * 500
    text, caret = source_lines(Position("z", 1, 501), lambda path: content)
    assert text[caret.index("^") :].startswith("HERE")
    assert len(text) == 104


def test_no_line_for_a_whole_file() -> None:
    assert source_lines(Position("z"), lambda path: b"x") == []
