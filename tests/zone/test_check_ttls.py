"""The range of TTLs that a policy wants, for a repository and for one zone."""

from __future__ import annotations

import pytest
from zone_support import TOP, check, places

from zonecast.errors import ConfigError
from zonecast.zone.policy import Policy

ON = '[checks]\nttl-range = "warning"\n'
TEXT = TOP.replace("$TTL 3600", "$TTL 600") + "a 5 A 192.0.2.1\nb 86401 A 192.0.2.1\n"


@pytest.mark.parametrize(
    ("policy", "lines"),
    [
        ("", []),
        ("[ttl]\nleast = 10\n", []),
        (ON, [5]),
        (ON + "[ttl]\nleast = 5\n", []),
        (ON + "[ttl]\nleast = 0\nmost = 86400\n", [6]),
        (ON + '[ttl]\nleast = 0\nmost = "1d"\n', [6]),
        (ON + '[ttl]\nleast = "11m"\nmost = 86401\n', [2, 3, 4, 5]),
        (ON + '[ttl]\nmost = "1d"\n[zone."example.com"]\nttl.least = 5\n', [6]),
        (ON + '[zone."example.com"]\nttl = { least = 700000, most = 800000 }\n', [2, 3, 4, 5, 6]),
        (ON + '[zone."example.org"]\nttl.least = 5\n', [5]),
    ],
)
def test_the_range(policy: str, lines: list[int]) -> None:
    found = check(TEXT, Policy.from_toml(policy.encode(), "zonecast.toml"))
    assert places(found) == [("ttl-range", line, 1) for line in lines]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("[ttl]\nleast = -1\n", "zonecast.toml:2:1: [ttl]: 'least': expected a whole number"),
        ("[ttl]\nmost = true\n", "zonecast.toml:2:1: [ttl]: 'most': expected a whole number"),
        ("[ttl]\nmost = 2147483648\n", "expected a whole number from 0 to 2147483647"),
        ("[ttl]\nlow = 1\n", "unknown key 'low'; the keys here are: least, most"),
        ("[ttl]\nleast = 700000\n", "[ttl]: no TTL is from 700000 to 604800 seconds"),
        (
            '[ttl]\nleast = 5\n[zone."a.example"]\nttl.most = 1\n',
            '[zone."a.example".ttl]: no TTL is from 5 to 1 seconds',
        ),
    ],
)
def test_a_range_that_is_none(policy: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Policy.from_toml(policy.encode(), "zonecast.toml")
    assert said in str(caught.value)
