"""What must not be published is refused with file and line; the old version goes on serving."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from agents import Agent, Secret, Zones, primary_config, zone_text

GOOD = zone_text(10, "www A 192.0.2.1")

# What is pushed in place of the good zone → where the finding is, and its id.
BAD = {
    "syntax error": (GOOD.replace("192.0.2.1", "192.0.2.256").encode(), ":4:", "syntax"),
    "serial backwards": (
        zone_text(9, "www A 192.0.2.9").encode(),
        ":2:",
        "serial-backwards",
    ),
    "serial not raised": (
        zone_text(10, "www A 192.0.2.9").encode(),
        ":2:",
        "serial-not-raised",
    ),
    "not UTF-8": (zone_text(11, "www A 192.0.2.9 ; caf\xe9").encode("latin-1"), ":4:", "not-utf8"),
    "no SOA": (b"$TTL 300\n@ NS ns1.example.net.\n", "", "soa-missing"),
}


@pytest.fixture
def primary(zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]) -> Agent:
    """A primary that serves a good zone and another one."""
    zones.write("zones/example.com.zone", GOOD)
    zones.write("zones/example.org.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    agent.await_serial("example.com.", 10)
    return agent


@pytest.mark.parametrize("what", BAD)
def test_bad_zone_keeps_its_last_good_version(primary: Agent, zones: Zones, what: str) -> None:
    content, place, kind = BAD[what]
    zones.write("zones/example.com.zone", content)
    zones.write("zones/example.org.zone", zone_text(2, "www A 192.0.2.2"))
    zones.push(what)
    report = primary.status_when(lambda r: r["held"], "the zone to be held back")
    held = report["held"][0]
    assert held["what"] == "example.com."
    finding = held["findings"][0]
    assert finding["position"].startswith(f"zones/example.com.zone{place}")
    assert finding["id"] == kind
    assert finding["remedy"] or kind == "syntax"
    assert primary.query("www.example.com.").answer[0][0].address == "192.0.2.1"
    primary.await_serial("example.org.", 2)

    zones.write("zones/example.com.zone", zone_text(12, "www A 192.0.2.12"))
    zones.push("mended")
    primary.await_serial("example.com.", 12)
    assert not primary.ask("status")["held"]


def test_commit_that_deletes_the_policy_is_refused_whole(primary: Agent, zones: Zones) -> None:
    (zones.clone / "zonecast.toml").unlink()
    zones.write("zones/example.org.zone", zone_text(2, "www A 192.0.2.2"))
    refused = zones.push("no policy")
    report = primary.status_when(lambda r: r["held"], "the commit to be refused")
    held = report["held"][0]
    assert held["commit"] == refused
    assert held["findings"][0]["position"] == "zonecast.toml"
    assert "restore" in held["findings"][0]["remedy"]
    assert primary.serial("example.org.") == 1

    zones.write("zonecast.toml", '[serial]\nmode = "enforce"\n')
    zones.push("policy back")
    primary.await_serial("example.org.", 2)
    assert not primary.ask("status")["held"]


def test_zone_that_went_back_to_what_is_published_is_no_longer_held(
    primary: Agent, zones: Zones
) -> None:
    zones.write("zones/example.com.zone", "rubbish")
    zones.push("rubbish")
    primary.status_when(lambda r: r["held"], "the zone to be held back")
    zones.write("zones/example.com.zone", GOOD)
    zones.push("as it was")
    primary.status_when(lambda r: not r["held"], "nothing to be held back")
    assert primary.serial("example.com.") == 10


def test_all_or_nothing_holds_back_the_whole_commit(primary: Agent, zones: Zones) -> None:
    zones.write("zonecast.toml", 'publish = "all-or-nothing"\n')
    zones.write("zones/example.com.zone", "rubbish")
    zones.write("zones/example.org.zone", zone_text(2, "www A 192.0.2.2"))
    zones.push("one of two")
    report = primary.status_when(lambda r: r["held"], "the commit to be refused")
    said = [finding["message"] for reason in report["held"] for finding in reason["findings"]]
    assert any(text.startswith("1 zone fails and the policy") for text in said)
    assert primary.serial("example.org.") == 1
    zones.write("zones/example.com.zone", zone_text(11, "www A 192.0.2.11"))
    zones.push("both")
    primary.await_serial("example.org.", 2)
    primary.await_serial("example.com.", 11)
    assert not primary.ask("status")["held"]


def test_broken_policy_holds_back_the_commit(primary: Agent, zones: Zones) -> None:
    zones.write("zonecast.toml", "publish = 7\n")
    zones.write("zones/example.org.zone", zone_text(2))
    zones.push("broken policy")
    report = primary.status_when(lambda r: r["held"], "the commit to be refused")
    assert "publish" in report["held"][0]["findings"][0]["message"]
    assert primary.serial("example.org.") == 1


def test_file_whose_name_is_no_zone_is_named(primary: Agent, zones: Zones) -> None:
    zones.write("zones/a..b.zone", zone_text(1))
    zones.write("zones/example.org.zone", zone_text(2, "www A 192.0.2.2"))
    zones.push("a name that is none")
    primary.await_serial("example.org.", 2)
    held = primary.status_when(lambda r: r["held"], "the file to be named")["held"][0]
    assert held["what"] == "zones/a..b.zone"
    assert held["findings"][0]["id"] == "bad-zone-name"


def test_commit_that_leaves_no_zone_removes_none(primary: Agent, zones: Zones) -> None:
    zones.write("zonecast.toml", 'include = ["./*.zone"]\n')
    zones.push("a glob that matches nothing")
    held = primary.status_when(lambda r: r["held"], "the zones to be held")["held"]
    assert [zone["what"] for zone in held] == ["example.com.", "example.org."]
    assert {zone["findings"][0]["id"] for zone in held} == {"zone-removed"}
    assert primary.serial("example.com.") == 10
    zones.write("zonecast.toml", "")
    zones.write("zones/example.org.zone", zone_text(2))
    zones.push("as it was")
    primary.await_serial("example.org.", 2)
