"""Names of hosts, as named's check-names wants them."""

from __future__ import annotations

import pytest
from zone_support import TOP, check, ids, places, read

from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.policy import Policy


@pytest.mark.parametrize(
    "line",
    [
        "a_b A 192.0.2.2",
        "a_b AAAA 2001:db8::1",
        "a_b MX 10 ns",
        "-a A 192.0.2.2",
        "x.a- A 192.0.2.2",
        "a+b A 192.0.2.2",
        "a\\000b A 192.0.2.2",
        "a\\.b A 192.0.2.2",
        "*._x A 192.0.2.2",
        "x*  A 192.0.2.2",
        "x NS a_b.example.net.",
        "x MX 10 a_b.example.net.",
        "x SRV 0 0 1 -ab.example.net.",
        "x AFSDB 1 a_b.example.net.",
        "x RT 1 a_b.example.net.",
    ],
)
def test_no_names_of_hosts(line: str) -> None:
    assert places(check(f"{TOP}{line}\n")) == [("bad-host-name", 5, 1)]


@pytest.mark.parametrize(
    "lines",
    [
        "a-b A 192.0.2.2\nA-9.4 AAAA 2001:db8::1\n9 MX 10 a-b\n* A 192.0.2.2\n*.w MX 10 ns\n",
        "_x TXT x\n_s SRV 0 0 1 ns\n_c CNAME ns\ny CNAME a_b.example.net.\n",
        "gc._msdcs A 192.0.2.2\nGC._MSDCS.x A 192.0.2.2\n",
        "x MX 0 .\nx SRV 0 0 0 .\nx PTR a_b.example.net.\n",
    ],
)
def test_names_of_hosts_and_of_what_is_none(lines: str) -> None:
    assert check(TOP + lines) == []


def test_a_host_is_said_where_it_stands() -> None:
    """And not again by everything that points to it."""
    found = check(TOP + "a_b A 192.0.2.2\nx MX 10 a_b\ny MX 10 a_b\n")
    assert places(found) == [("bad-host-name", 5, 1)]
    assert ids(check(TOP + "x MX 10 a_b\n")) == ["bad-host-name", "mx-no-address"]


@pytest.mark.parametrize("names_of_soa", ["n_s hostmaster", "ns host.-a", "ns h.m_1.example.net."])
def test_the_names_of_a_soa(names_of_soa: str) -> None:
    found = check(TOP.replace("ns hostmaster", names_of_soa))
    assert places(found) == [("bad-host-name", 2, 1)]
    assert check(TOP.replace("ns hostmaster", "ns host_master\\.x.mail")) == []


def test_pointers_of_a_reverse_zone() -> None:
    top = TOP.replace(" ns", " ns.example.com.").replace("ns A 192.0.2.1\n", "")
    origin = names.from_text("2.0.192.in-addr.arpa.")
    parsed = read(top + "1 PTR a_b.example.net.\n2 PTR a-b.example.net.\n", origin=origin)
    assert places(run_checks(parsed, Policy().zone(origin))) == [("bad-host-name", 4, 1)]
