"""Our secondary under BIND, Knot, NSD and PowerDNS: AXFR, then an IXFR after each edit where they
have that, signed, told by NOTIFY; every record equal after every edit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from agents import Agent, Secret, peer
from random_zone import ZONE, RandomZone
from real_primaries import real_primary
from transfers import differences

EDITS = 10

# An IXFR of NSD 4.6 adds again what has not changed at some names that own several RRsets; that
# does not fit, and the whole zone is taken.
EXPECTED = {
    "named": {"ixfr"},
    "knotd": {"ixfr"},
    "nsd": {"ixfr", "axfr"},
    "pdns_server": {"axfr"},  # it has no IXFR to send
}

# PowerDNS's LMDB backend ends labels with a zero octet and takes such a name apart.
WITHOUT = {"pdns_server": ["nul\\000octet"]}


@pytest.mark.parametrize("server", EXPECTED)
def test_every_record_equal_after_ten_random_edits(
    server: str, tmp_path: Path, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zone = RandomZone(seed=3, without=WITHOUT.get(server, ()))
    ns2 = new_agent("ns2")
    with real_primary(server, tmp_path / server, secret, [ns2.port]) as primary:
        primary.publish(zone.text(), zone.serial)
        address = f"127.0.0.1:{primary.port}"
        config = [*secret.config, *peer("primary", server, address)]
        config += peer("secondary", "whoever has the key", address)  # a zone's primary is not told
        config += ["[[zone]]", f'name = "{ZONE}"', f'primaries = ["{server}"]']
        ns2.configure(*config).start()
        ns2.await_serial(ZONE, zone.serial)
        hows = [how(ns2)]
        for _ in range(EDITS):
            zone.edit()
            primary.publish(zone.text(), zone.serial)
            ns2.await_serial(ZONE, zone.serial)
            hows.append(how(ns2))
            expected = zone.records()
            assert not differences(primary.port, secret, expected)
            assert not differences(ns2.port, secret, expected)
        assert hows[0] == "axfr"
        assert set(hows[1:]) <= EXPECTED[server]


def how(agent: Agent) -> str:
    """How the agent came to the version it serves."""
    served = agent.serial(ZONE)
    report = agent.status_when(
        lambda r: r["zones"][0]["refresh"]["serial"] == served, "the transfer to be noted"
    )
    return str(report["zones"][0]["refresh"]["last-transfer"]["how"])
