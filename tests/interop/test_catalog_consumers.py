"""BIND and Knot serve what our catalog lists: a zone is added and removed there by a push alone.

NSD knows catalogs from 4.9 on only.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
from agents import CATALOG, KEY, Agent, Secret, Zones, await_value, peer, zone_text
from real_secondaries import knotd, named
from real_servers import RealServer
from transfers import axfr


def _named(server: RealServer, primary: int) -> list[str]:
    primaries = f'{{ 127.0.0.1 port {primary} key "{KEY}"; }}'
    catalog = f'zone "{CATALOG}" default-primaries {primaries} in-memory yes min-update-interval 0;'
    zone = f'zone "{CATALOG}" {{ type secondary; file "catalog.db"; primaries {primaries}; }};'
    return named(server, zone, f"catalog-zones {{ {catalog} }};")


def _knotd(server: RealServer, primary: int) -> list[str]:
    zone = f"""
zone:
  - domain: {CATALOG}
    template: member
    catalog-role: interpret
    catalog-template: member
"""
    return knotd(server, primary, zone)


COMMANDS = {"named": _named, "knotd": _knotd}


@pytest.mark.parametrize("name", COMMANDS)
def test_zones_come_and_go_by_push(
    name: str, tmp_path: Path, zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, server = new_agent("ns1"), RealServer(name, tmp_path / name, secret)
    lines = [*secret.config, "[[repository]]", f'path = "{zones.bare}"', f'catalog = "{CATALOG}"']
    ns1.configure(*lines, *peer("secondary", name, f"127.0.0.1:{server.port}")).start()
    ns1.await_serial("example.com.", 1)
    try:
        server.launch(COMMANDS[name](server, ns1.port))
        server.await_serial("example.com.", 1)

        zones.write("example.org.zone", zone_text(7, "www A 192.0.2.7"))
        commit = zones.push("a zone more")
        server.await_serial("example.org.", 7)
        for zone in ("example.com.", "example.org.", CATALOG):
            assert axfr(server.port, secret, zone) == axfr(ns1.port, secret, zone)
        report = ns1.ask("wait", commit=commit, timeout=20)
        assert report["converged"], report

        (zones.clone / "example.com.zone").unlink()
        zones.push("a zone less\n\nZonecast-Allow: zone-removed")
        query = dns.message.make_query("example.com.", "SOA")
        await_value(
            lambda: (
                dns.query.udp(query, "127.0.0.1", port=server.port, timeout=5).rcode()
                == dns.rcode.REFUSED
            ),
            "example.com to go",
        )
        assert server.serial("example.org.") == 7
    finally:
        server.stop()
