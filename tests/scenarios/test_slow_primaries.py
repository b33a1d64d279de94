"""Primaries that keep a transfer waiting: it ends, nothing is stored, and the next primary is asked.

The puller's own code over real sockets and a real store, its patience made short."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from primary import ScriptedPrimary, primary
from streams import Stream, good, script, streams, version
from transfer_support import content

from zonecast.server.pulling import fetch
from zonecast.server.pulling.job import Slots, pull
from zonecast.server.pulling.write_queue import WriteQueue
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.zone import names

ORIGIN = names.from_text("example.com.")
PATIENCE = 0.15


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SILENCE", PATIENCE)
    monkeypatch.setattr(fetch, "LEAST_RATE", 100_000)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def run(
    state: Path, primaries: list[ScriptedPrimary], serial: int | None, longest: float = 10.0
) -> dict[str, Any]:
    """One pull; the reply that the puller process would send."""

    async def work() -> dict[str, Any]:
        queue = WriteQueue(state)
        writing = asyncio.create_task(queue.run())
        fields = [
            {
                "name": f"ns{number}",
                "address": f"127.0.0.1:{made.port}",
                "key": None,
                "longest": longest,
            }
            for number, made in enumerate(primaries, start=1)
        ]
        job = {"zone": "example.com.", "serial": serial, "force": False, "primaries": fields}
        try:
            return await pull(job, queue.write, Slots(64, 8))
        finally:
            writing.cancel()
            queue.close()

    return asyncio.run(work())


def stored(state: Path) -> Any:
    reader = ZonesReader(state)
    try:
        with reader.begin() as snapshot:
            held = snapshot.zone(ORIGIN)
    finally:
        reader.close()
    return None if held is None else content(held)


def expected(words: str) -> Any:
    zone = version(words, ORIGIN)
    return None if zone is None else content(zone)


@pytest.mark.parametrize("stream", streams("slow"), ids=lambda stream: stream.name)
def test_a_slow_primary_holds_nothing_up(state: Path, stream: Stream) -> None:
    """Pitfall: a primary that sends just enough to stay connected."""
    if stream.held:
        with primary(lambda query: good(stream.held, query)) as made:
            assert run(state, [made], None)["ok"]
    latest = "S9 NEW"
    with (
        primary(lambda query: script(stream, query)) as slow,
        primary(lambda query: good(latest, query)) as quick,
    ):
        reply = run(state, [slow], stream.serial)
        assert not reply["ok"]
        assert re.search(stream.says, reply["error"]), reply["error"]
        assert stored(state) == expected(stream.held)
        reply = run(state, [slow, quick], stream.serial)
        assert (reply["ok"], reply["primary"], reply["serial"]) == (True, "ns2", 9)
    assert stored(state) == expected(latest)


def test_a_transfer_that_never_ends_has_a_time(state: Path) -> None:
    """However fast it is."""
    endless = Stream("endless", "", ["S6", "NEW endless"])
    with primary(lambda query: script(endless, query)) as made:
        reply = run(state, [made], None, longest=PATIENCE)
    assert not reply["ok"]
    assert f"no end within {PATIENCE}" in reply["error"]
    assert stored(state) is None
