"""Real agents and other people's servers as several primaries of one zone: order, pins, status."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agents import Agent, Secret, Zones, peer, primary_config
from puller_support import PullerProcess, scripted
from transfer_support import BASE, ORIGIN, DictSource, content, zone

from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff

MakeAgent = Callable[[str], Agent]

# Times in seconds: refresh, retry, expire, minimum.
QUICK = "$TTL 60\n@ IN SOA ns1.example.net. h.example.net. {} 2 1 3600 60\n@ NS ns1.example.net.\n"
HOSTS = "".join(f"host{number} A 192.0.2.{number}\n" for number in range(30))


def primary(new_agent: MakeAgent, secret: Secret, name: str, serial: int) -> tuple[Agent, Zones]:
    """A primary of its own repository, that tells nobody."""
    repository = Zones(secret.path.parent / f"repository-{name}")
    repository.directory.mkdir()
    repository.make()
    repository.write("example.com.zone", QUICK.format(serial) + HOSTS + f'@ TXT "{name}"\n')
    repository.push()
    agent = new_agent(name)
    agent.configure(*primary_config(repository, secret, new_agent("nobody"), poll="1s")).start()
    agent.await_serial("example.com.", serial)
    return agent, repository


def human(agent: Agent, *arguments: str) -> str:
    """What `zonecast status` prints."""
    command = [
        sys.executable,
        "-m",
        "zonecast",
        "status",
        "--config",
        str(agent.config),
        *arguments,
    ]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_a_silent_first_primary_and_one_that_went_back_are_named(
    secret: Secret, new_agent: MakeAgent
) -> None:
    """Pitfall: while the second one serves what we have, all is well; status says the rest all the same."""
    first, second = primary(new_agent, secret, "first", 5), primary(new_agent, secret, "second", 5)
    ns3 = new_agent("ns3")
    head = [*secret.config, *peer("primary", "first", first[0].address)]
    head += peer("primary", "second", second[0].address)
    ns3.configure(*head, "[[zone]]", 'name = "example.com"', 'primaries = ["first", "second"]')
    ns3.start().await_serial("example.com.", 5)
    first[0].stop()

    def row(report: dict, number: int) -> dict:  # type: ignore[type-arg]
        return report["zones"][0]["refresh"]["primaries"][number]  # type: ignore[no-any-return]

    ns3.status_when(lambda r: row(r, 0)["silent-since"], "the silence of the first one")
    report = ns3.status_when(lambda r: row(r, 1)["serial"] == 5, "the second one's serial")
    assert report["zones"][0]["refresh"]["trouble"] is None
    assert "first, a primary, does not answer, for" in human(ns3)
    table = human(ns3, "example.com.")
    assert re.search(r"^first +127\.0\.0\.1:\d+ +5 +\d+ s ago +127", table, re.MULTILINE), table
    assert re.search(r"^second +127\.0\.0\.1:\d+ +5 +\d+ s ago +- *$", table, re.MULTILINE), table

    # The first one comes back with an older version, as after a lost store. It says so, which ends
    # its rest.
    (first[0].directory / "state").rename(first[0].directory / "lost")
    first[0].configure(*primary_config(first[1], secret, ns3, poll="1s"))
    first[1].write("example.com.zone", QUICK.format(3) + HOSTS)
    first[1].push()
    first[0].start().await_serial("example.com.", 3)
    ns3.status_when(lambda r: row(r, 0)["back-from"] == 5, "the step back")
    said = human(ns3)
    assert "example.com.: first went back from serial 5 to 3, which is not taken" in said
    assert "raise it there to 6 or more" in said
    assert "zonecast retransfer example.com." in said
    assert ns3.serial("example.com.") == 5


def test_a_pinned_zone_stays_and_then_changes_as_a_whole(
    secret: Secret, new_agent: MakeAgent, tmp_path: Path
) -> None:
    first, second = primary(new_agent, secret, "first", 5), primary(new_agent, secret, "second", 4)
    ns3 = new_agent("ns3")
    head = [*secret.config, *peer("primary", "first", first[0].address)]
    head += peer("primary", "second", second[0].address)
    zone_table = ["[[zone]]", 'name = "example.com"', 'primaries = ["second", "first"]']
    ns3.configure(*head, *zone_table[:2], 'primaries = ["first", "second"]', "pin-tolerance = 600")
    ns3.start().await_serial("example.com.", 5)
    second[1].write("example.com.zone", QUICK.format(6) + HOSTS + '@ TXT "second"\n')
    second[1].push()
    second[0].await_serial("example.com.", 6)

    def seen(report: dict) -> bool:  # type: ignore[type-arg]
        rows = {row["name"]: row for row in report["zones"][0]["refresh"]["primaries"]}
        return rows["second"]["serial"] == 6 and bool(rows["first"]["pinned"])

    ns3.status_when(seen, "the other one's version to be seen")
    assert ns3.serial("example.com.") == 5, "it stays with the one that it came from"
    ns3.stop()
    # Another order and another tolerance: who gave the zone is known after a restart.
    ns3.configure(*head, *zone_table, "pin-tolerance = 1").start()
    ns3.await_serial("example.com.", 6)
    report = ns3.status_when(lambda r: r["zones"][0]["refresh"]["last-transfer"], "the transfer")
    last = report["zones"][0]["refresh"]["last-transfer"]
    assert (last["how"], last["primary"]) == ("axfr", "second")


def test_of_another_primary_than_the_pinned_one_no_delta_is_asked(puller: PullerProcess) -> None:
    """Pitfall: its delta would even fit; the zone that it makes would be nobody's."""
    old, theirs = zone(5), zone(6, [*BASE[1:], ("theirs", "A", 60, "192.0.2.9")])
    source = DictSource(theirs, [diff(zone(5, [*BASE, ("x", "A", 1, "192.0.2.1")]), theirs)])

    def script(query: bytes) -> object:
        asked = read_question(query)
        number, question = int.from_bytes(query[:2], "big"), query[12 : asked.end]
        if asked.qtype == rd.AXFR:
            return axfr_messages(number, question, source)
        return ixfr_messages(number, question, client_serial(query), source)

    with scripted(
        lambda q: axfr_messages(int.from_bytes(q[:2], "big"), q[12:29], DictSource(old))
    ) as p:
        assert puller.pull([p.fields()])["ok"]
    with scripted(script) as other:  # type: ignore[arg-type]
        reply = puller.pull([other.fields("ns2")], serial=5, whole=["ns2"])
        assert (reply["ok"], reply["how"]) == (True, "axfr")
        assert [read_question(query).qtype for query in other.queries] == [rd.AXFR]
    held = puller.zone(ORIGIN)
    assert held is not None
    assert content(held) == content(theirs)
