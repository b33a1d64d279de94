"""The store is lost: serials that git does not hold go on above what the secondaries have."""

from __future__ import annotations

import shutil
from collections.abc import Callable

from agents import Agent, Secret, Zones, primary_config, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]

COM = "zones/example.com.zone"
MANAGED = '[serial]\nmode = "managed"\n'


def lose_store(primary: Agent) -> None:
    """Stop the agent and take its state away."""
    primary.stop()
    shutil.rmtree(primary.directory / "state")
    (primary.directory / "state").mkdir()


def test_managed_zones_and_the_catalog_go_on_above_what_secondaries_have(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("zonecast.toml", MANAGED)
    zones.write(COM, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    for number in range(2, 5):
        zones.write(COM, zone_text(1, f"www A 192.0.2.{number}"))
        zones.write(f"zones/other{number}.example.zone", zone_text(1))
        commit = zones.push()
        assert ns1.ask("wait", commit=commit, timeout=30)["converged"]
    before = {zone["zone"]: zone["serial"] for zone in ns1.ask("status")["zones"]}

    lose_store(ns1)
    ns1.start()
    report = ns1.ask("wait", timeout=30)
    assert report["converged"], ns1.log
    assert len(before) == 5
    for zone in report["zones"]:
        assert zone["serial"] > before[zone["zone"]]
    assert report["warnings"] == []


def test_a_secondary_that_is_silent_is_named_and_holds_nothing_up(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("zonecast.toml", MANAGED)
    zones.write(COM, zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns1.status_when(lambda r: len(r["zones"]) == 2, "the zone and the catalog")
    report = ns1.status_when(lambda r: r["warnings"], "the silent one to be named")
    assert "ns2 did not say which serials it has" in report["warnings"][0]
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns1.status_when(lambda r: not r["warnings"], "what it has to be known", patience=60)
