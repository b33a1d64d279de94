"""Our secondary under catalogs of BIND, Knot, NSD and PowerDNS: members come and go, are reset
under a new label, and are pulled as their group says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import dns.rcode
import pytest
from agents import CATALOG, Agent, Secret, await_value, peer
from catalog_producers import SERIAL, Listed, Producer
from transfers import axfr

COM, ADDED = "example.com", "added.com"


@pytest.fixture(params=["named", "knotd", "nsd", "pdns_server"])
def pair(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    secret: Secret,
    new_agent: Callable[[str], Agent],
) -> Iterator[tuple[Producer, Agent]]:
    """A producer and an agent that knows its catalog."""
    ns2 = new_agent("ns2")
    producer = Producer(request.param, tmp_path / request.param, secret, ns2.port)
    address = f"127.0.0.1:{producer.port}"
    config = [*secret.config, *peer("primary", "theirs", address)]
    config += peer("primary", "special", address)
    config += peer("secondary", "whoever has the key", address)
    config += ["[[catalog]]", f'name = "{CATALOG}"', 'primaries = ["theirs"]']
    config += ["[[catalog.group]]", 'name = "fast"', 'primaries = ["special"]']
    ns2.configure(*config)
    try:
        yield producer, ns2
    finally:
        producer.stop()


def refreshed(agent: Agent, zone: str) -> dict[str, Any]:
    """What status says of a pulled zone that was transferred."""

    def find(report: dict[str, Any]) -> dict[str, Any] | None:
        named = (z for z in report["zones"] if z["zone"] == f"{zone}.")
        found = [z for z in named if z["serial"] and z["refresh"]]
        return found[0]["refresh"] if found and found[0]["refresh"]["last-transfer"] else None

    refresh = find(agent.status_when(find, f"{zone} to be transferred"))
    assert refresh is not None
    return refresh


def refused(agent: Agent, zone: str) -> bool:
    return agent.query(zone, "SOA").rcode() == dns.rcode.REFUSED


def test_members_come_go_and_are_reset(pair: tuple[Producer, Agent], secret: Secret) -> None:
    producer, ns2 = pair
    producer.lists({COM: Listed("one")})
    producer.await_serial(f"{COM}.", SERIAL)
    ns2.start()
    ns2.await_serial(COM, SERIAL)
    assert refused(ns2, ADDED)

    producer.lists({COM: Listed("one"), ADDED: Listed("two", "fast")})
    ns2.await_serial(ADDED, SERIAL)
    for zone in (COM, ADDED):
        assert axfr(ns2.port, secret, zone) == axfr(producer.port, secret, zone)
    assert refreshed(ns2, ADDED)["primaries"][0]["name"] == "special"
    assert refreshed(ns2, COM)["primaries"][0]["name"] == "theirs"

    # Both ended and started again between two edits.
    ns2.stop()
    if producer.name != "knotd":  # which gives out labels of its own
        before = ns2_last(ns2.start(), ADDED)
        producer.lists({COM: Listed("one"), ADDED: Listed("three")})
        await_value(lambda: ns2_last(ns2, ADDED) > before, f"{ADDED} to be reset")
        assert refreshed(ns2, ADDED)["primaries"][0]["name"] == "theirs"
        ns2.stop()
    producer.lists({ADDED: Listed("three")})
    ns2.start()
    await_value(lambda: refused(ns2, COM), f"{COM} to go")
    ns2.await_serial(ADDED, SERIAL)
    assert axfr(ns2.port, secret, ADDED) == axfr(producer.port, secret, ADDED)


def ns2_last(agent: Agent, zone: str) -> float:
    """When the zone was last transferred; 0 where it was not."""
    report = agent.status_when(lambda report: True, "status")
    for found in report["zones"]:
        if found["zone"] == f"{zone}." and found["serial"]:
            refresh = found["refresh"] or {"last-transfer": None}
            return float((refresh["last-transfer"] or {"at": 0})["at"])
    return 0.0
