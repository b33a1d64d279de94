"""Several primaries of one zone: order, silence, pins, and whose history a delta may follow."""

from __future__ import annotations

import pytest

from zonecast.protocol.primaries import (
    LAST_REST,
    Behind,
    Choice,
    Failed,
    Newer,
    Same,
    Source,
    Standing,
    Verdict,
)

T0 = 1_700_000_000.0
NAMES = ("a", "b", "c")


class Primaries:
    """Three primaries that say what stands in `serves`: a serial, with its EXPIRE or not, or
    None for silence. `asked` holds whom the last round asked."""

    def __init__(self, tolerance: float = 0.0) -> None:
        self.choice = Choice(tolerance)
        self.standings = {name: Standing() for name in NAMES}
        self.serves: dict[str, tuple[int, int | None] | int | None] = {}
        self.asked = ""

    def round(self, ours: int | None, now: float) -> Verdict:
        self.asked = ""
        for name in self.choice.turns(NAMES, ours, now, self.standings):
            self.asked += name
            said = self.serves.get(name)
            if said is None:
                self.standings[name].silent(now, 0.0)
                self.choice.failed(name, "no answer")
                continue
            self.standings[name].answered()
            serial, expire = said if isinstance(said, tuple) else (said, None)
            self.choice.answered(name, serial, expire, now)
        return self.choice.verdict(NAMES, ours, now, self.standings)


def all_of(*names: str) -> Newer:
    return Newer([Source(name, True) for name in names])


def test_the_configured_order_counts_until_one_has_more() -> None:
    primaries = Primaries()
    primaries.serves = {"a": 5, "b": 6, "c": 7}
    assert primaries.round(5, T0) == all_of("b", "a", "c")
    assert primaries.asked == "ab", "the first may be stale itself; the third need not be asked"
    primaries.choice.took("b", 6, T0, None)
    primaries.serves = {"a": 7, "b": 7, "c": 7}
    assert primaries.round(6, T0) == all_of("a", "b", "c"), "back to the order, whoever was first"


def test_who_sent_a_notify_is_asked_first_once() -> None:
    primaries = Primaries()
    primaries.serves = {"a": 5, "b": 5, "c": 6}
    primaries.choice.prefer("c")
    assert primaries.round(5, T0) == all_of("c", "a", "b")
    assert primaries.asked == "c"
    primaries.choice.took("c", 6, T0, None)
    primaries.round(6, T0)
    assert primaries.asked == "abc"


def test_a_silent_one_rests_with_growing_pauses_and_is_asked_when_nobody_else_answers() -> None:
    primaries = Primaries()
    primaries.serves = {"b": 5, "c": 5}
    rounds, now = [], T0
    while now < T0 + 2000:
        primaries.round(5, now)
        if "a" in primaries.asked:
            rounds.append(now - T0)
        now += 1
    assert rounds[:6] == [0, 5, 15, 35, 75, 155]
    assert rounds[-1] - rounds[-2] == LAST_REST
    assert primaries.standings["a"].silent_since == T0
    primaries.serves = {}
    primaries.round(5, now)
    assert primaries.asked == "bca"
    primaries.serves = {"a": 5}
    primaries.round(5, now + 1)
    assert primaries.asked == "a", "it is back, and the others rest"
    assert primaries.standings["a"].silent_since is None


def test_zones_that_are_asked_for_together_make_no_longer_pause() -> None:
    standing = Standing()
    for _ in range(1000):
        standing.silent(T0, 0.0)
    assert standing.rests_until == T0 + 5


def test_nobody_newer() -> None:
    primaries = Primaries()
    primaries.serves = {"a": 4, "b": 5, "c": None}
    assert primaries.round(5, T0) == Same(None)
    primaries.serves = {"a": 4, "b": 3}
    assert primaries.round(5, T0 + 1000) == Behind("a", 4)
    primaries.serves = {}
    assert primaries.round(5, T0 + 2000) == Failed("a: no answer; b: no answer; c: no answer")


@pytest.mark.parametrize(
    ("said", "latest"),
    [
        ({"a": (5, 100), "b": (5, 300), "c": (5, 200)}, 300),
        ({"a": (5, 100), "b": 5}, None),
        ({"a": (5, 100), "b": (4, 900), "c": None}, 100),
    ],
)
def test_expire_is_the_latest_of_those_with_our_version(
    said: dict[str, tuple[int, int | None] | int | None], latest: int | None
) -> None:
    primaries = Primaries()
    primaries.serves = said
    assert primaries.round(5, T0) == Same(latest)


