"""The agent compares with what it last published, wherever git went in between, and serves that
until something better comes."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from agents import Agent, Secret, Zones, primary_config, run, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]
PATH = "zones/example.com.zone"


@pytest.fixture
def primary(zones: Zones, secret: Secret, new_agent: MakeAgent) -> Agent:
    """A primary that serves serial 10; nothing in the repository judges what is pushed."""
    zones.write(PATH, zone_text(10, "www A 192.0.2.10"))
    zones.write("zones/example.org.zone", zone_text(1))
    zones.push("ten")
    agent = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    agent.await_serial("example.com.", 10)
    return agent


def _held(agent: Agent) -> list[str]:
    report = agent.status_when(lambda r: r["held"], "the zone to be held back")
    return [found["id"] for held in report["held"] for found in held["findings"]]


def _commit(zones: Zones, message: str) -> None:
    run(["git", "commit", "-q", "-a", "-m", message], zones.clone)


def _address(agent: Agent) -> str:
    return str(agent.query("www.example.com.").answer[0][0].address)


def test_a_good_step_from_gits_parent_is_no_step_from_what_is_published(
    primary: Agent, zones: Zones
) -> None:
    """Pitfall: what counts is the last published version, not git's parent: 9 → 10 looks greater,
    and 10 is served with another content."""
    zones.write(PATH, zone_text(9, "www A 192.0.2.9"))
    _commit(zones, "down")
    zones.write(PATH, zone_text(10, "www A 192.0.2.11"))
    zones.push("and up again")
    assert _held(primary) == ["serial-not-raised"]
    assert _address(primary) == "192.0.2.10"
    # The other way round: what was never published needs no serial above it.
    zones.write(PATH, zone_text(4000, "www A 192.0.2.999"))
    zones.push("broken, under a high serial")
    zones.write(PATH, zone_text(11, "www A 192.0.2.12"))
    zones.push("lower than the parent's, greater than the published one")
    primary.await_serial("example.com.", 11)
    assert _address(primary) == "192.0.2.12"


def test_what_a_forge_merged_is_judged_again(primary: Agent, zones: Zones) -> None:
    """Pitfall: forges run no merge driver and no hooks: two branches that picked one serial merge
    cleanly, and the agent refuses the same serial with different content."""
    fill = [f"host{number} A 192.0.2.{number}" for number in range(20)]
    zones.write(PATH, zone_text(11, *fill))
    zones.push("many hosts")
    primary.await_serial("example.com.", 11)
    run(["git", "checkout", "-q", "-b", "other"], zones.clone)
    zones.write(PATH, zone_text(12, *fill, "last A 192.0.2.99"))
    _commit(zones, "theirs")
    run(["git", "checkout", "-q", "-"], zones.clone)
    zones.write(PATH, zone_text(12, "first A 192.0.2.98", *fill))
    zones.push("ours")
    primary.await_serial("example.com.", 12)
    run(["git", "merge", "-q", "--no-edit", "other"], zones.clone)
    merged = (zones.clone / PATH).read_text()
    assert "first A" in merged
    assert "last A" in merged
    run(["git", "push", "-q", "origin", "HEAD:main"], zones.clone)
    assert _held(primary) == ["serial-not-raised"]
    assert not primary.query("last.example.com.").answer


def test_a_revert_is_held_and_old_content_under_a_new_serial_arrives(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    """Pitfall: `git revert` lowers the serial and secondaries would ignore the zone; a rollback is
    old content under a new, higher serial, and every secondary takes it. Whether all of them
    have it now is asked with `status --wait`, whose exit code says so."""
    zones.write(PATH, zone_text(10, "www A 192.0.2.10"))
    zones.push("ten")
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    zones.write(PATH, zone_text(11, "www A 192.0.2.11"))
    zones.push("eleven")
    ns2.await_serial("example.com.", 11)
    run(["git", "revert", "--no-edit", "HEAD"], zones.clone)
    zones.push("as git reverts")
    assert _held(ns1) == ["serial-backwards"]
    assert _wait(ns1, "1") == 1, "held back: no"
    assert (ns1.serial("example.com."), ns2.serial("example.com.")) == (11, 11)
    zones.write(PATH, zone_text(12, "www A 192.0.2.10"))
    commit = zones.push("old content, new serial")
    assert _wait(ns1, "30", "--commit", commit) == 0
    assert ns2.serial("example.com.") == 12
    assert _address(ns2) == "192.0.2.10"
    ns2.stop()
    zones.write(PATH, zone_text(13, "www A 192.0.2.13"))
    assert _wait(ns1, "2", "--commit", zones.push("one is down")) == 1
    assert _address(ns1) == "192.0.2.13"


def _wait(agent: Agent, seconds: str, *more: str) -> int:
    """The exit code of `zonecast status --wait`."""
    command = [sys.executable, "-m", "zonecast", "status", "--wait", "--timeout", seconds]
    done = subprocess.run(
        [*command, *more, "--config", str(agent.config)], capture_output=True, check=False
    )
    assert b"Traceback" not in done.stderr
    return done.returncode


def test_what_was_rejected_stays_so_until_something_newer(primary: Agent, zones: Zones) -> None:
    """Pitfall: a rejected commit stays rejected, poll after poll and over a restart, until a newer
    one comes; a newer good commit overtakes a failing one."""
    zones.write(PATH, zone_text(9, "www A 192.0.2.9"))
    bad = zones.push("backwards")
    assert _held(primary) == ["serial-backwards"]
    looked = primary.ask("status")["repositories"][0]["checked-at"]
    report = primary.status_when(
        lambda r: r["repositories"][0]["checked-at"] > looked + 1.5, "two more polls"
    )
    assert [held["commit"] for held in report["held"]] == [bad]
    assert primary.stop() == 0
    primary.start()
    assert _held(primary) == ["serial-backwards"]
    assert _address(primary) == "192.0.2.10"
    zones.write("zones/example.org.zone", zone_text(2))
    zones.push("another zone goes on, this one is still wrong")
    primary.await_serial("example.org.", 2)
    assert _held(primary) == ["serial-backwards"]
    zones.write(PATH, zone_text(8, "www A 192.0.2.8"))
    _commit(zones, "worse")
    zones.write(PATH, zone_text(11, "www A 192.0.2.11"))
    zones.push("and good")
    primary.await_serial("example.com.", 11)
    primary.status_when(lambda r: not r["held"], "nothing to be held back")


def test_a_changed_include_changes_every_zone_that_includes_it(
    primary: Agent, zones: Zones
) -> None:
    """Pitfall: an included file that changes changes every zone that includes it, and each needs a
    new serial, though no zone file differs."""
    zones.write("mail.inc", "@ MX 10 mx1.example.net.\n")
    for name, serial in (("com", 11), ("org", 2)):
        zones.write(f"zones/example.{name}.zone", zone_text(serial, "$INCLUDE ../mail.inc"))
    zones.push("an include")
    primary.await_serial("example.com.", 11)
    primary.await_serial("example.org.", 2)
    zones.write("mail.inc", "@ MX 10 mx2.example.net.\n")
    zones.push("the include alone")
    assert _held(primary) == ["serial-not-raised", "serial-not-raised"]
    zones.write("zones/example.org.zone", zone_text(3, "$INCLUDE ../mail.inc"))
    zones.push("one of two")
    primary.await_serial("example.org.", 3)
    exchange = primary.query("example.com.", "MX").answer[0][0].exchange
    assert str(exchange) == "mx1.example.net."
