"""The catalogs that a repository's policy makes: groups, several of them, changes of ownership."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agents import Zones, zone_text

from zonecast.protocol.catalog import Member, member_label, members
from zonecast.repository import Repository
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone.names import from_text

ONE, TWO = from_text("one.catalog.invalid."), from_text("two.catalog.invalid.")
COM, INFO, ORG = (from_text(f"example.{tld}.") for tld in ("com", "info", "org"))
DAY = 86400.0


class Producer:
    """A repository of three zones with two catalogs, published by the publisher's own function."""

    def __init__(self, zones: Zones, directory: Path) -> None:
        self.zones = zones
        prepare(directory)
        self.writer = ZonesWriter(directory)
        self.now = 1_000_000.0
        for tld in ("com", "info", "org"):
            zones.write(f"example.{tld}.zone", zone_text(1))

    def publish(self, policy: str, after: float = 1.0) -> dict[str, Any]:
        """Publish a commit with this policy, `after` seconds after the last."""
        self.now += after
        self.zones.write("zonecast.toml", policy)
        commit = self.zones.push()
        catalogs = {"zones": (ONE, TWO)}
        job = Job("zones", commit, int(self.now), catalogs_of=catalogs, handover=7 * DAY)
        return publish(job, Repository.open(self.zones.bare), self.writer, self.now)

    def listed(self, catalog: bytes) -> dict[bytes, Member]:
        """What a catalog says of its members."""
        with self.writer.snapshot() as snapshot:
            zone = snapshot.zone(catalog)
        assert zone is not None
        return members(zone)


def plain(*origins: bytes) -> dict[bytes, Member]:
    return {origin: Member(member_label(origin)) for origin in origins}


def test_groups_are_the_policys(zones: Zones, tmp_path: Path) -> None:
    producer = Producer(zones, tmp_path / "state")
    producer.publish(
        'group = "most"\n[zone."Example.INFO"]\ngroup = ["europe", "asia"]\n'
        '[zone."example.org"]\ngroup = []\n'
    )
    assert producer.listed(ONE) == {
        COM: Member(member_label(COM), (b"most",)),
        INFO: Member(member_label(INFO), (b"asia", b"europe")),
        ORG: Member(member_label(ORG)),
    }
    assert producer.listed(TWO) == {}


MOVED = '[zone."example.info"]\ncatalog = "Two.catalog.invalid."\n'
BOTH = ["one.catalog.invalid.", "two.catalog.invalid."]


def test_a_zone_that_moves_is_announced_listed_in_both_and_gone(
    zones: Zones, tmp_path: Path
) -> None:
    producer = Producer(zones, tmp_path / "state")
    producer.publish("")
    assert producer.listed(ONE) == plain(COM, INFO, ORG)
    result = producer.publish(MOVED)
    began = producer.now
    assert result["catalogs"] == BOTH[:1], "the old one says it first"
    leaving = {**plain(COM, ORG), INFO: Member(member_label(INFO), coo=TWO)}
    assert (producer.listed(ONE), producer.listed(TWO)) == (leaving, {})
    assert result["due"] == began + 30

    result = producer.publish(MOVED, 30.0)
    assert (producer.listed(ONE), producer.listed(TWO)) == (leaving, plain(INFO))
    assert result["catalogs"] == BOTH[1:]
    result = producer.publish(MOVED, 6 * DAY)
    assert result["due"] == began + 7 * DAY, "it is not begun again by every commit"
    assert result["catalogs"] == []

    result = producer.publish(MOVED, DAY)
    assert (result["catalogs"], result["due"]) == (BOTH, None), "the new one once more, see there"
    assert producer.listed(ONE) == plain(COM, ORG)
    assert producer.listed(TWO) == plain(INFO)
    assert producer.publish(MOVED, DAY)["catalogs"] == []


def test_a_zone_that_moves_back_is_given_away_once(zones: Zones, tmp_path: Path) -> None:
    producer = Producer(zones, tmp_path / "state")
    producer.publish(MOVED)
    assert (producer.listed(ONE), producer.listed(TWO)) == (plain(COM, ORG), plain(INFO))
    producer.publish("")
    producer.publish("", 30.0)
    assert producer.listed(ONE) == plain(COM, INFO, ORG)
    assert producer.listed(TWO) == {INFO: Member(member_label(INFO), coo=ONE)}
    producer.publish(MOVED)
    assert producer.listed(TWO) == plain(INFO)
    assert producer.listed(ONE)[INFO].coo == TWO


def test_a_catalog_that_the_configuration_does_not_give_is_said(
    zones: Zones, tmp_path: Path
) -> None:
    producer = Producer(zones, tmp_path / "state")
    result = producer.publish('[zone."example.info"]\ncatalog = "three.catalog.invalid"\n')
    assert producer.listed(ONE) == plain(COM, INFO, ORG)
    assert [text for text in result["warnings"] if "three.catalog.invalid." in text]


def test_another_reset_is_another_label(zones: Zones, tmp_path: Path) -> None:
    producer = Producer(zones, tmp_path / "state")
    producer.publish("")
    producer.publish('[zone."example.info"]\nreset = "keys lost"\n')
    labels = {name: member.label for name, member in producer.listed(ONE).items()}
    assert labels == {
        COM: member_label(COM),
        INFO: member_label(INFO, "keys lost"),
        ORG: member_label(ORG),
    }
    assert len(set(labels.values())) == 3
    assert member_label(INFO, "keys lost") != member_label(INFO)
