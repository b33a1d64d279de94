"""When zones are due: the earliest moment counts, and a year of them leaves nothing behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from zonecast.server.pulling.agenda import SLACK, Agenda


def test_the_earliest_moment_counts_once() -> None:
    agenda = Agenda()
    assert agenda.put(b"a", 10)
    assert not agenda.put(b"a", 20)
    assert agenda.put(b"a", 5)
    assert agenda.put(b"b", 7)
    assert agenda.next == 5
    assert list(agenda.due(4)) == []
    assert list(agenda.due(30)) == [b"a", b"b"]
    assert list(agenda.due(30)) == []


def test_what_is_put_in_meanwhile_comes_too() -> None:
    agenda = Agenda()
    agenda.put(b"a", 1)
    seen = []
    for key in agenda.due(10):
        seen.append(key)
        if len(seen) < 3:
            agenda.put(key, 10)
    assert seen == [b"a"] * 3


def test_a_year_of_checks_and_notifies_leaves_nothing_behind() -> None:
    agenda = Agenda()
    zones = [b"%d" % number for number in range(10)]
    for zone in zones:
        agenda.put(zone, 0)
    now = 0.0
    for _ in range(20_000):
        now += 1800
        for zone in zones[:3]:
            agenda.put(zone, now)
        for zone in agenda.due(now):
            agenda.put(zone, now + 3 * 86400)
            agenda.put(zone, now + 7200)
        assert len(agenda) <= 2 * len(zones) + SLACK


@given(st.lists(st.tuples(st.sampled_from([b"a", b"b", b"c"]), st.integers(0, 50), st.booleans())))
def test_it_says_what_a_dictionary_would(steps: list[tuple[bytes, int, bool]]) -> None:
    agenda, plain = Agenda(), {}  # type: ignore[var-annotated]
    for key, moment, look in steps:
        if look:
            found = list(agenda.due(moment))
            expected = [one for one, at in plain.items() if at <= moment]
            assert sorted(found) == sorted(expected)
            for one in expected:
                del plain[one]
        else:
            agenda.put(key, moment)
            plain[key] = min(moment, plain.get(key, moment))
