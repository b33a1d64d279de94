"""Who is told what, when, and how often; and when a secondary is asked whether it has it."""

from __future__ import annotations

import itertools

from zonecast.protocol.convergence import LOOKS, LOOKS_TO_TELL_AGAIN, Convergence, Step

A, B = b"\x01a\x00", b"\x01b\x00"
T0 = 1000.0


def next_steps(course: Convergence) -> tuple[float, list[Step]]:
    """What is due next, and when; nothing is before."""
    while True:
        at = course.deadline()
        assert at is not None, "nothing is due any more"
        assert course.due(at - 0.001) == []
        if steps := course.due(at):
            return at, steps


def tell(course: Convergence, origin: bytes, serial: int, at: float) -> None:
    """The NOTIFY goes out and is answered at once."""
    step = Step(True, origin, serial)
    assert step in course.due(at)
    course.answered(step, at)


def test_a_refused_notify_is_sent_again_with_growing_pauses() -> None:
    """Pitfall: a NOTIFY is sent until it is answered."""
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    sent: list[float] = []
    while len(sent) < 14:
        now, steps = next_steps(course)
        for step in steps:
            sent += [now] if step.notify else []
            course.failed(step, now, silent=False)
    assert [round(b - a, 6) for a, b in itertools.pairwise(sent)] == [
        1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900,
    ]  # fmt: skip


def test_told_and_then_asked_until_it_has_it() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    tell(course, A, 5, T0)
    now, times = T0, [T0]
    for serial in (4, 4, 4, 5):
        now, steps = next_steps(course)
        assert steps == [Step(False, A, 5)]
        assert course.seen(steps[0], serial, now) == (serial == 5)
        times.append(now)
    assert [round(b - a, 6) for a, b in itertools.pairwise(times)] == list(LOOKS[:4])
    assert course.deadline() is None
    assert len(course) == 0


def test_one_that_has_the_version_is_told_no_more() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    (notify,) = course.due(T0)
    course.failed(notify, T0, silent=False)
    now, (look,) = next_steps(course)
    assert course.seen(look, 5, now)
    assert course.deadline() is None


def test_one_that_answers_and_then_forgets_is_told_again() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    tell(course, A, 5, T0)
    for _ in range(LOOKS_TO_TELL_AGAIN):
        now, steps = next_steps(course)
        assert steps == [Step(False, A, 5)]
        course.seen(steps[0], 4, now)
    assert next_steps(course)[1] == [Step(True, A, 5)]


def test_a_newer_version_takes_the_place_of_an_older_one() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    course.announce(A, 6, T0)
    assert course.due(T0) == [Step(True, A, 6)]
    course.announce(A, 7, T0 + 0.01)
    assert course.due(T0 + 0.01) == [], "one NOTIFY of a zone at a time"
    course.answered(Step(True, A, 6), T0 + 0.02)
    assert course.due(T0 + 0.02) == [Step(True, A, 7)]
    course.answered(Step(True, A, 7), T0 + 0.03)
    now, steps = next_steps(course)
    assert steps == [Step(False, A, 7)]
    assert not course.seen(steps[0], 6, now), "the older one is not what it is to have"
    now, steps = next_steps(course)
    assert course.seen(steps[0], 7, now)
    assert course.deadline() is None


def test_a_zone_that_is_known_already_is_looked_at_alone() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0, tell=False)
    assert next_steps(course) == (T0 + LOOKS[0], [Step(False, A, 5)])


def test_a_zone_that_is_gone_is_not_told() -> None:
    course = Convergence(rate=100)
    course.announce(A, 5, T0)
    course.announce(B, 5, T0)
    course.forget(A)
    assert course.due(T0) == [Step(True, B, 5)]
    course.forget(B)
    course.answered(Step(True, B, 5), T0)
    assert course.deadline() is None
