"""The rules over a zone: each finds what it is for, at its place, and lets what is right pass."""

from __future__ import annotations

import pytest
from zone_support import ORIGIN, TOP, check, ids, places

from zonecast.zone.policy import Policy

DS = "DS 1 8 2 e2d3c916f6deeac73294e8268fb5885044a833fc5459588f4a9184cfc41a5766\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@ " + DS, ("ds-at-apex", 5, 1)),
        ("@ NS gone\n", ("ns-no-address", 5, 1)),
        ("@ NS t\nt TXT x\n", ("ns-no-address", 5, 1)),
        ("@ NS c\nc CNAME ns\n", ("ns-is-cname", 5, 1)),
        ("@ NS x.d\nd DNAME e.\n", ("ns-below-dname", 5, 1)),
        ("@ NS ns.sub\nsub NS ns\n", ("glue-missing", 5, 1)),
        ("*.w NS ns.example.net.\n", ("wildcard-ns", 5, 1)),
        ("c CNAME ns\nc A 192.0.2.2\n", ("cname-and-other", 5, 1)),
        ("c CNAME ns\nc DNAME x.\n", ("cname-and-other", 5, 1)),
        ("c CNAME ns\nc CNAME @\n", ("cname-multiple", 5, 1)),
        ("d DNAME x.\nd DNAME y.\n", ("dname-multiple", 5, 1)),
        ("d DNAME x.\nd NS ns.example.net.\n", ("dname-and-ns", 5, 1)),
        ("d DNAME x.\nw.d A 192.0.2.2\nw.d TXT x\n", ("below-dname", 6, 1)),
        ("d DNAME x.\nsub.d NS gone.d\n", ("below-dname", 6, 1)),
        ("a.*.w TXT x\n", ("wildcard-inside", 5, 1)),
        ("sub NS ns.sub\n", ("glue-missing", 5, 1)),
        ("sub NS ns.sub2\nsub2 NS ns.example.net.\n", ("glue-missing", 5, 1)),
        ("sub NS ns\nsub NS gone\n", ("delegation-no-address", 6, 1)),
        ("sub NS c\nc CNAME ns\n", ("delegation-is-cname", 5, 1)),
        ("sub " + DS, ("ds-without-ns", 5, 1)),
        ("@ MX 10 gone\n", ("mx-no-address", 5, 1)),
        ("@ MX 10 192.0.2.1\n", ("target-is-address", 5, 1)),
        ("@ MX 10 c\nc CNAME ns\n", ("mx-is-cname", 5, 1)),
        ("_x._tcp SRV 0 0 1 gone\n", ("srv-no-address", 5, 1)),
        ("_x._tcp SRV 0 0 1 c\nc CNAME ns\n", ("srv-is-cname", 5, 1)),
        ("c CNAME gone\n", ("dangling-target", 5, 1)),
        ("c CNAME example.com\n", ("missing-final-dot", 5, 1)),
    ],
)
def test_finds(text: str, expected: tuple[str, int, int]) -> None:
    assert places(check(TOP + text)) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sub NS ns.sub\nns.sub AAAA 2001:db8::1\n" + "sub " + DS,
        "sub NS ns.sub2\nsub2 NS ns.sub2\nns.sub2 A 192.0.2.2\n",
        "sub NS ns.example.net.\nsub NS ns\n",
        "@ NS ns.example.net.\n@ NS w.wild\n*.wild A 192.0.2.2\n",
        "@ MX 0 .\n_x._tcp SRV 0 0 0 .\n",
        "@ MX 10 m.wild\n*.wild A 192.0.2.2\n",
        "@ MX 10 mail.sub\nsub NS ns.example.net.\n",
        "c CNAME www.example.net.\nc2 CNAME empty\na.empty A 192.0.2.2\n",
        "c CNAME x.d\nd DNAME e.\nx.c CNAME host.sub\nsub NS ns.example.net.\n",
        "d DNAME e.\nd A 192.0.2.2\n",
        "NS A 192.0.2.3\n",
        "sub NS ns.sub\nns.sub A 192.0.2.2\nx.sub MX 10 gone\ny.sub CNAME gone\nz.sub NS gone\n",
    ],
)
def test_lets_pass(text: str) -> None:
    assert check(TOP + text) == []


def test_zone_without_servers() -> None:
    assert places(check("$TTL 60\n\n@ SOA ns hostmaster 1 2 3 4 5\n")) == [("ns-missing", 3, 1)]


def test_what_is_missing_is_not_said_behind_an_error() -> None:
    assert ids(check(TOP + "c CNAME host\nhost A 192.0.2\n")) == ["syntax"]


def test_findings_come_in_the_files_order() -> None:
    found = check(TOP + "@ MX 10 gone\nb CNAME gone\nsub NS ns.sub\na.org. A 192.0.2.1\n")
    assert [line for _, line, _ in places(found)] == [5, 6, 7, 8]


def test_policy_sets_levels_but_not_those_of_an_unservable_zone() -> None:
    policy = Policy.from_toml(
        b'[checks]\n"*" = "off"\n"mx-*" = "warning"\n"mx-no-address" = "error"\n'
        b'[zone."other.example"]\nchecks."*" = "error"\n',
        "zonecast.toml",
    )
    text = TOP + "@ MX 10 gone\n@ MX 20 c\nc CNAME ns\nd CNAME gone\n"
    assert {f.id: f.level for f in check(text, policy)} == {
        "mx-no-address": "error",
        "mx-is-cname": "warning",
    }
    assert ids(check(TOP + "c CNAME ns\nc A 192.0.2.1\n", policy)) == ["cname-and-other"]
    other = policy.zone(b"\x05other\x07EXAMPLE\x00")
    assert other.level("mx-is-cname") == "error"
    assert policy.zone(ORIGIN).level("dangling-target") == "off"
