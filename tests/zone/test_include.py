"""`$INCLUDE`: what carries over, what does not, and what is refused."""

from __future__ import annotations

import pytest
from zone_support import TOP, added, places, read

from zonecast.errors import RepositoryError
from zonecast.zone.collection import candidates, closure


def test_included_records_are_of_this_zone() -> None:
    assert added("$INCLUDE a\nz A 192.0.2.4\n", {"a": "www A 192.0.2.2\n"}) == [
        "www.example.com. 3600 IN A 192.0.2.2",
        "z.example.com. 3600 IN A 192.0.2.4",
    ]


def test_origin_of_the_include_ends_with_it() -> None:
    files = {"a": "www A 192.0.2.2\n$ORIGIN deep\nx A 192.0.2.3\n"}
    assert added("$INCLUDE a sub\ny A 192.0.2.4\n", files) == [
        "x.deep.sub.example.com. 3600 IN A 192.0.2.3",
        "www.sub.example.com. 3600 IN A 192.0.2.2",
        "y.example.com. 3600 IN A 192.0.2.4",
    ]


def test_owner_after_an_include_is_the_one_before_it() -> None:
    files = {"a": "x A 192.0.2.2\n"}
    assert "w.example.com. 3600 IN A 192.0.2.5" in added(
        "w A 192.0.2.4\n$INCLUDE a\n  A 192.0.2.5\n", files
    )


def test_default_ttl_of_an_include_stays() -> None:
    assert "z.example.com. 60 IN A 192.0.2.4" in added(
        "$INCLUDE a\nz A 192.0.2.4\n", {"a": "$TTL 60\n"}
    )


def test_findings_name_the_included_file() -> None:
    parsed = read(TOP + "$INCLUDE a\n", {"a": "\nwww A x\n"})
    assert parsed.files == ("zones/example.com.zone", "a")
    assert str(parsed.findings[0].position) == "a:2:7"


def test_serial_in_an_include_is_placed_there() -> None:
    text = "$TTL 60\n$INCLUDE a\n@ NS ns\nns A 192.0.2.1\n"
    parsed = read(text, {"a": "@ SOA ns hostmaster 42 2 3 4 5\n"})
    assert parsed.serial_span == ("a", 20, 22)
    assert str(parsed.serial_position) == "a:1:21"


@pytest.mark.parametrize(
    "files",
    [
        {"a": "$INCLUDE a\n"},
        {"a": "$INCLUDE b\n", "b": "$INCLUDE a\n"},
        {"a": "$INCLUDE zones/example.com.zone\n", "zones/example.com.zone": ""},
        {str(n): f"$INCLUDE {n + 1}\n" for n in range(100)} | {"a": "$INCLUDE 0\n"},
    ],
)
def test_cycles_and_depth_are_refused(files: dict[str, str]) -> None:
    found = read(TOP + "$INCLUDE a\n", files).findings
    assert [finding.id for finding in found] == ["include-failed"]


def test_files_that_multiply_end() -> None:
    files = {str(n): f"$INCLUDE {n + 1}\n" * 10 for n in range(14)} | {"14": ""}
    found = read(TOP + "$INCLUDE 0\n", files).findings
    assert found[-1].id == "too-many-errors"


def test_paths_stay_in_the_repository() -> None:
    """Pitfall: includes are confined to the repository."""
    assert candidates("a.inc", "zones/x.zone") == ("zones/a.inc", "a.inc")
    assert candidates("../inc/a", "zones/x.zone") == ("inc/a",)
    assert candidates("./a", "x.zone") == ("a",)
    for wanted in ("/etc/passwd", "../../a", "zones/../../../a", ""):
        with pytest.raises(RepositoryError):
            candidates(wanted, "zones/x.zone")


def test_closure_holds_every_path_that_may_decide() -> None:
    files = {
        "zones/x.zone": b'$include "mail.inc" sub ; one\r\n; $INCLUDE no\n a TXT "\n$INCLUDE x"',
        "mail.inc": b"$INCLUDE\tdeep/er\n",
        "deep/er": b"",
    }
    assert closure("zones/x.zone", files, files.__getitem__) >= {
        "zones/x.zone",
        "zones/mail.inc",
        "mail.inc",
        "deep/er",
    }
    assert places(read(TOP + '$INCLUDE "a"\n', {"a": ""}).findings) == []
