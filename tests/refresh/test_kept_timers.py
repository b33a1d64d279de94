"""Timers and expiries in the control store: in batches, soon where it matters, released by hand."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zonecast.server.pulling.timers import KeptTimers
from zonecast.store.control import ControlStore
from zonecast.store.schema import prepare

ZONES = [b"%d" % number for number in range(2000)]


@pytest.fixture
def control(tmp_path: Path) -> Iterator[ControlStore]:
    prepare(tmp_path)
    store = ControlStore(tmp_path)
    yield store
    store.close()


def transactions(control: ControlStore) -> int:
    return int(control.environment.info()["last_txnid"])


def test_thousands_expire_and_recover_in_a_few_transactions(control: ControlStore) -> None:
    machines: dict[bytes, dict[str, Any]] = {}
    timers = KeptTimers(control, machines.get)

    async def note(expired: bool) -> None:
        running = asyncio.create_task(timers.run())
        for zone in ZONES:
            machines[zone] = {"serial": 1, "expired": expired}
            timers.note(zone)
        await timers.written()
        running.cancel()

    for expired in (False, True, False):
        before = transactions(control)
        asyncio.run(note(expired))
        assert transactions(control) - before <= 4
        assert control.expired() == (frozenset(ZONES) if expired else frozenset())
        assert control.items("timers") == machines


def test_the_workers_see_an_expiry_though_nobody_waits_for_it(control: ControlStore) -> None:
    machines = {b"a": {"expired": True}}
    timers = KeptTimers(control, machines.get)

    async def note() -> None:
        running = asyncio.create_task(timers.run())
        timers.note(b"a")
        async with asyncio.timeout(10):
            while control.expired() != {b"a"}:
                await asyncio.sleep(0.001)
        machines.clear()
        timers.forget(b"a")
        await timers.written()
        running.cancel()

    asyncio.run(note())
    assert control.expired() == frozenset()
    assert control.items("timers") == {}


@pytest.mark.parametrize("later", range(6))
def test_an_end_in_the_moment_of_a_wish_is_an_end(control: ControlStore, later: int) -> None:
    timers = KeptTimers(control, lambda origin: {"expired": True})

    async def end() -> None:
        running = asyncio.create_task(timers.run())
        await asyncio.sleep(0)
        timers.note(b"a")
        for _ in range(later):
            await asyncio.sleep(0)
        running.cancel()
        async with asyncio.timeout(5):
            await asyncio.wait({running})
        assert running.cancelled()

    asyncio.run(end())


def test_what_is_pulled_no_more_is_released_and_its_timers_stay(control: ControlStore) -> None:
    control.write("expired", {b"ours": "", b"theirs": ""})
    control.write("timers", {b"ours": {"expired": True}, b"theirs": {"expired": True}})
    timers = KeptTimers(control, lambda origin: {"expired": True})
    timers.release([b"ours"])
    assert control.expired() == {b"ours"}
    assert timers.saved(b"theirs") == {"expired": True}
    timers.note(b"ours")
    timers.write()
    assert control.expired() == {b"ours"}
