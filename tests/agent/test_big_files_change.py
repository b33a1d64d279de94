"""A big zone file, commit after commit: the store holds what the whole file says, whether a commit
was judged by what it changes or as a whole, and what is held back is named by its own line."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from agents import Zones

from zonecast.repository import Repository
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.server.publishing.stepping import SMALLEST
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names
from zonecast.zone.rrset import RRset, Zone
from zonecast.zone.zonefile import read_zone

ORIGIN = names.from_text("example.com.")
PATH = "example.com.zone"
HEAD = "$TTL 300\n@ IN SOA ns1 hostmaster ( {} 7200 3600 1209600 300 )\n  NS ns1\nns1 A 192.0.2.1\n"
LINES = [f"a-host-with-a-long-name-{n} A 198.51.{n // 250}.{n % 250 + 1}" for n in range(7000)]
NEW = ["www A 192.0.2.{}", "WWW AAAA 2001:db8::{}", "  TXT ( a\n  {} )", "new{} MX 10 www"]


def plain(zone: Zone) -> dict[bytes, RRset]:
    """The RRsets without the case of their owners, of which the first spelling stays stored."""
    return {key: rrset._replace(owner=rrset.owner.lower()) for key, rrset in zone.rrsets.items()}


@dataclass
class Publishing:
    """A repository, a store, and the publication of one into the other."""

    zones: Zones
    writer: ZonesWriter

    def publish(self, lines: list[str], serial: int) -> dict:
        content = HEAD.format(serial) + "\n".join(lines) + "\n"
        assert len(content) > SMALLEST
        self.zones.write(PATH, content)
        commit = self.zones.push()
        job = Job("zones", commit, serial)
        return publish(job, Repository.open(self.zones.bare), self.writer, float(serial))

    def assert_stored(self, lines: list[str], serial: int) -> None:
        content = (HEAD.format(serial) + "\n".join(lines) + "\n").encode()
        whole = read_zone(content, path=PATH, origin=ORIGIN, include=None)
        with self.writer.snapshot() as snapshot:
            stored = snapshot.zone(ORIGIN)
            record = snapshot.record(ORIGIN)
        assert stored is not None
        assert plain(stored) == plain(whole.zone)
        assert record is not None
        assert (record.serial, record.records) == (serial, whole.zone.count())


@pytest.fixture
def publishing(zones: Zones, tmp_path: Path) -> Iterator[Publishing]:
    prepare(tmp_path / "state")
    writer = ZonesWriter(tmp_path / "state")
    yield Publishing(zones, writer)
    writer.close()


def test_every_commit_of_a_big_file_is_stored_as_it_says(publishing: Publishing) -> None:
    chance = random.Random(3)
    lines = list(LINES)
    publishing.publish(lines, 1)
    publishing.assert_stored(lines, 1)
    for serial in range(2, 14):
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(lines))
            come = [chance.choice(NEW).format(serial) for _ in range(chance.randrange(3))]
            lines[at : at + chance.randrange(3)] = come
        result = publishing.publish(lines, serial)
        assert not result["held"], result
        publishing.assert_stored(lines, serial)


def test_what_is_wrong_in_a_big_file_is_named_by_its_line(publishing: Publishing) -> None:
    publishing.publish(LINES, 1)
    cases = [
        ("www A 192.0.2.300", "syntax", 5000),
        ("a-host-with-a-long-name-7 CNAME www", "cname-and-other", 5000),
    ]
    for wrong, kind, at in cases:
        result = publishing.publish([*LINES[:at], wrong, *LINES[at:]], 2)
        assert result["held"], result
        with publishing.writer.snapshot() as snapshot:
            found = snapshot.held()[ORIGIN]["findings"]
        assert found[0]["id"] == kind
        assert found[0]["position"].startswith(f"{PATH}:{at + 5}:")
        publishing.assert_stored(LINES, 1)
    publishing.publish(LINES[:-1], 3)
    publishing.assert_stored(LINES[:-1], 3)


def test_a_big_file_keeps_the_rule_about_serials(publishing: Publishing) -> None:
    publishing.publish(LINES, 5)
    for serial, kind in ((5, "serial-not-raised"), (4, "serial-backwards")):
        publishing.publish(LINES[1:], serial)
        with publishing.writer.snapshot() as snapshot:
            assert snapshot.held()[ORIGIN]["findings"][0]["id"] == kind
    result = publishing.publish(LINES, 5)
    assert (result["published"], result["held"]) == ([], [])
