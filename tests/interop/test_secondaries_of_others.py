"""BIND, Knot, NSD and PowerDNS as secondaries of our primary: AXFR, then an IXFR after each push,
signed, told by NOTIFY; every record equal after every edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from agents import POLICY, Agent, Secret, Zones, peer
from random_zone import ZONE, RandomZone
from real_secondaries import real_secondary
from transfers import differences

EDITS = 10

# PowerDNS's LMDB backend ends labels with a zero octet and takes such a name apart.
WITHOUT = {"pdns_server": ["nul\\000octet"]}


@pytest.mark.parametrize("server", ["named", "knotd", "nsd", "pdns_server"])
def test_every_record_equal_after_ten_random_edits(
    server: str, tmp_path: Path, zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    """Pitfall: what a cut hides is transferred too."""
    zone = RandomZone(seed=2, without=WITHOUT.get(server, ()))
    # Edits at random are no slips: name servers come and go.
    zones.write("zonecast.toml", f"{POLICY}[rails]\napex-ns = false\n")
    zones.write("example.com.zone", zone.text())
    zones.push()
    ns1 = new_agent("ns1")
    with real_secondary(server, tmp_path / server, secret, ns1.port) as secondary:
        config = [*secret.config, "[[repository]]", f'path = "{zones.bare}"']
        ns1.configure(*config, *peer("secondary", server, f"127.0.0.1:{secondary.port}")).start()
        ns1.await_serial(ZONE, zone.serial)
        secondary.start()
        secondary.await_serial(ZONE, zone.serial)
        serials = [zone.serial]
        for _ in range(EDITS):
            zone.edit()
            zones.write("example.com.zone", zone.text())
            commit = zones.push()
            secondary.await_serial(ZONE, zone.serial)
            serials.append(zone.serial)
            expected = zone.records()
            assert not differences(ns1.port, secret, expected)
            assert not differences(secondary.port, secret, expected)
        # To PowerDNS serial 0 is a zone it has not got yet; it comes up on the way around.
        whole = server == "pdns_server"
        assert secondary.transfers(serials) == [
            "axfr",
            *("axfr" if whole and serial == 0 else "ixfr" for serial in serials[:-1]),
        ]
        assert 0 in serials
        report = ns1.ask("wait", commit=commit, timeout=20)
        assert report["converged"]
        seen = report["zones"][0]["secondaries"][0]
        assert (seen["told"], seen["seen"]) == (zone.serial, zone.serial)
