"""The merge driver: both sides' records, and one serial above both.

Two branches that each raised a serial always conflict in that line. So git merges the three
texts with the serial's digits made equal, and the new serial takes their place. All else is as
git would do it: the same record changed differently is a conflict with markers.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from zonecast.errors import BadNameError, ConfigError, RepositoryError
from zonecast.repository import Repository
from zonecast.zone.collection import origin_of
from zonecast.zone.policy import POLICY_FILE, Policy, SerialPolicy
from zonecast.zone.serial import MODULUS, greatest, is_greater, next_serial
from zonecast.zone.zonefile import read_zone

# Octets in which a SOA is looked for first: the rest of a large zone need not be read for it.
_HEAD = 1 << 16


class Sides(NamedTuple):
    """The three versions of a file that git gives a merge driver."""

    ours: bytes
    ancestor: bytes
    theirs: bytes


class Merged(NamedTuple):
    """A merged file; its serial where that was chosen here. Not `clean`: it holds markers."""

    content: bytes
    clean: bool
    serial: int | None


class _Serial(NamedTuple):
    """The octets [start, end) of a text that are its serial's digits."""

    start: int
    end: int
    number: int


def merge_zone(
    repository: Repository, path: str, sides: Sides, marker_size: int, now: float
) -> Merged:
    """Merge a zone file. `path` is the one it will have; `now` in POSIX seconds.

    Where a side has no serial that can be read, or no serial is greater than both, the texts are
    merged as they are. Raises RepositoryError where git cannot merge them, as for binary files.
    """
    policy = _policy(repository)
    origin = _origin(policy, path)
    found = [None if origin is None else _find_serial(text, path, origin) for text in sides]
    ours, _, theirs = found
    if origin is not None and ours is not None and theirs is not None:
        word = _unused_word(sides)
        texts = Sides(*(_with_serial(*pair, word) for pair in zip(sides, found, strict=True)))
        merged, clean = _merge_texts(repository, path, texts, marker_size)
        # A side whose text is the result keeps its serial; any other's must be left behind.
        parents = ((texts.ours, ours.number), (texts.theirs, theirs.number))
        left = [number for text, number in parents if text != merged]
        serial = _above(left, [ours.number, theirs.number], policy.zone(origin).serial, now)
        if serial is not None:
            return Merged(merged.replace(word, b"%d" % serial), clean, serial)
    return Merged(*_merge_texts(repository, path, sides, marker_size), None)


def _policy(repository: Repository) -> Policy:
    """The policy of what is merged into; the defaults where that is broken."""
    found = repository.commands.result("cat-file", "blob", f"HEAD:{POLICY_FILE}", allowed=(0, 128))
    try:
        return Policy() if found.status else Policy.from_toml(found.stdout, POLICY_FILE)
    except ConfigError:
        return Policy()


def _origin(policy: Policy, path: str) -> bytes | None:
    try:
        return policy.origins.get(path) or origin_of(path)
    except BadNameError:
        return None


def _find_serial(text: bytes, path: str, origin: bytes) -> _Serial | None:
    head = text[: text.rfind(b"\n", 0, _HEAD) + 1]
    for part in dict.fromkeys((head, text)):
        span = read_zone(part, path=path, origin=origin, include=None).serial_span
        if span is not None:
            _, start, end = span
            digits = text[start:end].lstrip(b"0") or b"0"
            if len(digits) > len(str(MODULUS)) or int(digits) >= MODULUS:
                return None
            return _Serial(start, end, int(digits))
    return None


def _unused_word(texts: Sequence[bytes]) -> bytes:
    word = b"zonecast-serial"
    while any(word in text for text in texts):
        word += b"-"
    return word


def _with_serial(text: bytes, serial: _Serial | None, word: bytes) -> bytes:
    return text if serial is None else text[: serial.start] + word + text[serial.end :]


def _above(
    left: Sequence[int], parents: Sequence[int], policy: SerialPolicy, now: float
) -> int | None:
    """A serial for the result: greater than those in `left`, not less than any parent's; None
    where there is none (RFC 1982). In mode `managed` the greatest will do."""
    best = greatest(parents)
    assert best is not None  # there are two
    if any(number != best and not is_greater(best, number) for number in parents):
        return None
    if policy.mode == "managed" or best not in left:
        return best
    serial = next_serial(parents, policy.policy, now)
    return serial if all(is_greater(serial, number) for number in parents) else None


def _merge_texts(
    repository: Repository, path: str, texts: Sides, marker_size: int
) -> tuple[bytes, bool]:
    """What git makes of three texts, and whether that is without conflicts."""
    if any(b"\0" in text for text in texts):  # git would refuse them, and be silent about it
        raise RepositoryError(
            "binary contents cannot be merged", where=path, remedy="take one side's: git checkout"
        )
    with tempfile.TemporaryDirectory(prefix="zonecast-merge-") as directory:
        files = []
        labels = ("ours", "ancestor", "theirs")
        for label, text in zip(labels, texts, strict=True):
            file = Path(directory, label)
            file.write_bytes(text)
            files.append(str(file))
        named = [part for label in labels for part in ("-L", label)]
        done = repository.commands.result(
            "merge-file", "--stdout", "--quiet", f"--marker-size={marker_size}", *named, *files,
            allowed=range(128),
        )  # fmt: skip
    return done.stdout, done.status == 0
