"""A cache that is damaged, foreign, locked or not allowed costs time, and nothing else."""

from __future__ import annotations

import hashlib
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from check_support import AGENT, TOP, check, repository

from zonecast.cli.checking.cache import FILE, KEEP_DAYS, Cache

DAY = 86400
ZONES = {"a.zone": f"{TOP}@ MX 10 gone\n", "b.zone": f"{TOP}www CNAME nowhere.a.\n"}


def rubbish(file: Path) -> None:
    file.write_bytes(b"not a database, and long enough to be looked at" * 100)


def cut_short(file: Path) -> None:
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def emptied(file: Path) -> None:
    file.write_bytes(b"")


def overwritten(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xa5" * len(content[4096:])
    file.write_bytes(content)


def _execute(file: Path, words: str) -> None:
    connection = sqlite3.connect(file)
    connection.executescript(words)
    connection.close()


def of_another_version(file: Path) -> None:
    _execute(file, "PRAGMA user_version = 99; ALTER TABLE seen RENAME TO other;")


def without_its_table(file: Path) -> None:
    _execute(file, "DROP TABLE seen;")


def values_swapped(file: Path) -> None:
    _execute(file, "UPDATE seen SET value = (SELECT value FROM seen ORDER BY key LIMIT 1);")


def values_of_another_kind(file: Path) -> None:
    _execute(file, "UPDATE seen SET value = 'text';")


def text_that_is_none(file: Path) -> None:
    _execute(file, "UPDATE seen SET value = CAST(x'ff00ff' AS TEXT);")


def another_shape(file: Path) -> None:
    """Values that somebody else put, with the right checksum."""
    connection = sqlite3.connect(file, isolation_level=None)
    for number, (key,) in enumerate(connection.execute("SELECT key FROM seen").fetchall()):
        shapes = (b"null", b"7", b"[[[[1,2]]]]", b'{"a.zone":5}', b"[1,2,3]", b"\xff")
        value = shapes[number % len(shapes)]
        checked = hashlib.blake2b(key + value, digest_size=16).digest() + value
        connection.execute("UPDATE seen SET value = ? WHERE key = ?", (checked, key))
    connection.close()


DAMAGES = [
    rubbish, text_that_is_none, another_shape, cut_short, emptied, overwritten, of_another_version, without_its_table,
    values_swapped, values_of_another_kind,
]  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    top = repository(tmp_path / "zones", ZONES)
    first = check(top)
    assert "[mx-no-address]" in first.output
    damage(top / ".git" / "zonecast" / FILE)
    second = check(top)
    assert (second.status, second.output, second.errors) == (0, first.output, [])
    check(top)  # where the damage was found in the middle of a write
    third = check(top)
    assert (third.output, third.opened) == (first.output, [])


def test_no_place_for_it(tmp_path: Path) -> None:
    top = repository(tmp_path / "zones", ZONES)
    (top / ".git" / "zonecast").write_text("in the way")
    for _ in range(2):
        done = check(top)
        assert (done.status, done.errors, done.opened) == (0, [], ["a.zone", "b.zone"])


def test_a_lock_is_not_waited_for_long(tmp_path: Path) -> None:
    top = repository(tmp_path / "zones", ZONES)
    first = check(top)
    holder = sqlite3.connect(top / ".git" / "zonecast" / FILE, isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    assert check(top).output == first.output
    holder.close()
    assert check(top).opened == []


def test_several_at_once(tmp_path: Path) -> None:
    top = repository(tmp_path / "zones", ZONES)
    command = [sys.executable, "-m", "zonecast", "check"]
    running = [
        subprocess.Popen(command, cwd=top, stdout=subprocess.PIPE, env={"PYTHONPATH": str(AGENT)})
        for _ in range(4)
    ]
    outputs = {process.communicate(timeout=60)[0] for process in running}
    assert len(outputs) == 1
    assert check(top).opened == []


def test_what_is_not_used_is_forgotten(tmp_path: Path) -> None:
    def opened(day: int) -> Cache:
        return Cache(tmp_path, day * DAY)

    first = opened(100)
    first.put(b"used", b"1")
    first.put(b"unused", b"2")
    first.close()
    again = opened(100 + KEEP_DAYS - 1)
    assert again.get([b"used"]) == {b"used": b"1"}
    again.close()
    later = opened(101 + KEEP_DAYS)
    later.put(b"new", b"3")
    later.close()
    keys = [b"used", b"unused", b"new"]
    assert opened(101 + KEEP_DAYS).get(keys) == {b"used": b"1", b"new": b"3"}


def test_the_file_stays_below_its_limit(tmp_path: Path) -> None:
    for number in range(20):
        cache = Cache(tmp_path, number * DAY, limit=1 << 20)
        cache.put(b"%d" % number, bytes(200_000))
        cache.close()
    assert (tmp_path / FILE).stat().st_size < 1 << 20
    kept = Cache(tmp_path, 20 * DAY).get(b"%d" % number for number in range(20))
    assert b"19" in kept
    assert b"0" not in kept
