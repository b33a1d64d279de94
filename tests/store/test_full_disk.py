"""Where a version does not fit on the disk the last one is served, status says why, and the next try
with room succeeds."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from agents import Agent, Secret, Zones, primary_config, secondary_config, zone_text

from zonecast.store.schema import store_file

BIG = [f"host{n} TXT {'x' * 200}" for n in range(4000)]


def processes(agent: Agent) -> list[int]:
    """The agent's processes: it has a session of its own."""
    assert agent.process is not None
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it has just ended
        if int(fields[3]) == agent.process.pid:
            found.append(int(stat.parent.name))
    return found


def limit_files(agent: Agent, size: int | None) -> None:
    """Let no file of the agent's grow beyond so many octets; None: beyond what it may."""
    assert agent.process is not None
    # The controller first: what it starts from then on has its limit.
    for pid in (agent.process.pid, *processes(agent)):
        with suppress(ProcessLookupError):
            hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard if size is None else size, hard))


@contextmanager
def full_disk(agent: Agent) -> Iterator[None]:
    """The agent's store may not grow: a write fails as on a full disk, with an error (EFBIG; Python
    ignores the signal)."""
    limit_files(agent, store_file(agent.directory / "state").stat().st_size)
    yield
    limit_files(agent, None)


def test_a_publisher_without_room(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    ns1.await_serial("example.com.", 1)

    def says_why(report: dict[str, Any]) -> bool:
        return "store cannot be written" in str(report["repositories"])

    with full_disk(ns1):
        zones.write("example.com.zone", zone_text(2, *BIG))
        zones.push()
        report = ns1.status_when(says_why, "the reason in status")
        assert "the last version keeps being served" in str(report["repositories"])
        assert ns1.serial("example.com.") == 1
    ns1.await_serial("example.com.", 2)
    ns1.status_when(lambda report: not says_why(report), "the reason to be gone")


def test_a_puller_without_room(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 1)

    def says_why(report: dict[str, Any]) -> bool:
        return "store cannot be written" in str(report["zones"])

    with full_disk(ns2):
        zones.write("example.com.zone", zone_text(2, *BIG))
        zones.push()
        ns2.status_when(says_why, "the reason in status")
        assert ns2.serial("example.com.") == 1
        assert ns1.serial("example.com.") == 2
    ns2.ask("refresh", zone="example.com.")
    ns2.await_serial("example.com.", 2)
    ns2.status_when(lambda report: not says_why(report), "the reason to be gone")
