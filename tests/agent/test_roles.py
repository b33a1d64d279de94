"""Both roles in one agent; secondaries of secondaries; a remote repository."""

from __future__ import annotations

from collections.abc import Callable

from agents import CATALOG, Agent, Secret, Zones, peer, primary_config, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]


def test_each_agent_is_primary_for_its_own_zones_and_secondary_of_the_other(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    theirs = Zones(zones.directory / "theirs")
    theirs.directory.mkdir()
    theirs.make()
    zones.write("ours.example.zone", zone_text(1, "www A 192.0.2.1"))
    theirs.write("theirs.example.zone", zone_text(1, "www A 192.0.2.2"))
    zones.push()
    theirs.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    for agent, other, repository, pulled in (
        (ns1, ns2, zones, "theirs.example"),
        (ns2, ns1, theirs, "ours.example"),
    ):
        agent.configure(
            *secret.config,
            *["[[repository]]", f'path = "{repository.bare}"', 'poll-interval = "1s"'],
            *peer("secondary", other.name, other.address),
            *peer("primary", other.name, other.address),
            *["[[zone]]", f'name = "{pulled}"', f'primaries = ["{other.name}"]'],
        ).start()
    for agent in (ns1, ns2):
        agent.await_serial("ours.example.", 1)
        agent.await_serial("theirs.example.", 1)
    zones.write("ours.example.zone", zone_text(2, "www A 192.0.2.3"))
    theirs.write("theirs.example.zone", zone_text(2, "www A 192.0.2.4"))
    zones.push()
    theirs.push()
    for agent in (ns1, ns2):
        agent.await_serial("ours.example.", 2)
        agent.await_serial("theirs.example.", 2)


def test_secondary_notifies_and_serves_its_own_secondary(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    ns1, ns2, ns3 = new_agent("ns1"), new_agent("ns2"), new_agent("ns3")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    config = secondary_config(secret, ns1)
    ns2.configure(*config, *peer("secondary", "ns3", ns3.address)).start()
    ns3.configure(*secondary_config(secret, ns2)).start()
    ns3.await_serial("example.com.", 1)
    # The zone's refresh is a minute: only a NOTIFY passed on explains that it comes at once.
    zones.write("example.com.zone", zone_text(2, "www A 192.0.2.2"))
    zones.push()
    ns3.await_serial("example.com.", 2, patience=15)
    assert ns3.query("www.example.com.").answer[0][0].address == "192.0.2.2"
    expected = ns1.transfer("example.com.", secret.keyring)
    assert ns2.transfer("example.com.", secret.keyring) == expected


def test_zone_that_is_pulled_and_in_the_repository_is_held_back(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1")
    ns1.configure(
        *primary_config(zones, secret),
        *peer("primary", "elsewhere", "127.0.0.1:1"),
        *["[[zone]]", 'name = "example.com"', 'primaries = ["elsewhere"]'],
    ).start()
    report = ns1.status_when(lambda r: r["held"], "the zone to be held")
    assert report["held"][0]["findings"][0]["id"] == "zone-pulled"
    assert ns1.serial("example.com.") is None


def test_remote_repository_is_fetched(zones: Zones, secret: Secret, new_agent: MakeAgent) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1")
    ns1.configure(
        *["[[repository]]", f'url = "file://{zones.bare}"', 'poll-interval = "1s"']
    ).start()
    ns1.await_serial("example.com.", 1)
    zones.write("example.com.zone", zone_text(2))
    zones.push()
    ns1.await_serial("example.com.", 2)
    away = zones.bare.with_suffix(".away")
    zones.bare.rename(away)
    ns1.status_when(lambda r: r["repositories"][0]["trouble"], "the remote to be missed")
    assert ns1.serial("example.com.") == 2
    away.rename(zones.bare)
    zones.write("example.com.zone", zone_text(3))
    zones.push()
    ns1.await_serial("example.com.", 3)


def test_catalog_lists_the_zones(zones: Zones, secret: Secret, new_agent: MakeAgent) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret, new_agent("ns2"))).start()
    ns1.status_when(lambda r: len(r["zones"]) == 2, "the catalog")
    catalog = ns1.transfer(CATALOG, secret.keyring)
    members = [rdata.to_text() for name, ttl, rdata in catalog.iterate_rdatas("PTR")]
    assert members == ["example.com."]
