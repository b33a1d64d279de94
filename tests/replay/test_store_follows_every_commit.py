"""After every commit of a real history the store holds exactly what it should: each zone that
passes as dnspython reads it from that commit, every other in its last good version, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from expected import Expected, same_ids
from figures import FIGURES
from histories import WHOLE, Commit
from independent import Reading, reading_of_stored

from zonecast.repository import Repository
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.store.reader import Snapshot
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names

pytestmark = pytest.mark.timeout(3600 if WHOLE else 120)

# m-lab's large zone costs dnspython seconds a version: in short the end alone, where that zone is
# removed first and all others later at once.
EVERYTHING = slice(None)
SHORT = {"m-lab": slice(112, None)}
CASES = [
    (name, mode)
    for name in ("ffhl-dns", "skopjehacklab", "m-lab")
    for mode in ("enforce", "managed")
    if WHOLE or mode == "enforce" or name == "skopjehacklab"
]


@pytest.mark.parametrize(("name", "mode"), CASES)
def test_store_holds_what_each_commit_says(
    expect: Callable[[str, str], Expected],
    tmp_path: Path,
    name: str,
    mode: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    window = EVERYTHING if WHOLE else SHORT.get(name, EVERYTHING)
    expected = expect(name, mode)
    replay(expected.rewritten.commits[window], expected, tmp_path / "state")
    if WHOLE:
        with capsys.disabled():
            print(f"\n{name}, {mode}: {expected.figures}", end=" ")
    if window == EVERYTHING:
        assert expected.figures == FIGURES[name, mode]


def replay(commits: list[Commit], expected: Expected, state: Path) -> None:
    """Publish commit by commit into a new store, looking at all of it after each."""
    repository = Repository.open(expected.rewritten.path)
    state.mkdir()
    writer = ZonesWriter(state)
    last: dict[str, Reading] = {}
    try:
        for commit in commits:
            job = Job("replay", commit.commit, commit.time)
            result = publish(job, repository, writer, float(commit.time))
            expected.advance(commit)
            assert result["refused"] == [], commit
            assert {zone["zone"] for zone in result["published"]} == expected.changed, commit
            assert set(result["removed"]) == expected.removed, commit
            with writer.snapshot() as snapshot:
                assert_held(snapshot, expected, commit)
                last = assert_served(snapshot, expected, commit, last)
    finally:
        writer.close()


def assert_held(snapshot: Snapshot, expected: Expected, commit: Commit) -> None:
    """What is held back is what should be, and it says why and in which file of this commit."""
    held = {names.to_text(origin): reason for origin, reason in snapshot.held().items()}
    assert held.keys() == expected.held.keys(), commit
    for zone, reason in held.items():
        assert reason["commit"] == commit.commit
        assert same_ids({finding["id"] for finding in reason["findings"]}, expected.held[zone])
        for finding in reason["findings"]:
            assert any(finding["position"].startswith(path) for path in commit.files)


def assert_served(
    snapshot: Snapshot, expected: Expected, commit: Commit, last: dict[str, Reading]
) -> dict[str, Reading]:
    """Every zone's records and serial; the zones as they are served now."""
    served = {}
    for record in snapshot.records():
        zone = snapshot.zone(record.origin)
        assert zone is not None
        served[names.to_text(record.origin)] = reading_of_stored(zone)
    assert served.keys() == expected.served.keys(), commit
    for name, reading in served.items():
        assert reading.records == expected.served[name].records, (commit, name)
        if expected.managed:
            assert_assigned(reading, last.get(name), name in expected.changed)
        else:
            assert reading.serial == expected.served[name].serial, (commit, name)
    return served


def assert_assigned(now: Reading, before: Reading | None, changed: bool) -> None:
    """A serial that the agent assigns rises with each change of content and not otherwise."""
    assert now.serial is not None
    if before is not None and before.serial is not None:
        step = (now.serial - before.serial) % 2**32
        assert 0 < step < 2**31 if changed else step == 0
