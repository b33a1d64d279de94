"""A finding says what to do about it. `zone_support` holds every sample of these tests to that; here
are the zones of other servers' tests and what no other test writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from zone_support import ORIGIN, TOP, assert_remedies, check, read

from zonecast.errors import BadNameError
from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.policy import Policy
from zonecast.zone.zonefile import read_zone

FAULTS = """
@ A
@ A 1.2.3.256
@ AAAA 1::2::3
@ MX x mail
@ MX 65537 mail
@ SRV 1 2 x y
@ TXT
@ TXT \\999
@ HINFO
@ CAA 0 issue
@ NSEC3PARAM 1 0 x -
@ ANY x
@ OPT x
@ TSIG x
@ CH A 192.0.2.1
@ CLASS4 A 192.0.2.1
@ 1h
@ 1h30 A 192.0.2.1
@ TYPE65280 \\# 3 00
@ SOA ns
@ SOA ns hostmaster x 2 3 4 5
@ SOA ns hostmaster 1 2 3 4 x
@ SOA ns hostmaster 1 2 3 4 5 6
a..b A 192.0.2.1
a\\1 A 192.0.2.1
a CNAME b\\
a CNAME b\u00fc
$TTL
$TTL 1 2
$TTL x
$ORIGIN
$ORIGIN a b
$INCLUDE
$INCLUDE \\999
$GENERATE
$GENERATE x a$ A 192.0.2.1
$GENERATE 2-1 a$ A 192.0.2.1
$GENERATE 1-2 a${x} A 192.0.2.1
$GENERATE 1-2 a$ SOA 192.0.2.1 x
$GENERATE 1-2 a$ A 192.0.2.x
$GENERATE 1-2 a$ A "192.0.2.1
$GENERATE 1-99999999 a$ A 192.0.2.1
$UNKNOWN x
@ TXT "open
@ A ( 192.0.2.1
@ A 192.0.2.1 )
"""


@pytest.mark.parametrize("fault", FAULTS.strip().splitlines())
def test_a_fault_has_a_remedy(fault: str) -> None:
    assert check(TOP + fault + "\n")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [("a" * 64, "shorten"), (".".join(["a" * 60] * 5), "shorten"), ("a\\", "remove it")],
)
def test_a_bad_name_has_a_remedy(name: str, remedy: str) -> None:
    with pytest.raises(BadNameError) as raised:
        names.from_text(name, ORIGIN)
    assert raised.value.remedy.startswith(remedy)


def test_the_remedy_names_what_belongs_there() -> None:
    def remedy(line: str) -> str:
        return read(TOP + line).findings[0].remedy

    assert remedy("@ MX 65536 mail\n") == "write 0 to 65535"
    assert remedy("@ SRV 0 0 1\n") == "write priority, weight, port and a name after the type"
    assert remedy("$INCLUDE\n") == "write a file's path after it"
    assert remedy('$GENERATE 1-2 a$ MX "x mail"\n') == "write 0 to 65535"


def test_nothing_can_be_included_without_a_repository() -> None:
    content = (TOP + "$INCLUDE other\n").encode()
    parsed = read_zone(content, path="zone", origin=ORIGIN, include=None)
    assert [found.id for found in parsed.findings] == ["include-failed"]
    assert_remedies(parsed.findings)


def test_more_than_is_listed_has_a_remedy() -> None:
    findings = read(TOP + "".join(f"x{n}.net. A 192.0.2.1\n" for n in range(30))).findings
    assert "more findings of this kind" in findings[-1].message
    assert_remedies(findings)


def test_findings_in_other_servers_test_zones(shared_data: Path) -> None:
    told = 0
    for path in sorted((shared_data / "lint" / "zones").rglob("*")):
        if path.is_file() and path.stat().st_size < 100_000:
            for origin in (ORIGIN, b"\x07example\x00"):
                parsed = read(path.read_bytes(), origin=origin)
                found = run_checks(parsed, Policy().zone(origin))
                assert_remedies(found)
                told += len(found)
    assert told > 300
