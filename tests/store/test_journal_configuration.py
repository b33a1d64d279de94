"""What [journal] says holds for zones from git and for pulled ones."""

from __future__ import annotations

from collections.abc import Callable

from agents import Agent, Secret, Zones, primary_config, secondary_config, zone_text

from zonecast.store.reader import ZonesReader
from zonecast.zone.names import from_text

ORIGIN = from_text("example.com.")


def test_publisher_and_pullers_keep_as_much_as_is_configured(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    kept = {"ns1": 1, "ns2": 2}
    ns1, ns2 = agents = [new_agent(name) for name in kept]
    bounds = {name: ["[journal]", f"changesets = {number}"] for name, number in kept.items()}
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1.configure(*bounds["ns1"], *primary_config(zones, secret, ns2)).start()
    ns2.configure(*bounds["ns2"], *secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 1)
    for serial in (2, 3, 4):
        zones.write("example.com.zone", zone_text(serial, f"www A 192.0.2.{serial}"))
        zones.push()
        ns2.await_serial("example.com.", serial)
    for agent in agents:
        agent.stop()
        reader = ZonesReader(agent.directory / "state")
        with reader.begin() as snapshot:
            journal = [snapshot.journal(snapshot.zones[ORIGIN], serial) for serial in (1, 2, 3)]
            found = [len(chain) for chain in journal if chain is not None]
        reader.close()
        assert found == list(range(kept[agent.name], 0, -1))
