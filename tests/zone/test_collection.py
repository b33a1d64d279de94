"""Which files are zones, what they are called, and which a change touches."""

from __future__ import annotations

import pytest
from zone_support import TOP, ids

from zonecast.errors import BadNameError, RepositoryError
from zonecast.zone import names
from zonecast.zone.collection import affected, origin_of, read_collection, zone_files
from zonecast.zone.gate import judge
from zonecast.zone.policy import Policy


def policy(text: str) -> Policy:
    return Policy.from_toml(text.encode(), "zonecast.toml")


def listed(paths: list[str], rules: Policy | None = None) -> dict[str, str]:
    found, findings = zone_files(paths, rules or Policy())
    assert findings == []
    return {path: names.to_text(origin) for path, origin in found.items()}


def test_default_globs_and_names() -> None:
    assert listed(
        ["a.zone", "zones/db.b", "x/y/Z.example.zone", "zones/mail.inc", "README.md", "db/x"]
    ) == {"a.zone": "a.", "zones/db.b": "b.", "x/y/Z.example.zone": "Z.example."}


def test_globs_of_the_policy() -> None:
    rules = policy('include = ["zones/*", "v?/**/[x]*"]')
    assert listed(["zones/a", "zones/b/c", "v1/[x]y", "v1/q/r/[x]z", "v1/x", "v/[x]"], rules) == {
        "zones/a": "a.",
        "v1/[x]y": "[x]y.",
        "v1/q/r/[x]z": "[x]z.",
    }


def test_origins_of_the_policy_need_no_glob() -> None:
    rules = policy('[origins]\n"root" = "."\n"db.rev" = "0/25.2.0.192.in-addr.arpa"\n')
    assert listed(["root", "db.rev"], rules) == {
        "root": ".",
        "db.rev": "0/25.2.0.192.in-addr.arpa.",
    }


@pytest.mark.parametrize(
    "path", ["a..b.zone", ".zone", "b\xfccher.example.zone", "x" * 64 + ".zone"]
)
def test_file_names_that_are_no_zone_names(path: str) -> None:
    with pytest.raises(BadNameError):
        origin_of(path)
    found, findings = zone_files([path], Policy())
    assert found == {}
    assert ids(findings) == ["bad-zone-name"]
    assert "[origins]" in findings[0].remedy


def test_two_files_of_one_zone_hold_it_back() -> None:
    files = {"a/x.zone": TOP.encode(), "b/db.X": TOP.encode(), "y.zone": TOP.encode()}
    for only in (None, {"a/x.zone"}.__contains__, {"b/db.X"}.__contains__):
        found = read_collection(files, files.__getitem__, Policy(), only=only)
        verdict = judge(None, found.zones[b"\x01x\x00"], Policy().zone(b"\x01x\x00"))
        assert ids(verdict.findings) == ["duplicate-zone"]
        assert str(verdict.findings[0].position) == "b/db.X"
    unrelated = read_collection(files, files.__getitem__, Policy(), only={"y.zone"}.__contains__)
    assert unrelated.findings == []


def test_only_the_wanted_zones_are_read_and_all_are_known() -> None:
    files = {"a.zone": TOP.encode(), "b.zone": b"broken", "a..b.zone": b""}
    asked: list[str] = []

    def read(path: str) -> bytes:
        asked.append(path)
        return files[path]

    found = read_collection(files, read, Policy(), only={"a.zone"}.__contains__)
    assert asked == ["a.zone"]
    assert set(found.origins) == {"a.zone", "b.zone"}
    assert set(found.zones) == {b"\x01a\x00"}
    assert found.findings == []


def test_findings_are_all_of_them() -> None:
    files = {"a.zone": (TOP + "@ MX 10 gone\n").encode(), "a..b.zone": b"", "c.zone": b"@ A x\n"}
    found = read_collection(files, files.__getitem__, Policy())
    assert ids(found.findings) == ["bad-zone-name", "mx-no-address", "soa-missing", "syntax"]


def test_a_file_that_cannot_be_read_is_a_zone_with_an_error() -> None:
    def read(path: str) -> bytes:
        raise RepositoryError("object is missing")

    found = read_collection(["a.zone"], read, Policy())
    assert ids(found.findings) == ["unreadable"]
    assert set(found.zones) == {b"\x01a\x00"}


def test_includes_beside_the_file_come_before_those_at_the_top() -> None:
    files = {
        "zones/a.zone": (TOP + "$INCLUDE inc\n").encode(),
        "zones/inc": b"near A 192.0.2.2\n",
        "inc": b"far A 192.0.2.2\n",
    }
    found = read_collection(files, files.__getitem__, Policy())
    assert found.zones[b"\x01a\x00"].files == ("zones/a.zone", "zones/inc")
    del files["zones/inc"]
    found = read_collection(files, files.__getitem__, Policy())
    assert found.zones[b"\x01a\x00"].files == ("zones/a.zone", "inc")


def test_an_include_out_of_the_repository_is_refused() -> None:
    files = {"zones/a.zone": (TOP + "$INCLUDE ../../secret\n").encode(), "secret": b""}
    found = read_collection(files, files.__getitem__, Policy())
    assert ids(found.findings) == ["include-failed"]
    assert "leads out of the repository" in found.findings[0].message


def test_a_change_touches_what_includes_it() -> None:
    files = {
        "zones/a.zone": b"$INCLUDE inc\n",
        "zones/b.zone": b"$INCLUDE deep\n",
        "zones/c.zone": b"",
        "inc": b"",
        "deep": b"$INCLUDE inc ; again\n$INCLUDE deep\n",
    }

    def touched(*changed: str) -> set[str]:
        return affected(set(changed), files, files.__getitem__, Policy())

    assert touched() == set()
    assert touched("README.md") == set()
    assert touched("zones/c.zone") == {"zones/c.zone"}
    assert touched("deep") == {"zones/b.zone"}
    assert touched("inc") == {"zones/a.zone", "zones/b.zone"}
    assert touched("zones/inc") == {"zones/a.zone"}
    assert touched("zonecast.toml") == {"zones/a.zone", "zones/b.zone", "zones/c.zone"}


@pytest.mark.parametrize(
    "line",
    [
        "\ufeff$INCLUDE part.inc",
        "$INCLUDE ( part.inc )",
        "$include part.inc",
        '$INCLUDE "part.inc"',
        "$INCLUDE part\\.inc",
    ],
)
def test_zone_is_affected_however_its_include_is_written(line: str) -> None:
    soa = "@ 60 SOA ns h 1 2 3 4 5\n@ 60 NS ns.example.net.\n"
    files = {"a.zone": f"{line}\n{soa}".encode(), "part.inc": b"x 60 A 192.0.2.1\n"}
    known = frozenset(files)
    assert affected({"part.inc"}, known, files.__getitem__, Policy()) == {"a.zone"}


def test_glob_that_could_match_in_many_ways_takes_no_time() -> None:
    rules = policy(f'include = ["{"*a" * 20}b", "{"**/" * 20}b"]')
    assert listed(["a" * 60, "a/" * 40 + "c"], rules) == {}
