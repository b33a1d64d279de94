"""Three hundred zones published in one commit reach a secondary that knows the catalog alone."""

from __future__ import annotations

from collections.abc import Callable

from agents import CATALOG, Agent, Secret, Zones, primary_config, secondary_config, zone_text

COUNT = 300


def test_three_hundred_zones_in_one_commit(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.push("no zones yet")
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.status_when(
        lambda r: any(z["zone"] == CATALOG and z["serial"] for z in r["zones"]), "the catalog"
    )
    for number in range(COUNT):
        zones.write(
            f"z{number}.example.zone", zone_text(number + 1, f"www A 192.0.2.{number % 250}")
        )
    commit = zones.push("three hundred zones")
    report = ns1.ask("wait", commit=commit, timeout=60)
    assert report["converged"], ns2.log
    served = ns2.ask("status")
    serials = {zone["zone"]: zone["serial"] for zone in served["zones"]}
    assert serials == {zone["zone"]: zone["serial"] for zone in report["zones"]}
    assert len(serials) == COUNT + 1
    for number in (0, 150, COUNT - 1):
        answer = ns2.query(f"www.z{number}.example.").answer
        assert answer[0][0].address == f"192.0.2.{number % 250}"
