"""`; zonecast: ignore=ID` silences a finding at its line, and nothing else."""

from __future__ import annotations

import pytest
from zone_support import ORIGIN, TOP, check, ids, places, read

from zonecast.zone.checks import run_checks
from zonecast.zone.policy import Policy


@pytest.mark.parametrize(
    "comment",
    [
        "; zonecast: ignore=mx-no-address",
        ";zonecast:ignore=mx-no-address",
        "; zonecast: ignore=srv-is-cname,mx-no-address ; the partner's host",
    ],
)
def test_silences_its_own_line_alone(comment: str) -> None:
    found = check(f"{TOP}@ MX 10 gone {comment}\n@ MX 20 gone2\n")
    assert places(found) == [("mx-no-address", 6, 1)]


def test_in_an_included_file() -> None:
    files = {"mail": "@ MX 10 gone ; zonecast: ignore=mx-no-address\n@ MX 20 gone2\n"}
    found = run_checks(read(TOP + "$INCLUDE mail\n", files), Policy().zone(ORIGIN))
    assert [(f.id, f.position.path, f.position.line) for f in found] == [
        ("mx-no-address", "mail", 2)
    ]


def test_the_readers_warnings_too() -> None:
    assert check(TOP + "ns A 192.0.2.1 ; zonecast: ignore=duplicate-record\n") == []


def test_what_makes_a_zone_unservable_stays_and_is_said() -> None:
    found = check(TOP + "@ NS gone ; zonecast: ignore=ns-no-address\n")
    assert sorted(ids(found)) == ["bad-ignore", "ns-no-address"]


def test_an_unknown_id_is_said() -> None:
    found = check(TOP + "@ MX 10 gone ; zonecast: ignore=mx-no-adress\n")
    assert sorted(ids(found)) == ["bad-ignore", "mx-no-address"]


def test_a_string_is_no_comment() -> None:
    assert check(TOP + 't TXT "; zonecast: ignore=nonsense"\n') == []
