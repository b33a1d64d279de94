"""Other people's secondaries as primaries of ours, their own primary gone: EXPIRE is passed on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import KEY, Agent, Secret, Zones, await_value, peer, zone_text
from real_secondaries import RealSecondary, real_secondary

from zonecast.protocol.tsig import make_key
from zonecast.server.query import ask_version
from zonecast.zone.names import from_text

EXPIRE = 86400  # of the SOA in `zone_text`


def says(server: RealSecondary) -> int:
    """In how many seconds the zone expires there."""
    key = make_key(KEY, "hmac-sha256", server.secret.text)
    asked = ask_version(from_text("example.com."), "127.0.0.1", server.port, key, 5.0)
    expire = asyncio.run(asked).expire
    assert expire is not None
    return expire


@pytest.mark.parametrize("name", ["named", "knotd"])
def test_a_zone_lives_no_longer_here_than_where_it_came_from(
    name: str, tmp_path: Path, zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    """Knot says so with the transfer, BIND with the SOA alone."""
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, ns3 = new_agent("ns1"), new_agent("ns3")
    with real_secondary(name, tmp_path / name, secret, ns1.port) as between:
        config = [*secret.config, "[[repository]]", f'path = "{zones.bare}"']
        ns1.configure(*config, *peer("secondary", name, f"127.0.0.1:{between.port}")).start()
        ns1.await_serial("example.com.", 1)
        between.start()
        between.await_serial("example.com.", 1)
        ns1.stop()
        await_value(lambda: says(between) <= EXPIRE - 3 or None, "some time to pass there")
        primary = [*secret.config, *peer("primary", "between", f"127.0.0.1:{between.port}")]
        ns3.configure(*primary, "[[zone]]", 'name = "example.com"', 'primaries = ["between"]')
        ns3.start().await_serial("example.com.", 1)
        report = ns3.status_when(lambda r: r["zones"][0]["refresh"]["expires-at"], "a deadline")
        deadline = report["zones"][0]["refresh"]["expires-at"]
        # Seconds are whole there, and pass between the questions.
        before, left, after = time.time(), says(between), time.time()
        assert before + left - 2 <= deadline <= after + left + 2
        assert deadline <= report["zones"][0]["refresh"]["last-transfer"]["at"] + EXPIRE - 3
