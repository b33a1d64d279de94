"""Slips of the pen, numbers out of the ordinary, names that a wildcard does not reach."""

from __future__ import annotations

import pytest
from zone_support import TOP, check, ids, places, read

from zonecast.zone import names
from zonecast.zone.checks import run_checks
from zonecast.zone.policy import Policy

MANY = "".join(f"m A 192.0.2.{n}\n" for n in range(80))
NOTHING_OFF = Policy.from_toml(b'[checks]\n"*" = "warning"\n', "zonecast.toml")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("c CNAME host.example.com\n", ("missing-final-dot", 5, 1)),
        ("@ MX 10 mail.Example.com\n", ("missing-final-dot", 5, 1)),
        ("www.example.com A 192.0.2.1\n", ("missing-final-dot", 5, 1)),
        ("c CNAME 192.0.2.1\n", ("target-is-address", 5, 1)),
        ("@ MX 10 192.0.2.1.\n", ("target-is-address", 5, 1)),
        ('dmarc TXT x\n_dmarc TXT "v=DMARC1; p=none"\n', ("name-underscore", 6, 1)),
        ("a_b TXT x\na-b A 192.0.2.1\n", ("name-underscore", 5, 1)),
        (MANY, ("rrset-over-udp", 5, 1)),
    ],
)
def test_finds(text: str, expected: tuple[str, int, int]) -> None:
    assert places(check(TOP + text)) == [expected]


@pytest.mark.parametrize(
    "text",
    [
        "c CNAME host.example.com.\nd CNAME host\nhost A 192.0.2.1\n",
        "c CNAME 1.2.3.4.5\n1.2.3.4.5 A 192.0.2.1\n",
        "_a TXT x\n_b TXT x\nb_c TXT x\n",
        "*.w A 192.0.2.1\nm.w A 192.0.2.1\n_x.w TXT x\nc.w CNAME ns\ns.w NS ns.example.net.\n",
        "".join(f"m A 192.0.2.{n}\n" for n in range(70)),
    ],
)
def test_lets_pass(text: str) -> None:
    assert check(TOP + text) == []
    assert "wildcard-shadowed" not in ids(check(TOP + text, NOTHING_OFF))


def test_a_pointer_without_its_dot() -> None:
    top = TOP.replace(" ns", " ns.example.com.").replace("ns A 192.0.2.1\n", "")
    origin = names.from_text("2.0.192.in-addr.arpa.")
    parsed = read(top + "1 PTR host.example.net\n2 PTR host.example.net.\n", origin=origin)
    assert places(run_checks(parsed, Policy().zone(origin))) == [("missing-final-dot", 4, 1)]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("www 5 A 192.0.2.1\n", "ttl-range"),
        ("www 700000 A 192.0.2.1\n", "ttl-range"),
        ("* A 192.0.2.1\nns.a A 192.0.2.1\n", "wildcard-shadowed"),
        ("*.w A 192.0.2.1\nm.w MX 10 ns\n", "wildcard-shadowed"),
        ("WWW A 192.0.2.1\nwww AAAA 2001:db8::1\n", "name-case"),
    ],
)
def test_what_is_off_by_default(text: str, kind: str) -> None:
    assert check(TOP + text) == []
    assert ids(check(TOP + text, NOTHING_OFF)) == [kind]


@pytest.mark.parametrize(
    ("timers", "said"),
    [
        ("60 30 1209600 300", "refresh"),
        ("7200 7200 1209600 300", "retry"),
        ("7200 900 86400 300", "expire"),
        ("7200 900 1209600 172800", "minimum"),
    ],
)
def test_soa_timers(timers: str, said: str) -> None:
    text = TOP.replace("7200 3600 1209600 300", timers)
    assert check(text) == []
    (found,) = check(text, NOTHING_OFF)
    assert (found.id, found.position.line) == ("soa-timers", 2)
    assert found.message.startswith(said)
