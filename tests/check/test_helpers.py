"""Zones that another process judged are judged as they are here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from check_support import TOP

from zonecast.cli.checking.cache import Cache
from zonecast.cli.checking.helpers import Helpers
from zonecast.cli.checking.zones import Zones
from zonecast.cli.revisions import Files, blob_id

POLICY = (
    b'[checks]\npointer-missing = "warning"\n[zone."z3.example"]\nchecks.mx-no-address = "error"\n'
)
BODIES = (
    "", "@ MX 10 gone", "www A 192.0.2", "www CNAME gone.z1.example.", "@ TXT \\200 ; caf\u00e9",
    "@ MX 10 gone ; zonecast: ignore=mx-no-address", "broken",
)  # fmt: skip


def files() -> Files:
    contents = {
        f"zones/z{number}.example.zone": f"{TOP}{BODIES[number % len(BODIES)]}\n".encode()
        for number in range(30)
    }
    contents["zones/included.example.zone"] = f"{TOP}$INCLUDE zones/more\n".encode()
    contents |= {"zones/more": b"www A 192.0.2.9\n", "zonecast.toml": POLICY}
    blobs = {path: blob_id(content, "sha1") for path, content in contents.items()}
    return Files(contents, lambda paths: {path: contents[path] for path in paths}, blobs.get)


@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one core helps nobody")
def test_the_same_is_found_and_kept(tmp_path: Path) -> None:
    def zones(cache: Cache) -> Zones:
        here = files()
        return Zones(here, here.policy(), cache)

    cache = Cache(tmp_path, 0)
    shared, alone = zones(cache), zones(Cache(None, 0))
    helpers = Helpers(shared, shared.reading.wanted, enough=20)
    assert len(helpers.taken) >= 15
    assert b"\x08included\x07example\x00" not in helpers.taken
    results = dict(helpers.results())
    assert results.keys() == helpers.taken
    expected = {}
    for origin in helpers.taken:
        parsed = alone.reading.zone(origin)
        expected[origin] = (alone.judge(parsed, None), alone.add(parsed))
    assert {origin: (one, shared[origin]) for origin, one in results.items()} == expected
    cache.close()
    assert zones(Cache(tmp_path, 0)).recall(helpers.taken) == results


def test_few_are_not_worth_it() -> None:
    here = files()
    zones = Zones(here, here.policy(), Cache(None, 0))
    helpers = Helpers(zones, zones.reading.wanted)
    assert (helpers.taken, list(helpers.results())) == (set(), [])
