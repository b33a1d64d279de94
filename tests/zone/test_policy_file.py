"""zonecast.toml: every key optional, every mistake named with its place and what is allowed."""

from __future__ import annotations

import pytest

from zonecast.errors import ConfigError
from zonecast.zone import names
from zonecast.zone.policy import Policy

DESIGN = b"""
include = ["**/*.zone", "**/db.*"]
publish = "all-or-nothing"
[serial]
mode = "enforce"
policy = "unixtime"
[origins]
"zones/root.zone" = "."
"zones/rev" = "0/25.2.0.192.in-addr.arpa"
[checks]
"*" = "warning"
dangling-target = "off"
[rails]
max-delete = 1.0
max-update = 0.5
[zone."Example.com"]
serial.mode = "managed"
rails.max-update = 1.0
[zone."other.example."]
checks."glue-*" = "error"
"""


def zone(policy: Policy, name: str):
    return policy.zone(names.from_text(name))


def test_no_policy_is_the_defaults() -> None:
    assert Policy.from_toml(b"", "zonecast.toml") == Policy()
    policy = Policy()
    assert policy.include == ("**/*.zone", "**/db.*")
    assert policy.publish == "each-zone"
    found = zone(policy, "example.com.")
    assert (found.serial.mode, found.serial.policy) == ("fix", "date")
    assert (found.rails.max_delete, found.rails.max_update) == (0.3, 0.3)


def test_every_key_is_read_and_a_zone_overrides_only_what_it_names() -> None:
    policy = Policy.from_toml(DESIGN, "zonecast.toml")
    assert policy.publish == "all-or-nothing"
    assert policy.origins["zones/root.zone"] == b"\x00"
    assert policy.origins["zones/rev"] == names.from_text("0/25.2.0.192.in-addr.arpa.")
    managed = zone(policy, "EXAMPLE.com.")
    assert (managed.serial.mode, managed.serial.policy) == ("managed", "unixtime")
    assert (managed.rails.max_delete, managed.rails.max_update) == (1.0, 1.0)
    assert managed.level("dangling-target") == "off"
    other = zone(policy, "other.example.")
    assert other.serial.mode == "enforce"
    assert other.level("glue-missing") == "error"
    assert other.level("mx-is-cname") == "warning"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"inclde = []", "unknown key 'inclde'; the keys here are: checks, group, include"),
        (b"[serial]\nmod = 1", "[serial]: unknown key 'mod'; the keys here are: mode, policy"),
        (b'[serial]\nmode = "x"', "expected one of enforce, fix, managed"),
        (b'[zone."a"]\nserial.mode = "x"', "expected one of enforce, fix, managed"),
        (b'[zone."a"]\nserial.mod = "x"', "unknown key 'mod'"),
        (b'[zone."a"]\npublish = "x"', "unknown key 'publish'"),
        (b'[checks]\nglue-mising = "off"', "no check 'glue-mising'; near it: glue-missing"),
        (b'[checks]\nglue-missing = "on"', "expected one of error, warning, off"),
        (b"[rails]\nmax-delete = 2", "expected a number from 0.0 to 1.0"),
        (b"[rails]\nremoval = 1", "'removal': expected true or false"),
        (b'[zone."a"]\nrails.rewrite = false', "not one zone; put it under [rails]"),
        (b'[origins]\n"a" = "b..c"', "empty label"),
        (b'[zone."a"]\ngroup = ["b", 1]', "'group': expected a string"),
        (b'group = ["b", "b"]', "'group': 'b' stands here more than once"),
        (b'[zone."a"]\ncatalog = "b..c"', "'catalog': 'b..c' has an empty label"),
        (b"checks = 1", "expected a table"),
        (b"include = 1", "expected a list"),
        (b"a = 1\nb = \n", "zonecast.toml:2:5: not TOML: Invalid value"),
        (b"# caf\xe9", "zonecast.toml:1: the file is not UTF-8"),
    ],
)
def test_a_mistake_is_named(content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Policy.from_toml(content, "zonecast.toml")
    assert said in str(caught.value)
    assert str(caught.value).startswith("zonecast.toml")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"publish = 'each-zone'\n\n  inclde = []", "3:3: unknown key 'inclde'"),
        (b"# [serial]\n[serial]\nmode = 'fix'\nmod = 1", "4:1: [serial]: unknown key 'mod'"),
        (b'[zone."a.b"]\n\nserial.mode = "x"', "3:1: [zone.\"a.b\".serial]: 'mode': expected one"),
        (
            b'[zone."A.b".rails]\nmax-delete=1\nrewrite=false',
            "3:1: [zone.\"A.b\".rails]: 'rewrite'",
        ),
        (b'[zone."a..b"]\n', "1:1: [zone]: 'a..b': "),
        (
            b'[checks]\n"*" = "off"\nglue-mising = "off"',
            "3:1: [checks]: 'glue-mising': there is no",
        ),
        (b'[checks]\nglue-missing = "on"', "2:1: [checks]: 'glue-missing': expected one of error"),
        (b'[origins]\n\n"a" = "b..c"', "3:1: [origins]: 'a': "),
        (b'x = { y = """\n""" }', "1:1: unknown key 'x'"),
    ],
)
def test_a_mistake_is_named_with_its_line(content: bytes, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Policy.from_toml(content, "zonecast.toml")
    assert str(caught.value).startswith(f"zonecast.toml:{said}")
    assert caught.value.remedy


@pytest.mark.parametrize("other", ["EXAMPLE.com", "example.com."])
def test_one_zone_in_two_spellings_is_refused_with_both_lines(other: str) -> None:
    content = f'[zone."example.com"]\nserial.mode = "fix"\n[zone."{other}"]\nrails.removal = true\n'
    with pytest.raises(ConfigError) as caught:
        Policy.from_toml(content.encode(), "zonecast.toml")
    assert str(caught.value) == (
        f"zonecast.toml:3:1: [zone]: '{other}' is 'example.com' again (line 1); write both as one"
    )
