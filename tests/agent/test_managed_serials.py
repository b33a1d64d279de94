"""The serial of a managed zone is the agent's: above what was served, wherever that was."""

from __future__ import annotations

import pytest

from zonecast.server.publishing.judging import assign_serial
from zonecast.zone import names
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import read_zone

ORIGIN = names.from_text("example.com.")
NOW = 1_795_000_000


def version(serial: int, *records: str) -> Zone:
    lines = ["$TTL 300", f"@ SOA ns1 host {serial} 7200 3600 1209600 300", "@ NS ns1", *records]
    content = "".join(f"{line}\n" for line in lines).encode()
    return read_zone(content, path="zone", origin=ORIGIN, include=None).zone


@pytest.mark.parametrize(
    ("written", "assigned"), [(1, NOW), (2026112101, 2026112102), (NOW, NOW + 1)]
)
def test_a_new_zone_goes_above_the_serial_in_its_file(written: int, assigned: int) -> None:
    """A zone that was served elsewhere must not start again below what it had."""
    changeset = assign_serial(diff(None, version(written)), NOW)
    assert changeset.new_serial == assigned


def test_a_change_goes_above_what_is_served_and_nothing_else_does() -> None:
    changed = diff(version(NOW + 5), version(1, "www A 192.0.2.1"))
    assert assign_serial(changed, NOW).new_serial == NOW + 6
    same = diff(version(NOW + 5), version(1))
    assert assign_serial(same, NOW + 100).new_serial == NOW + 5
