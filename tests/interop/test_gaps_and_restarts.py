"""Journals that end before a secondary's version, ours and theirs, and servers that were started
again between edits; every record equal after each."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import POLICY, Agent, Secret, Zones, peer
from random_zone import ZONE, RandomZone
from real_primaries import real_primary
from real_secondaries import RealSecondary, real_secondary
from test_secondary_of_others import how
from transfers import differences

# Changesets that our journal holds.
JOURNAL = 3

# PowerDNS's LMDB backend ends labels with a zero octet and takes such a name apart.
WITHOUT = {"pdns_server": ["nul\\000octet"]}


class Ours:
    """Our primary with a short journal, and one secondary of another make."""

    def __init__(self, ns1: Agent, secondary: RealSecondary, zones: Zones, secret: Secret) -> None:
        self.ns1 = ns1
        self.secondary = secondary
        self.zones = zones
        self.secret = secret
        self.zone = RandomZone(seed=5, without=WITHOUT.get(secondary.name, ()))
        zones.write("zonecast.toml", f"{POLICY}[rails]\napex-ns = false\n")
        self.push()

    def push(self) -> None:
        """Publish the zone as it is."""
        self.zones.write("example.com.zone", self.zone.text())
        self.zones.push()

    def edit(self, times: int = 1) -> None:
        """Change and publish the zone so many times."""
        for _ in range(times):
            self.zone.edit()
            self.push()
            self.ns1.await_serial(ZONE, self.zone.serial)

    def same(self) -> bool:
        """Wait for the secondary, told again for it may have been away; compare every record."""
        self.ns1.ask("notify", zone=ZONE)
        self.secondary.await_serial(ZONE, self.zone.serial)
        expected = self.zone.records()
        ports = (self.ns1.port, self.secondary.port)
        return not [said for port in ports for said in differences(port, self.secret, expected)]


@pytest.mark.parametrize("server", ["named", "knotd", "nsd", "pdns_server"])
def test_secondaries_of_ours(
    server: str, tmp_path: Path, zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    ns1 = new_agent("ns1")
    with real_secondary(server, tmp_path / server, secret, ns1.port) as secondary:
        config = [*secret.config, "[journal]", f"changesets = {JOURNAL}"]
        config += ["[[repository]]", f'path = "{zones.bare}"', 'poll-interval = "1s"']
        ns1.configure(*config, *peer("secondary", server, f"127.0.0.1:{secondary.port}"))
        ours = Ours(ns1, secondary, zones, secret)
        ns1.start()
        ns1.await_serial(ZONE, ours.zone.serial)
        secondary.start()
        assert ours.same()
        ours.edit()
        assert ours.same()

        # The secondary is away for what the journal holds, and for more.
        for away, expected in ((JOURNAL - 1, "ixfr"), (JOURNAL + 1, "axfr")):
            secondary.stop()
            ours.edit(away)
            secondary.restart()
            assert ours.same()
            if server != "nsd":  # which does not log it
                assert set(secondary.transfers([])) == {expected}

        # The agent is killed between two edits, and one comes while it is away.
        ns1.stop(signal.SIGKILL)
        ours.zone.edit()
        ours.push()
        ns1.start()
        ns1.await_serial(ZONE, ours.zone.serial)
        assert ours.same()
        ours.edit()
        assert ours.same()


@pytest.mark.parametrize("server", ["named", "knotd", "nsd", "pdns_server"])
def test_our_secondary(
    server: str, tmp_path: Path, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zone = RandomZone(seed=6, without=WITHOUT.get(server, ()))
    ns2 = new_agent("ns2")
    with real_primary(server, tmp_path / server, secret, [ns2.port]) as primary:

        def publish(times: int = 1) -> None:
            for _ in range(times):
                primary.publish(zone.text(), zone.serial)
                zone.edit()
            primary.publish(zone.text(), zone.serial)

        def same() -> bool:
            ns2.await_serial(ZONE, zone.serial)
            return not differences(ns2.port, secret, zone.records())

        publish(0)
        address = f"127.0.0.1:{primary.port}"
        config = [*secret.config, *peer("primary", server, address)]
        config += peer("secondary", "whoever has the key", address)
        config += ["[[zone]]", f'name = "{ZONE}"', f'primaries = ["{server}"]']
        ns2.configure(*config).start()
        assert same()

        # We are killed and come back two versions later.
        ns2.stop(signal.SIGKILL)
        publish(2)
        ns2.start()
        assert same()
        assert how(ns2) == "ixfr" or server in ("nsd", "pdns_server")

        # They end, and come back with a newer version.
        primary.stop()
        primary.process = None
        publish()
        assert same()

        # They come back without what changed in between.
        ns2.stop()
        primary.stop()
        primary.forget()
        zone.edit()
        publish(0)
        ns2.start()
        assert same()
        assert how(ns2) == "axfr"
        publish()
        assert same()
