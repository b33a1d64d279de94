"""Arbitrary octets and mutated real zone files through reader, hook, bump, merge driver and policy:
an error with its place, never a traceback, never a hang. And packets: an answer, or due silence."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seeds import WORDS, inputs
from targets import BIG, ORIGIN, PATH, TARGETS, edited

from zonecast.zone.zonefile.increment import read_step

# CPU seconds that no small input may take; what never ends is pytest-timeout's to stop.
MOST = 10

EXAMPLES = {
    "reader": 400,
    "bump": 300,
    "hook": 250,
    "merge": 60,
    "policy": 200,
    "increment": 200,
    "packet": 800,
}

Edit = tuple[float, int, bytes]
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.just(0), st.integers(0, 3), st.integers(0, 200)),
        st.one_of(st.sampled_from(WORDS), st.binary(max_size=3), st.just(b"")),
    ),
    max_size=6,
)


def mutated(content: bytes, edits: list[Edit]) -> bytes:
    """Some octets taken out and others put in, here and there."""
    for place, gone, new in edits:
        at = int(place * len(content))
        content = content[:at] + new + content[at + gone :]
    return content


def run(target: str, content: bytes) -> None:
    before = time.process_time()
    TARGETS[target](content)
    assert time.process_time() - before < MOST


@pytest.mark.parametrize("target", TARGETS)
def test_what_it_starts_from(target: str) -> None:
    for content in inputs(target) if target != "merge" else inputs(target)[:8]:
        run(target, content)


@pytest.mark.parametrize("target", TARGETS)
def test_mutated_files(target: str) -> None:
    starts = inputs(target)

    @settings(max_examples=EXAMPLES[target], deadline=None)
    @given(st.sampled_from(starts), EDITS)
    def any_edits(content: bytes, edits: list[Edit]) -> None:
        run(target, mutated(content, edits))

    any_edits()


@pytest.mark.parametrize("target", TARGETS)
def test_arbitrary_octets(target: str) -> None:
    @settings(max_examples=EXAMPLES[target] // 2, deadline=None)
    @given(st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(WORDS)).map(b"".join)))
    def any_octets(content: bytes) -> None:
        run(target, content)

    any_octets()


def test_an_edit_of_the_big_file_is_read_in_part() -> None:
    """Or nothing would be compared."""
    for edits in inputs("increment"):
        new = edited(BIG, edits)
        assert new != BIG
        assert read_step(BIG, new, path=PATH, origin=ORIGIN) is not None