def test_a_serial_that_went_back_is_remembered_until_it_is_reached_again() -> None:
    primaries = Primaries()
    primaries.serves = {"a": 7, "b": 7}
    primaries.round(7, T0)
    said = primaries.choice.of("a")
    primaries.serves = {"a": 3, "b": 7}
    assert primaries.round(7, T0 + 1) == Same(None), "another has ours"
    assert (said.serial, said.back_from) == (3, 7)
    primaries.serves = {"a": 5, "b": 7}
    primaries.round(7, T0 + 2)
    assert said.back_from == 7
    primaries.serves = {"a": 8}
    primaries.round(7, T0 + 3)
    assert said.back_from is None
    primaries.choice.took("a", 2, T0 + 4, None)
    assert said.back_from is None, "an operator had it transferred"


def test_what_came_from_one_before_a_restart_it_went_back_from() -> None:
    choice = Choice()
    choice.had("a", 9)
    choice.answered("a", 4, None, T0)
    assert choice.of("a").back_from == 9


def pinned(tolerance: float = 60.0) -> Primaries:
    """A zone at serial 5 that came from b."""
    primaries = Primaries(tolerance)
    primaries.choice.took("b", 5, T0, None)
    return primaries


def test_a_pinned_zone_is_taken_from_its_primary_alone() -> None:
    primaries = pinned()
    primaries.serves = {"a": 6, "b": 6, "c": 7}
    assert primaries.round(5, T0) == all_of("b")
    assert primaries.asked == "b"


def test_a_pinned_zone_waits_out_the_tolerance_then_changes_as_a_whole() -> None:
    """Pitfall: deltas of two primaries never mix: from another one the whole zone is taken."""
    primaries = pinned()
    primaries.serves = {"a": 6, "b": (5, 900), "c": 6}
    assert primaries.round(5, T0) == Same(900, T0 + 60), "its own primary confirms it meanwhile"
    assert primaries.round(5, T0 + 59) == Same(900, T0 + 60)
    whole = Newer([Source("a", False), Source("c", False)])
    assert primaries.round(5, T0 + 60) == whole
    assert primaries.round(5, T0 + 61) == whole, "until it is transferred"
    primaries.choice.took("a", 6, T0 + 62, None)
    primaries.serves = {"a": 7, "b": 9, "c": 9}
    assert primaries.round(6, T0 + 63) == all_of("a"), "pinned anew"


def test_the_tolerance_starts_anew_once_the_pinned_one_caught_up() -> None:
    primaries = pinned()
    primaries.serves = {"a": 6, "b": 5}
    primaries.round(5, T0)
    primaries.serves = {"a": 6, "b": 6}
    assert primaries.round(5, T0 + 50) == all_of("b")
    primaries.choice.took("b", 6, T0 + 51, None)
    primaries.serves = {"a": 7, "b": 6}
    assert primaries.round(6, T0 + 55) == Same(None, T0 + 115)


def test_a_pinned_one_that_is_silent_or_behind_confirms_nothing() -> None:
    for serves, why in (({"a": 6, "b": None}, "no answer"), ({"a": 6, "b": 4}, "serial 4")):
        primaries = pinned()
        primaries.serves = serves
        verdict = primaries.round(5, T0)
        assert isinstance(verdict, Failed)
        assert verdict.until == T0 + 60
        assert f"b, which the zone is pinned to: {why}" in verdict.reason.replace("serves ", "")
        assert primaries.round(5, T0 + 60) == Newer([Source("a", False)])


def test_a_pinned_one_whose_transfers_fail_is_left_after_the_tolerance() -> None:
    primaries = pinned()
    primaries.serves = {"a": 6, "b": 6, "c": 6}
    assert primaries.round(5, T0) == all_of("b")
    later = Newer([Source("b", True), Source("a", False), Source("c", False)])
    assert primaries.round(5, T0 + 60) == later


def test_without_data_any_primary_will_do() -> None:
    primaries = pinned()
    primaries.serves = {"a": 3, "b": 5}
    assert primaries.choice.sources(NAMES, T0, primaries.standings)[0] == Source("b", True)
    primaries.choice.pinned = "gone from the configuration"
    assert primaries.round(2, T0) == all_of("a", "b", "c")
