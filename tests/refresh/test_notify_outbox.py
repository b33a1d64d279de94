"""Who is told what, when, and how often."""

from __future__ import annotations

import itertools

from zonecast.protocol.notify import Due, Outbox

T0 = 1_700_000_000.0
A, B = b"\x01a\x00", b"\x01b\x00"


def test_told_until_answered_with_growing_pauses() -> None:
    outbox = Outbox()
    outbox.announce("ns2", A, 5, T0)
    sent = []
    while len(sent) < 13:
        deadline = outbox.deadline()
        assert deadline is not None
        assert outbox.due(deadline - 0.001) == []
        assert outbox.due(deadline) == [Due("ns2", A, 5)]
        sent.append(deadline - T0)
    assert [b - a for a, b in itertools.pairwise(sent)] == [
        2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900,
    ]  # fmt: skip
    outbox.answered("ns2", A, 5)
    assert outbox.deadline() is None
    assert outbox.due(T0 + 10**6) == []


def test_a_newer_version_takes_the_place_of_an_older_one() -> None:
    outbox = Outbox()
    outbox.announce("ns2", A, 5, T0)
    outbox.announce("ns2", A, 6, T0)
    assert outbox.due(T0) == [Due("ns2", A, 6)]
    outbox.announce("ns2", A, 7, T0 + 1)
    outbox.answered("ns2", A, 6)
    assert outbox.waiting(A) == {"ns2": 7}
    assert outbox.due(T0 + 1) == [Due("ns2", A, 7)]
    assert outbox.due(T0 + 2) == [], "the older one's retry is gone"


def test_an_answer_to_what_was_not_sent_yet_clears_nothing() -> None:
    outbox = Outbox()
    outbox.announce("ns2", A, 5, T0)
    outbox.answered("ns2", A, 5)
    assert outbox.due(T0) == [Due("ns2", A, 5)]


def test_a_silent_secondary_delays_no_other() -> None:
    outbox = Outbox()
    for serial in range(1, 50):
        now = T0 + 10 * serial
        outbox.announce("dead", A, serial, now)
        outbox.announce("ns2", A, serial, now)
        assert Due("ns2", A, serial) in outbox.due(now)
        outbox.answered("ns2", A, serial)
    assert outbox.waiting(A) == {"dead": 49}


def test_a_burst_is_sent_in_portions() -> None:
    outbox = Outbox()
    for number in range(250):
        outbox.announce("ns2", b"\x03%03d\x00" % number, 1, T0)
    portions = [len(outbox.due(T0)) for _ in range(4)]
    assert portions == [100, 100, 50, 0]
    assert outbox.deadline() == T0 + 2


def test_a_zone_that_is_gone_is_not_told() -> None:
    outbox = Outbox()
    outbox.announce("ns2", A, 5, T0)
    outbox.announce("ns2", B, 5, T0)
    outbox.forget(A)
    assert outbox.due(T0) == [Due("ns2", B, 5)]
    assert outbox.waiting(A) == {}
