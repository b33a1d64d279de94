"""A zone that was removed and comes back goes on from its last serial: a secondary that did not
hear of the removal would otherwise keep the old version for ever."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents import Zones, zone_text

from zonecast.repository import Repository
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.store.schema import prepare
from zonecast.store.writer import JournalLimits, ZonesWriter
from zonecast.zone import names
from zonecast.zone.zonefile import read_zone

COM = "zones/example.com.zone"
REMOVE = "x\n\nZonecast-Allow: zone-removed example.com"
ORIGIN = names.from_text("example.com.")


class Steps:
    """Commits published one by one by the publisher's own function."""

    def __init__(self, zones: Zones, directory: Path, limits: JournalLimits | None = None) -> None:
        self.zones = zones
        prepare(directory)
        self.writer = ZonesWriter(directory, limits)
        self.now = 1_000.0

    def step(self, content: str | None, message: str = "change") -> int | None:
        """Publish a commit with this version of example.com; the serial that is served then."""
        if content is None:
            (self.zones.clone / COM).unlink()
        else:
            self.zones.write(COM, content)
        commit = self.zones.push(message)
        self.now += 1
        job = Job("zones", commit, int(self.now))
        publish(job, Repository.open(self.zones.bare), self.writer, self.now)
        with self.writer.snapshot() as snapshot:
            record = snapshot.record(ORIGIN)
            return None if record is None else record.serial

    def why(self) -> tuple[str, str]:
        """The id and the remedy of what holds the zone."""
        with self.writer.snapshot() as snapshot:
            (finding,) = snapshot.held()[ORIGIN]["findings"]
        return finding["id"], finding["remedy"]


@pytest.mark.parametrize(
    ("last", "next_one", "kind"),
    [
        (300, 7, "serial-backwards"),
        (300, 300, "serial-not-raised"),
        (5, 5 + (1 << 31), "serial-undefined-step"),
        (7, 4_294_967_290, "serial-backwards"),
    ],
)
def test_it_comes_back_above_its_last_serial_only(
    zones: Zones, tmp_path: Path, last: int, next_one: int, kind: str
) -> None:
    steps = Steps(zones, tmp_path / "state")
    assert steps.step(zone_text(last)) == last
    assert steps.step(None, REMOVE) is None
    assert steps.step(zone_text(next_one, "www A 192.0.2.1")) is None
    assert steps.why()[0] == kind
    assert f"raise it to {last + 1} or more" in steps.why()[1]
    assert steps.step(zone_text(last + 1, "www A 192.0.2.1")) == last + 1


def test_the_very_same_version_may_come_back(zones: Zones, tmp_path: Path) -> None:
    steps = Steps(zones, tmp_path / "state")
    steps.step(zone_text(300, "www A 192.0.2.1"))
    steps.step(None, REMOVE)
    assert steps.step(zone_text(300, "www A 192.0.2.1")) == 300


def test_a_managed_serial_goes_on_above_it(zones: Zones, tmp_path: Path) -> None:
    zones.write("zonecast.toml", '[serial]\nmode = "managed"\n')
    steps = Steps(zones, tmp_path / "state")
    assert steps.step(zone_text(5_000)) == 5_001
    steps.step(None, REMOVE)
    assert steps.step(zone_text(1)) == 5_002


def test_of_the_zones_removed_last_alone_it_is_known(tmp_path: Path, zones: Zones) -> None:
    steps = Steps(zones, tmp_path / "state", JournalLimits(removed=2))
    others = [names.from_text(f"zone{number}.example.") for number in range(3)]
    steps.step(zone_text(300))
    steps.step(None, REMOVE)
    for origin, known in zip(others, (True, False, False), strict=True):
        with steps.writer.transaction(0) as transaction:
            text = zone_text(1).encode()
            transaction.replace(read_zone(text, path="", origin=origin, include=None).zone)
            transaction.remove(origin)
        with steps.writer.snapshot() as snapshot:
            assert (snapshot.removed(ORIGIN) is not None) == known
            assert snapshot.removed(origin) is not None
