"""Primaries that keep a transfer waiting: it ends, nothing is stored, and the next primary is asked. Who
does so with changes is asked for the whole zone.

The puller's own code over real sockets and a real store, its patience made short."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from primary import ScriptedPrimary, primary
from streams import Stream, good, is_axfr, script, streams, version
from transfer_support import content

from zonecast.server.pulling import fetch
from zonecast.server.pulling.job import pull
from zonecast.server.pulling.readers import Readers
from zonecast.server.pulling.slots import Slots
from zonecast.server.pulling.write_queue import WriteQueue
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.zone import names

ORIGIN = names.from_text("example.com.")
PATIENCE = 0.15
LATEST = "S9 NEW"


@pytest.fixture(autouse=True)
def _little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SILENCE", PATIENCE)
    monkeypatch.setattr(fetch, "LEAST_RATE", 100_000)


@pytest.fixture
def state(tmp_path: Path) -> Path:
    prepare(tmp_path)
    return tmp_path


def run(
    state: Path,
    primaries: list[ScriptedPrimary],
    serial: int | None,
    longest: float = 10.0,
    stalled: dict[str, str] | None = None,
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
        job = {
            "zone": "example.com.",
            "serial": serial,
            "force": False,
            "primaries": fields,
            "stalled": stalled or {},
        }
        try:
            return await pull(job, queue.write, Slots(64, 8), Readers(0))
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


def answer(stream: Stream, query: bytes, whole: str) -> Iterator[bytes | str]:
    """The stream; who asked for changes and then for the whole zone gets `whole`."""
    if stream.held and is_axfr(query):
        return script(Stream("whole", "", [whole]), query)
    return script(stream, query)


@pytest.mark.parametrize("stream", streams("slow"), ids=lambda stream: stream.name)
def test_a_slow_primary_holds_nothing_up(state: Path, stream: Stream) -> None:
    """Pitfall: a primary that sends just enough to stay connected."""
    if stream.held:
        with primary(lambda query: good(stream.held, query)) as made:
            assert run(state, [made], None)["ok"]
    with (
        primary(lambda query: answer(stream, query, "rcode=REFUSED")) as slow,
        primary(lambda query: good(LATEST, query)) as quick,
    ):
        reply = run(state, [slow], stream.serial)
        assert not reply["ok"]
        says = "REFUSED" if stream.next == "axfr" else stream.says
        assert re.search(says, reply["error"]), reply["error"]
        assert stored(state) == expected(stream.held)
        reply = run(state, [slow, quick], stream.serial)
        assert (reply["ok"], reply["primary"], reply["serial"]) == (True, "ns2", 9)
    assert stored(state) == expected(LATEST)


@pytest.mark.parametrize(
    "stream", [s for s in streams("slow") if s.held], ids=lambda stream: stream.name
)
def test_changes_that_come_to_a_halt_lead_to_the_whole_zone(state: Path, stream: Stream) -> None:
    """Pitfall: a primary whose IXFR hangs hangs again, however often it is asked for one."""
    with primary(lambda query: good(stream.held, query)) as made:
        assert run(state, [made], None)["ok"]
    with primary(lambda query: answer(stream, query, f"{LATEST} S9")) as made:
        reply = run(state, [made], stream.serial)
        if stream.next == "later":
            assert reply["stalled"] == reply["errors"], reply
            assert reply["silent"] == ["ns1"]
            reply = run(state, [made], stream.serial, stalled=reply["stalled"])
        assert (reply["ok"], reply["how"], reply["serial"]) == (True, "axfr", 9)
        assert re.search(stream.says, reply["no-ixfr"])
        assert [is_axfr(query) for query in made.queries] == [False, True]
    assert stored(state) == expected(LATEST)


def test_a_transfer_that_never_ends_has_a_time(state: Path) -> None:
    """However fast it is."""
    endless = Stream("endless", "", ["S6", "NEW endless"])
    with primary(lambda query: script(endless, query)) as made:
        reply = run(state, [made], None, longest=PATIENCE)
    assert not reply["ok"]
    assert f"no end within {PATIENCE}" in reply["error"]
    assert stored(state) is None
