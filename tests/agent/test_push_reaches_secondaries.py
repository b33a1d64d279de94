"""A push is served by the primary and by secondaries that know only the catalog's name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents import Agent, Secret, Zones, await_value, primary_config, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]


def last_transfer(agent: Agent, zone: str, serial: int) -> dict[str, Any] | None:
    """The last transfer as `status` has it, once it brought this serial."""
    refresh: dict[str, Any] = agent.ask("status", zone=zone)["zones"][0]["refresh"]
    return refresh["last-transfer"] if refresh["serial"] == serial else None


def test_edit_reaches_every_server(zones: Zones, secret: Secret, new_agent: MakeAgent) -> None:
    # Of a zone that is no larger than its change, IXFR is answered with the zone.
    hosts = [f"host{number} A 192.0.2.{number}" for number in range(30)]
    zones.write("zones/example.com.zone", zone_text(1, *hosts, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2, ns3 = new_agent("ns1"), new_agent("ns2"), new_agent("ns3")
    ns1.configure(*primary_config(zones, secret, ns2, ns3)).start()
    for secondary in (ns2, ns3):
        secondary.configure(*secondary_config(secret, ns1)).start()
    for agent in (ns1, ns2, ns3):
        agent.await_serial("example.com.", 1)

    zones.write("zones/example.com.zone", zone_text(2, *hosts, "www A 192.0.2.2"))
    zones.write("zones/example.org.zone", zone_text(7, "www A 192.0.2.3"))
    commit = zones.push()
    report = ns1.ask("wait", commit=commit, timeout=30)
    assert report["converged"]
    for agent in (ns1, ns2, ns3):
        assert agent.query("www.example.com.").answer[0][0].address == "192.0.2.2"
        assert agent.query("www.example.org.").answer[0][0].address == "192.0.2.3"
    # Served is what is stored, which the controller hears of a moment later.
    last = await_value(
        lambda: last_transfer(ns2, "example.com", serial=2), "the last transfer in status"
    )
    assert last["how"] == "ixfr"


def test_zones_survive_a_restart_without_primary_or_repository(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("zones/example.com.zone", zone_text(5, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 5)
    await_value(lambda: last_transfer(ns2, "example.com", serial=5), "the transfer in status")
    expires = ns2.ask("status", zone="example.com")["zones"][0]["refresh"]["expires-at"]
    assert ns2.stop() == 0
    assert ns1.stop() == 0
    zones.bare.rename(zones.bare.with_suffix(".away"))
    ns1.start()
    ns2.start()
    for agent in (ns1, ns2):
        agent.await_serial("example.com.", 5)
    again = ns2.ask("status", zone="example.com")["zones"][0]["refresh"]
    assert again["expires-at"] >= expires
    trouble = ns1.status_when(lambda r: r["repositories"][0]["trouble"], "the repository's trouble")
    assert str(zones.bare) in trouble["repositories"][0]["trouble"]


def test_removed_zone_is_removed_everywhere(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    for name in ("a.example", "b.example"):
        zones.write(f"{name}.zone", zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("b.example.", 1)
    (zones.clone / "b.example.zone").unlink()
    zones.push("b.example is gone\n\nZonecast-Allow: zone-removed")
    for agent in (ns1, ns2):
        agent.status_when(
            lambda r: "b.example." not in [z["zone"] for z in r["zones"]], "b.example to go"
        )
        assert agent.query("b.example.", "SOA").rcode() == 5
        assert agent.serial("a.example.") == 1
