"""A run: finished transfer records side by side, and how many they are.

A message says how many records it has, and to count them is most of what an AXFR of finished
records costs. So a stored run begins with its count: a zero, which no record begins with (its
owner is a pointer or a label that is not empty), and three octets. Runs that an older program wrote
have no count and are counted when they are sent.
"""

from __future__ import annotations

from typing import NamedTuple

_COUNTED = b"\x00"
_HEAD = 4


class Run(NamedTuple):
    """Whole records in transfer form (see `compiled`)."""

    records: int
    octets: bytes


def stored_run(records: int, octets: bytes) -> bytes:
    """A run as it is stored."""
    return records.to_bytes(_HEAD, "big") + octets


def read_run(stored: bytes) -> Run:
    """A stored run."""
    if stored[:1] == _COUNTED:
        return Run(int.from_bytes(stored[:_HEAD], "big"), stored[_HEAD:])
    return counted(stored)


def run_octets(stored: bytes) -> bytes:
    """The records of a stored run, however many."""
    return stored[_HEAD:] if stored[:1] == _COUNTED else stored


def counted(octets: bytes) -> Run:
    """Finished transfer records as a run."""
    position = count = 0
    size = len(octets)
    while position < size:
        while (length := octets[position]) != 0xC0:
            position += length + 1
        position += 12 + (octets[position + 10] << 8 | octets[position + 11])
        count += 1
    return Run(count, octets)
