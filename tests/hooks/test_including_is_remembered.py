"""In a repository with many zones the hooks remember which files include none: what a change
touches is the same, and only new files are read for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from zones_clone import Clone

from zonecast.cli import including
from zonecast.cli.revisions import Files, committed, staged, touched_zones
from zonecast.repository import Repository
from zonecast.zone.policy import Policy

ZONES = {f"zones/z{n}.example.zone": f"@ TXT {n}\n" for n in range(8)}
INCLUDING = {
    "zones/a.example.zone": "$INCLUDE common\n",
    "zones/b.example.zone": '$include "z1.example.zone" ; another zone\'s file\n',
    "zones/c.example.zone": "x TXT ( y\n$INCLUDE common )\n",
    "zones/common": "$INCLUDE deeper\n",
    "zones/deeper": "www A 192.0.2.1\n",
}
# Those that a change of zones/deeper may touch: the scan takes a line of a TXT record for one.
DEEPER = {"zones/a.example.zone", "zones/c.example.zone"}


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    monkeypatch.setattr(including, "MANY", 1)
    monkeypatch.setattr(including, "_ENOUGH", 1)
    clone = Clone(tmp_path)
    clone.git("init", "--quiet")
    clone.commit_unchecked({**ZONES, **INCLUDING})
    return Repository.open(tmp_path)


class Read:
    """What is read of files that a cache is asked about, and of the same files without one."""

    def __init__(self, repository: Repository, files: Files) -> None:
        self.files = files
        self.read: set[str] = set()

        def fetch(paths: list[str]) -> dict[str, bytes]:
            self.read.update(paths)
            return {path: files.read(path) for path in paths}

        self.watched = Files(files.paths, fetch, files.blob, files.algorithm, cache=files.cache)
        self.plain = Files(files.paths, fetch, files.blob, files.algorithm)

    def touched(self, *changed: str) -> set[str]:
        """What the change touches, the same whether it is asked of the cache or not."""
        found = touched_zones(set(changed), self.watched, Policy())
        read = set(self.read)
        assert found == touched_zones(set(changed), self.plain, Policy())
        self.read = read
        return found


def test_the_second_time_only_what_includes_is_read(repository: Repository) -> None:
    for expected in (set(ZONES), set[str]()):
        asked = Read(repository, committed(repository, "HEAD"))
        assert asked.touched("zones/deeper") == DEEPER
        assert asked.read - set(INCLUDING) == expected


def test_the_zones_are_the_same_whatever_changes(repository: Repository) -> None:
    for _ in range(2):
        for changed in (*ZONES, *INCLUDING, "zones/elsewhere", "deeper", "zonecast.toml"):
            Read(repository, committed(repository, "HEAD")).touched(changed)
    known = Read(repository, committed(repository, "HEAD"))
    assert known.touched("zones/z1.example.zone") == {
        "zones/b.example.zone",
        "zones/z1.example.zone",
    }


def test_a_file_that_includes_from_now_on_is_noticed(repository: Repository) -> None:
    path = "zones/z3.example.zone"
    assert Read(repository, committed(repository, "HEAD")).touched("zones/deeper") == DEEPER
    clone = Clone(repository.path)
    (repository.path / path).write_text("$INCLUDE deeper\n")
    clone.git("add", path)
    asked = Read(repository, staged(repository))
    assert asked.touched("zones/deeper") == DEEPER | {path}
    assert asked.read.isdisjoint(set(ZONES) - {path})


def test_a_damaged_memory_is_no_memory(repository: Repository) -> None:
    Read(repository, committed(repository, "HEAD")).touched("zones/deeper")
    kept = repository.places.common_dir / "zonecast" / "checked.sqlite"
    kept.write_bytes(b"x" * kept.stat().st_size)
    asked = Read(repository, committed(repository, "HEAD"))
    assert asked.touched("zones/deeper") == DEEPER
    assert set(ZONES) <= asked.read
