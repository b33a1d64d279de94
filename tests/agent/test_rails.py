"""The safety rails in the agent: what is held, and what lets it pass."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from agents import POLICY, Agent, Secret, Zones, primary_config, run, zone_text

MakeAgent = Callable[[str], Agent]

HOSTS = [f"h{number} A 192.0.2.{number}" for number in range(20)]
COM, ORG = "zones/example.com.zone", "zones/example.org.zone"
RAILS_OFF = POLICY + "[rails]\nmax-delete = 1.0\nremoval = false\nrewrite = false\n"


@pytest.fixture
def primary(zones: Zones, secret: Secret, new_agent: MakeAgent) -> Agent:
    """Serves example.com with 20 hosts and example.org."""
    zones.write(COM, zone_text(10, *HOSTS))
    zones.write(ORG, zone_text(10))
    zones.push()
    agent = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    agent.await_serial("example.com.", 10)
    return agent


def held(agent: Agent, commit: str, count: int = 1) -> list[dict[str, Any]]:
    """What is held once the agent has dealt with a commit."""

    def dealt(report: dict[str, Any]) -> bool:
        return [reason["commit"] for reason in report["held"]] == [commit] * count

    return agent.status_when(dealt, f"{count} to be held of {commit}")["held"]


def settled(agent: Agent, commit: str) -> dict[str, Any]:
    """The report once nothing is held and the commit is published."""
    return agent.status_when(
        lambda r: not r["held"] and r["repositories"][0]["commit"] == commit, "nothing to be held"
    )


def approve(agent: Agent, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `zonecast approve`."""
    command = [sys.executable, "-m", "zonecast", "approve", "--config", str(agent.config), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_rail_holds_its_zone_until_the_trailer_that_status_names(
    primary: Agent, zones: Zones
) -> None:
    """Pitfall: the gate counts what a commit deletes and changes, and holds it until a trailer or
    a person allows it."""
    moved = zone_text(13, *HOSTS[:10], ns="ns9.example.net.")
    slips = {
        "mass-delete": zone_text(11, *HOSTS[:10]),
        "mass-update": zone_text(12, *HOSTS[:10]).replace("$TTL 300", "$TTL 60"),
        "apex-ns-change": moved.replace("$TTL 300", "$TTL 60"),
        "zone-removed": None,
    }
    for number, (kind, content) in enumerate(slips.items()):
        if content is None:
            (zones.clone / COM).unlink()
        else:
            zones.write(COM, content)
        zones.write(ORG, zone_text(50 + number, f"www A 192.0.2.{number}"))
        (reason,) = held(primary, zones.push(kind))
        assert reason["what"] == "example.com."
        (finding,) = reason["findings"]
        assert finding["id"] == kind
        assert primary.serial("example.com.") == 10 + number, "the last good version serves"
        primary.await_serial("example.org.", 50 + number)
        remedy = re.search(r"git commit --allow-empty .*?--trailer '[^']+'", finding["remedy"])
        assert remedy is not None
        run(shlex.split(remedy[0]), zones.clone)
        settled(primary, zones.push("one more"))
        if content is not None:
            primary.await_serial("example.com.", 11 + number)
    assert primary.query("example.com.", "SOA").rcode() == 5


def test_a_commit_does_not_judge_itself_nor_does_the_next_one(primary: Agent, zones: Zones) -> None:
    zones.write("zonecast.toml", RAILS_OFF)
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    first = zones.push("loosen and delete")
    held(primary, first)
    primary.stop()
    primary.start()
    zones.write(ORG, zone_text(11, *HOSTS))
    second = zones.push("something else")
    primary.await_serial("example.org.", 11)
    held(primary, second)
    zones.write(ORG, zone_text(12))
    third = zones.push("the policy holds for a zone that was not held")
    primary.await_serial("example.org.", 12)
    (reason,) = held(primary, third)
    assert (reason["findings"][0]["id"], primary.serial("example.com.")) == ("mass-delete", 10)
    zones.write(COM, zone_text(12, *HOSTS[2:]))
    settled(primary, zones.push("less at once"))
    primary.await_serial("example.com.", 12)


def test_an_approval_is_for_one_commit_and_survives_a_restart(primary: Agent, zones: Zones) -> None:
    """Pitfall: objects of a refused push vanish, so approvals are kept by commit hash."""
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    first = zones.push("half of it")
    held(primary, first)
    for words, status, said in (
        (["main"], 2, "is no commit's hash"),
        (["123456789"], 1, "names no commit here"),
        ([zones.push("on top")[:8]], 0, "it is published again"),
    ):
        done = approve(primary, *words)
        assert (done.returncode, said in done.stdout + done.stderr) == (status, True), done
        if status:
            assert primary.serial("example.com.") == 10
    primary.await_serial("example.com.", 11)
    late = approve(primary, first)
    assert late.returncode == 1
    assert "has moved on" in late.stderr
    assert "nothing of its tip is held back" in late.stderr
    tree = approve(primary, run(["git", "rev-parse", "main^{tree}"], zones.clone).strip())
    assert (tree.returncode, "is no commit's hash" in tree.stderr) == (2, True)
    assert (
        "nothing of commit"
        in approve(primary, run(["git", "rev-parse", "main"], zones.clone).strip()).stderr
    )
    assert re.search(r"uid \d+: .*\"approve\"", primary.log)

    # Before it is pushed, by its whole hash, and across a restart.
    zones.write(COM, zone_text(12))
    run(["git", "commit", "-qam", "the rest"], zones.clone)
    commit = run(["git", "rev-parse", "HEAD"], zones.clone).strip()
    assert approve(primary, commit[:10]).returncode == 1
    assert approve(primary, commit).returncode == 0
    assert approve(primary, "--withdraw", commit[:10]).returncode == 0
    assert approve(primary, "--withdraw", commit).returncode == 1
    assert approve(primary, commit).returncode == 0
    primary.stop()
    primary.start()
    assert commit in [a["commit"] for a in primary.ask("status")["approvals"]]
    run(["git", "push", "-q", "origin", "HEAD:main"], zones.clone)
    primary.await_serial("example.com.", 12)


def test_rewritten_history_publishes_nothing_until_its_tip_is_approved(
    primary: Agent, zones: Zones
) -> None:
    """Pitfall: history that no longer contains the last published commit needs an explicit
    approval."""
    zones.write(COM, zone_text(11, *HOSTS))
    published = zones.push("to be rewritten")
    primary.await_serial("example.com.", 11)
    run(["git", "reset", "-q", "--hard", "HEAD~1"], zones.clone)
    zones.write(ORG, zone_text(11))
    zones.write("zonecast.toml", RAILS_OFF)
    rewritten = zones.push("x\n\nZonecast-Allow: history-rewritten", "--force")
    (reason,) = held(primary, rewritten)
    assert reason["findings"][0]["id"] == "history-rewritten"
    report = primary.ask("status")
    assert report["repositories"][0]["commit"] == published
    assert primary.serial("example.org.") == 10
    # The branch contains it again.
    run(["git", "push", "-q", "--force", "origin", f"{published}:main"], zones.clone)
    settled(primary, published)
    run(["git", "push", "-q", "--force", "origin", f"{rewritten}:main"], zones.clone)
    held(primary, rewritten)
    assert approve(primary, published).returncode == 0, "not what the branch is at"
    assert primary.serial("example.org.") == 10
    assert approve(primary, rewritten).returncode == 0
    primary.await_serial("example.org.", 11)
    # Serials still only go up: the zone's old content came back under its old serial.
    (reason,) = held(primary, rewritten)
    assert reason["what"] == "example.com."
    assert reason["findings"][0]["id"] == "serial-backwards"
    assert primary.serial("example.com.") == 11


def test_an_approval_is_spent_once_another_commit_is_published(
    primary: Agent, zones: Zones
) -> None:
    zones.write(COM, zone_text(11, *HOSTS[:10]))
    commit = zones.push("half of it")
    held(primary, commit)
    assert approve(primary, commit).returncode == 0
    primary.await_serial("example.com.", 11)
    zones.write(COM, zone_text(12, *HOSTS[:9]))
    zones.push("newer")
    primary.await_serial("example.com.", 12)
    primary.status_when(lambda r: r["approvals"] == [], "the approval to be spent")
    run(["git", "push", "-q", "--force", "origin", f"{commit}:main"], zones.clone)
    (reason,) = held(primary, commit)
    assert reason["findings"][0]["id"] == "history-rewritten"


def test_floors_and_protected_zones_are_beyond_policy_trailer_and_approval(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("zonecast.toml", RAILS_OFF)
    zones.write(COM, zone_text(10, *HOSTS))
    zones.write(ORG, zone_text(10))
    zones.write("zones/example.net.zone", zone_text(10))
    zones.push()
    floors = ["[rails]", "max-delete-at-most = 0.2", 'protected = ["Example.org"]']
    agent = new_agent("ns1").configure(*primary_config(zones, secret), *floors).start()
    agent.await_serial("example.com.", 10)
    zones.write(COM, zone_text(11, *HOSTS[5:]))
    (zones.clone / ORG).unlink()
    (zones.clone / "zones/example.net.zone").unlink()
    commit = zones.push("x\n\nZonecast-Allow: zone-removed")
    found = {r["what"]: r["findings"][0] for r in held(agent, commit, 2)}
    assert found["example.com."]["id"] == "mass-delete"
    assert "the 20 % that" in found["example.com."]["message"]
    assert found["example.org."]["id"] == "zone-protected"
    assert approve(agent, commit).returncode == 0
    agent.await_serial("example.com.", 11)
    assert held(agent, commit)[0]["what"] == "example.org."
    assert agent.serial("example.org.") == 10
    assert agent.query("example.net.", "SOA").rcode() == 5


def test_a_zone_that_moved_to_another_repository_is_not_held_as_removed(
    primary: Agent, zones: Zones
) -> None:
    other = Zones(zones.directory / "other")
    other.directory.mkdir()
    other.make()
    other.push("empty")
    table = f'[[repository]]\npath = "{other.bare}"\npoll-interval = "1s"\n'
    primary.stop()
    primary.config.write_text(primary.config.read_text() + table)
    primary.start()
    (zones.clone / ORG).unlink()
    held(primary, zones.push("moved away"))
    other.write(ORG, zone_text(11))
    commit = other.push("moved here")
    primary.await_serial("example.org.", 11)
    report = primary.status_when(lambda r: not r["held"], "nothing to be held")
    sources = {zone["zone"]: zone["commit"] for zone in report["zones"]}
    assert sources["example.org."] == commit


def test_a_trailer_does_not_reach_a_zone_that_is_held_for_something_else(
    primary: Agent, zones: Zones
) -> None:
    zones.write(COM, zone_text(9, *HOSTS, "more A 192.0.2.99"))
    held(primary, zones.push("a serial that is too low"))
    zones.write(ORG, zone_text(11, *HOSTS))
    held(primary, zones.push("x\n\nZonecast-Allow: mass-delete mass-update"))
    primary.await_serial("example.org.", 11)
    zones.write(COM, zone_text(12, HOSTS[0]))
    (reason,) = held(
        primary, zones.push("the serial, and a slip\n\nZonecast-Allow: not mass-delete")
    )
    (finding,) = reason["findings"]
    assert finding["id"] == "mass-delete"
    assert "allows nothing: 'not' is neither a rail nor a zone" in finding["remedy"]
    assert primary.serial("example.com.") == 10
