"""Two repositories on one agent: neither takes a zone from the other while that one names it."""

from __future__ import annotations

from collections.abc import Callable

from agents import CATALOG, Agent, Secret, Zones, primary_config, zone_text

MakeAgent = Callable[[str], Agent]

COM, ORG = "zones/example.com.zone", "zones/example.org.zone"


def test_the_second_one_waits_until_the_first_has_the_zone_no_more(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    other = Zones(zones.directory / "other")
    other.directory.mkdir()
    other.make()
    zones.write(COM, zone_text(10, "from A 192.0.2.1"))
    zones.write(ORG, zone_text(10))
    zones.push()
    other.push("empty")
    lines = [*primary_config(zones, secret), "[[repository]]", f'path = "{other.bare}"']
    lines += [f'catalog = "{CATALOG}"', 'poll-interval = "1s"']
    ns1 = new_agent("ns1").configure(*lines).start()
    ns1.await_serial("example.com.", 10)
    other.write(COM, zone_text(20, "from A 192.0.2.2"))
    other.write("zones/example.edu.zone", zone_text(1))
    other.push("the same zone")
    (reason,) = ns1.status_when(lambda r: r["held"], "the second one's zone to be held")["held"]
    (finding,) = reason["findings"]
    assert (reason["what"], reason["repository"]) == ("example.com.", str(other.bare))
    assert finding["id"] == "zone-elsewhere"
    assert str(zones.bare) in finding["message"]
    ns1.await_serial("example.edu.", 1)
    assert ns1.serial("example.com.") == 10

    # What the first one holds back is its own affair, after a restart too.
    zones.write(COM, zone_text(9, "from A 192.0.2.3"))
    zones.push("backwards")
    ns1.status_when(lambda r: len(r["held"]) == 2, "each one's to be held")
    ns1.stop()
    ns1.start()
    other.write("zones/example.edu.zone", zone_text(2))
    other.push("something else")
    ns1.await_serial("example.edu.", 2)
    report = ns1.status_when(lambda r: len(r["held"]) == 2, "each one's to be held still")
    assert {r["repository"] for r in report["held"]} == {str(zones.bare), str(other.bare)}
    assert ns1.serial("example.com.") == 10

    # Removed there, it is published from here at once, and was never out of service.
    (zones.clone / COM).unlink()
    zones.push("x\n\nZonecast-Allow: zone-removed example.com")
    ns1.await_serial("example.com.", 20)
    report = ns1.status_when(lambda r: not r["held"], "nothing to be held")
    sources = {zone["zone"]: zone["source"] for zone in report["zones"]}
    assert sources["example.com."] == str(other.bare)
    assert sources["example.org."] == str(zones.bare)
