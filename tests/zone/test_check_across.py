"""Rules across the zones of a repository."""

from __future__ import annotations

from pathlib import Path

import pytest
from zone_support import TOP, zonecast

from zonecast.zone.checks.across import check_across
from zonecast.zone.checks.zone_facts import extract
from zonecast.zone.collection import read_collection
from zonecast.zone.policy import Policy

OTHER = "$TTL 60\n@ SOA ns.example.com. h 1 7200 900 1209600 60\n@ NS ns.example.com.\n"
COM, NET, SUB = "example.com.zone", "example.net.zone", "sub.example.com.zone"
REVERSE = "2.0.192.in-addr.arpa.zone"
V6 = "8.b.d.0.1.0.0.2.ip6.arpa.zone"
OFF = Policy.from_toml(b'[zone."example.net"]\nchecks."*" = "off"\n', "zonecast.toml")


def across(files: dict[str, str], policy: Policy | None = None) -> list[tuple[str, str, int]]:
    contents = {path: text.encode() for path, text in files.items()}
    collection = read_collection(contents, contents.__getitem__, policy or Policy())
    facts = {
        origin: extract(parsed, collection.policy.zone(origin))
        for origin, parsed in collection.zones.items()
    }
    found = check_across(facts, facts, collection.policy)
    return [(item.id, item.position.path, item.position.line) for item in found]


@pytest.mark.parametrize(
    ("com", "net", "kind"),
    [
        ("", "c CNAME gone.example.com.", "dangling-target"),
        ("", "@ MX 10 gone.example.com.", "dangling-target"),
        ("", "_x._tcp SRV 0 0 1 gone.Example.COM.", "dangling-target"),
        ("", "d NS gone.example.com.", "dangling-target"),
        ("m TXT x", "@ MX 10 m.example.com.", "dangling-target"),
        ("a.m A 192.0.2.2", "@ MX 10 m.example.com.", "dangling-target"),
        ("m CNAME ns", "@ MX 10 m.example.com.", "target-is-alias"),
    ],
)
def test_targets_in_another_zone(com: str, net: str, kind: str) -> None:
    files = {COM: f"{TOP}{com}\n", NET: f"{OTHER}{net}\n"}
    assert across(files) == [(kind, NET, 4)]
    assert across(files, OFF) == []
    files[NET] = f"{OTHER}{net} ; zonecast: ignore={kind}\n"
    assert across(files) == []


@pytest.mark.parametrize(
    ("com", "net"),
    [
        ("m A 192.0.2.2", "@ MX 10 m.example.com.\nc CNAME m.example.com."),
        ("* A 192.0.2.2", "@ MX 10 m.example.com."),
        ("d NS ns", "@ MX 10 m.d.example.com."),
        ("d DNAME x.example.", "c CNAME m.d.example.com."),
        ("broken A 192", "@ MX 10 broken.example.com."),
        ("", "@ MX 10 m.example.org.\n@ MX 0 ."),
    ],
)
def test_targets_that_exist_or_that_nobody_here_knows(com: str, net: str) -> None:
    assert across({COM: f"{TOP}{com}\n", NET: f"{OTHER}{net}\n"}) == []


def test_parent_and_child_name_the_same_servers() -> None:
    child = OTHER.replace("ns.example.com.", "NS.example.com.")
    assert across({COM: TOP + "sub NS ns\n", SUB: child}) == []
    found = across({COM: TOP + "sub NS ns\nsub NS ns.example.net.\n", SUB: child})
    assert found == [("delegation-differs", COM, 5)]


def test_targets_below_a_delegation_are_the_childs() -> None:
    parent = TOP + "sub NS ns\nc CNAME www.sub\n"
    assert across({COM: parent, SUB: OTHER + "www A 192.0.2.2\n"}) == []
    assert across({COM: parent, SUB: OTHER}) == [("dangling-target", COM, 6)]


def test_pointers_and_addresses_agree() -> None:
    pointers = "1 PTR ns.example.com.\n2 PTR ns.example.com.\n3 PTR h.example.org.\n"
    assert across({COM: TOP, REVERSE: OTHER + pointers}) == [("reverse-differs", REVERSE, 5)]


def test_ipv6_pointers_too() -> None:
    com = TOP + "h AAAA 2001:db8::1\n"
    rest = "0." * 22
    pointers = f"1.0.{rest[:-1]} PTR h.example.com.\n2.0.{rest[:-1]} PTR h.example.com.\n"
    assert across({COM: com, V6: OTHER + pointers}) == [("reverse-differs", V6, 5)]


def test_look_ups_of_other_zones_spf_records_count() -> None:
    def spf(terms: str) -> str:
        return f'@ TXT "v=spf1 {terms} -all"\n'

    eight = " ".join(f"a:h{n}.example" for n in range(8))
    com = TOP + spf("mx include:example.net")
    assert across({COM: com, NET: OTHER + spf(eight)}) == []
    assert across({COM: com, NET: OTHER + spf(f"{eight} mx")}) == [("spf-lookups", COM, 5)]
    crosswise = {COM: com, NET: OTHER + spf("include:example.com redirect=example.com")}
    assert across(crosswise) == []


def test_addresses_without_a_pointer_are_named_where_the_policy_asks() -> None:
    asked = Policy.from_toml(b'[checks]\npointer-missing = "warning"\n', "zonecast.toml")
    com = TOP + "h A 192.0.2.2\nh AAAA 2001:db8::1\nfar A 198.51.100.1\n* A 192.0.2.9\n"
    files = {COM: com, REVERSE: OTHER + "1 PTR ns.example.com.\n"}
    assert across(files) == []
    assert across(files, asked) == [("pointer-missing", COM, 5)]
    files[V6] = OTHER
    assert across(files, asked) == [("pointer-missing", COM, 5), ("pointer-missing", COM, 6)]
    files[REVERSE] += "2 CNAME 2.0-63.2.0.192.in-addr.arpa.\n"
    assert across(files, asked) == [("pointer-missing", COM, 6)]


def test_check_says_them(tmp_path: Path) -> None:
    (tmp_path / COM).write_text(TOP)
    (tmp_path / NET).write_text(OTHER + "@ MX 10 gone.example.com.\n")
    done = zonecast("check", "--strict", cwd=tmp_path)
    assert done.returncode == 1
    assert f"{NET}:4:1: warning: example.net. MX points to gone.example.com." in done.stdout
