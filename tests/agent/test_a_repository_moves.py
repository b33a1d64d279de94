"""A repository's path changes, or it is another clone: what is served stays, and so do its rails."""

from __future__ import annotations

import signal
from collections.abc import Callable
from typing import Any

from agents import (
    CATALOG,
    POLICY,
    Agent,
    Secret,
    Zones,
    primary_config,
    run,
    secondary_config,
    zone_text,
)

MakeAgent = Callable[[str], Agent]

COM, ORG, EDU = (f"zones/example.{label}.zone" for label in ("com", "org", "edu"))
HOSTS = [f"h{number} A 192.0.2.{number}" for number in range(20)]


def members(agent: Agent, secret: Secret) -> set[str]:
    """What the agent's catalog lists."""
    catalog = agent.transfer(CATALOG, secret.keyring)
    return {rdata.to_text() for _, _, rdata in catalog.iterate_rdatas("PTR")}


def reload(agent: Agent, *lines: str) -> dict[str, Any]:
    """Give the running agent another configuration; the report once its repositories are done."""
    agent.configure(*lines)
    before = agent.ask("status")["agent"]["started"]
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)

    def done(report: dict[str, Any]) -> bool:
        repositories = report["repositories"]
        looked = all(repository["checked-at"] for repository in repositories)
        return report["agent"]["started"] != before and looked

    return agent.status_when(done, "the new configuration")


def test_a_moved_repository_keeps_held_zones_its_commit_and_its_rails(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write(COM, zone_text(10, *HOSTS))
    zones.write(ORG, zone_text(10))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns1.await_serial("example.com.", 10)
    zones.write(COM, zone_text(11, *HOSTS[:3]))
    zones.write(EDU, zone_text(0, "broken A nonsense"))
    published = zones.push("much deleted")
    ns1.status_when(lambda r: len(r["held"]) == 2, "both to be held")
    moved = zones.bare.with_name("moved.git")
    zones.bare.rename(moved)
    config = primary_config(zones, secret, ns2)
    lines = [line.replace(str(zones.bare), str(moved)) for line in config]
    run(["git", "remote", "set-url", "origin", str(moved)], zones.clone)
    reload(ns1, *lines)
    report = ns1.status_when(lambda r: r["agent"]["swept"], "zones to be swept")
    assert {(z["zone"], z["serial"]) for z in report["zones"] if z["zone"] != CATALOG} == {
        ("example.com.", 10),
        ("example.org.", 10),
    }
    assert {reason["repository"] for reason in report["held"]} == {str(moved)}
    assert members(ns1, secret) == {"example.com.", "example.org."}
    # What was published is known still: a rewritten branch is.
    run(["git", "reset", "-q", "--hard", "HEAD~1"], zones.clone)
    zones.push("rewritten", "--force")
    report = ns1.status_when(
        lambda r: any(x["findings"][0]["id"] == "history-rewritten" for x in r["held"]),
        "rewritten history to be held",
    )
    assert report["repositories"][0]["commit"] == published
    assert ns1.serial("example.com.") == 10


def test_a_clone_that_is_some_commits_old_takes_nothing_away(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    """The documented way back where a clone survived: zones with lower serials are held, zones
    that it does not know yet stay until somebody says that they are gone."""
    zones.write(COM, zone_text(10, *HOSTS))
    zones.push()
    old = zones.bare.with_name("old.git")
    run(["git", "clone", "-q", "--bare", str(zones.bare), str(old)])
    zones.write(COM, zone_text(12, *HOSTS[1:]))
    zones.write(ORG, zone_text(7))
    zones.push("lost with the primary")
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 12)
    ns2.await_serial("example.org.", 7)
    ns1.stop(signal.SIGKILL)
    ns2.stop()
    config = primary_config(zones, secret, ns1)
    lines = [line.replace(str(zones.bare), str(old)) for line in config]
    ns2.configure(*lines).start()
    report = ns2.status_when(lambda r: r["agent"]["swept"], "zones to be swept")
    held = {reason["what"]: reason["findings"][0]["id"] for reason in report["held"]}
    assert held == {"example.com.": "serial-backwards", "example.org.": "zone-removed"}
    assert (ns2.serial("example.com."), ns2.serial("example.org.")) == (12, 7)
    assert members(ns2, secret) == {"example.com.", "example.org."}
    # It is an ordinary primary from here on.
    zones.clone.rename(zones.clone.with_name("away"))
    run(["git", "clone", "-q", str(old), str(zones.clone)])
    zones.write(COM, zone_text(13, *HOSTS))
    commit = zones.push("x\n\nZonecast-Allow: zone-removed example.org")
    ns2.status_when(lambda r: r["repositories"][0]["commit"] == commit, "the commit")
    ns2.await_serial("example.com.", 13)
    assert ns2.serial("example.org.") is None
    assert members(ns2, secret) == {"example.com."}


def test_a_repository_taken_out_takes_its_zones_but_not_protected_ones(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    other = Zones(zones.directory / "other")
    other.directory.mkdir()
    other.make(POLICY)
    zones.write(COM, zone_text(10))
    zones.write(ORG, zone_text(10))
    zones.push()
    other.write(EDU, zone_text(10))
    other.push()
    rails = ["[rails]", 'protected = ["example.org"]']
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    both = [*primary_config(zones, secret, ns2), "[[repository]]", f'path = "{other.bare}"']
    both.append(f'catalog = "{CATALOG}"')
    ns1.configure(*both, *rails).start()
    for zone in ("example.com.", "example.org.", "example.edu."):
        ns1.await_serial(zone, 10)
    reload(ns1, *primary_config(other, secret, ns2), *rails)
    report = ns1.status_when(
        lambda r: r["agent"]["swept"] and r["warnings"], "a protected zone that nothing names"
    )
    assert "example.org. any more, and it is protected" in report["warnings"][0]
    assert ns1.serial("example.com.") is None
    assert ns1.serial("example.org.") == 10
    listed = {"example.org.", "example.edu."}
    ns1.status_when(lambda r: members(ns1, secret) == listed, "the catalog without example.com")


def test_the_path_of_another_repository_by_mistake_takes_nothing_away(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    other = Zones(zones.directory / "other")
    other.directory.mkdir()
    other.make(POLICY)
    zones.write(COM, zone_text(10))
    zones.write(ORG, zone_text(10))
    commit = zones.push()
    other.write(COM, zone_text(9))
    other.write("zones/broken.example.zone", "nonsense")
    other.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    right = primary_config(zones, secret, ns2)
    ns1.configure(*right).start()
    ns1.await_serial("example.org.", 10)
    reload(ns1, *primary_config(other, secret, ns2))
    report = ns1.status_when(lambda r: r["agent"]["swept"], "zones to be swept")
    held = {reason["what"]: reason["findings"][0]["id"] for reason in report["held"]}
    assert held["example.com."] == "serial-backwards"
    assert held["example.org."] == "zone-removed"
    assert (ns1.serial("example.com."), ns1.serial("example.org.")) == (10, 10)
    assert members(ns1, secret) == {"example.com.", "example.org."}
    reload(ns1, *right)
    report = ns1.status_when(lambda r: r["agent"]["swept"], "zones to be swept")
    assert report["held"] == []
    assert {z["source"] for z in report["zones"]} == {"catalog", str(zones.bare)}
    assert report["repositories"][0]["commit"] == commit
