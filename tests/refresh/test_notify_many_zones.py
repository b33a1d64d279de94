"""Two thousand zones at once, over real sockets: no burst that a secondary drops, and one that is
silent delays no other."""

from __future__ import annotations

import asyncio
from pathlib import Path

from notify_support import Secondary, notifying, peers, running

from zonecast.protocol.convergence import AT_ONCE

ZONES = {b"\x06z%05d\x07example\x00" % number: 7 for number in range(2000)}
RATE = 1000
# The least that Linux gives: 2,304 octets, which a few small datagrams fill.
SMALL = 16384


def most_in_a_second(times: list[float]) -> int:
    most = start = 0
    for end, at in enumerate(times):
        while at - times[start] >= 1.0:
            start += 1
        most = max(most, end - start + 1)
    return most


def test_none_is_dropped_and_a_silent_secondary_delays_no_other(tmp_path: Path) -> None:
    asyncio.run(run(tmp_path))


async def run(directory: Path) -> None:
    small, other, silent = Secondary(receive_buffer=SMALL), Secondary(), Secondary(SMALL)
    small.listen()
    other.listen()
    made = notifying(
        directory,
        {"silent": silent, "small": small, "other": other},
        ZONES,
        f"notify-rate = {RATE}",
    )
    made.announce(ZONES)

    def everywhere() -> bool:
        return all(
            peers(made, origin, 7)[name]["has-it"]
            for origin in ZONES
            for name in ("small", "other")
        )

    async with running(made) as until:
        await until(everywhere)
    for secondary in (small, other):
        assert secondary.dropped == 0
        for times in (secondary.notified_at, secondary.asked_at):
            assert most_in_a_second(times) <= RATE + AT_ONCE
    seen = [peers(made, origin, 7)["silent"] for origin in ZONES]
    assert not any(peer["has-it"] for peer in seen)
    assert all("did not answer" in peer["error"] for peer in seen)
    assert silent.dropped == 0, "nor is one that is silent flooded"
    silent.receive()
    assert len(silent.notified_at) < 100
