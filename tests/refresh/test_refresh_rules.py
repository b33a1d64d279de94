"""What each answer does to a zone's timers."""

from __future__ import annotations

import json

import pytest

from zonecast.protocol.refresh import (
    Bounds,
    Expire,
    Phase,
    Poll,
    Refresh,
    Timers,
    Transfer,
    Wait,
)

T0 = 1_700_000_000.0
TIMERS = Timers(3600, 600, 86400)


def fresh(serial: int = 5, at: float = T0) -> Refresh:
    """A zone that was transferred at `at`."""
    machine = Refresh(at)
    assert machine.act(at) == Transfer(False)
    machine.transferred(serial, TIMERS, at, 0.0)
    assert machine.act(at) == Wait(at + 3600)
    return machine


def test_without_data_the_zone_is_transferred_with_growing_pauses() -> None:
    """Pitfall: a zone that was never there has no timers."""
    machine = Refresh(T0)
    now, pauses = T0, []
    for _ in range(13):
        assert machine.act(now) == Transfer(False)
        assert machine.act(now) == Wait(None), "one thing at a time"
        machine.failed(now, 0.0, "no answer")
        until = machine.act(now).until  # type: ignore[union-attr]
        pauses.append(until - now)
        now = until
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[-2:] == [900, 900]
    assert machine.trouble == "no answer"
    assert machine.expires_at is None


def test_unchanged_restarts_refresh_and_renews_expiry() -> None:
    """Pitfall: an answer without news is an answer."""
    machine = fresh()
    assert machine.act(T0 + 3600) == Poll()
    machine.unchanged(T0 + 3601, 0.0)
    assert machine.expires_at == T0 + 3601 + 86400
    assert machine.act(T0 + 3601) == Wait(T0 + 3601 + 3600)


def test_newer_leads_to_a_transfer_and_a_failed_one_to_the_retry_timer() -> None:
    machine = fresh()
    machine.act(T0 + 3600)
    machine.newer()
    assert machine.act(T0 + 3601) == Transfer(False)
    machine.failed(T0 + 3602, 0.0, "broken")
    assert machine.act(T0 + 3602) == Wait(T0 + 3602 + 600)
    assert machine.expires_at == T0 + 86400, "a failure renews nothing"
    assert machine.act(T0 + 3602 + 600) == Poll()


def test_backwards_renews_nothing_and_is_told() -> None:
    """Pitfall: a serial that went backwards is none."""
    machine = fresh()
    machine.act(T0 + 3600)
    machine.backwards(3, T0 + 3600, 0.0)
    assert machine.expires_at == T0 + 86400
    assert machine.act(T0 + 3600) == Wait(T0 + 4200)
    assert "serial 3" in str(machine.trouble)
    assert "retransfer" in str(machine.trouble)
    machine.act(T0 + 4200)
    machine.unchanged(T0 + 4200, 0.0)
    assert machine.trouble is None


def test_expiry_is_said_once_and_data_and_checks_stay() -> None:
    machine = fresh()
    assert machine.act(T0 + 86400) == Expire()
    assert machine.expired
    assert machine.act(T0 + 86400) == Poll(), "it goes on asking"
    machine.failed(T0 + 86401, 0.0, "no answer")
    assert machine.act(T0 + 86401) == Wait(T0 + 86401 + 600)
    assert machine.serial == 5
    machine.act(T0 + 90000)
    machine.unchanged(T0 + 90000, 0.0)
    assert not machine.expired
    assert machine.expires_at == T0 + 90000 + 86400


def test_expiry_comes_while_a_transfer_hangs() -> None:
    machine = fresh()
    machine.act(T0 + 3600)
    machine.newer()
    machine.act(T0 + 3600)
    assert machine.phase is Phase.TRANSFERRING
    assert machine.act(T0 + 3700) == Wait(T0 + 86400)
    assert machine.act(T0 + 86400) == Expire()
    assert machine.act(T0 + 86400) == Wait(None)


def test_notify_brings_the_check_forward() -> None:
    machine = fresh()
    assert not machine.notified(5, T0 + 10), "we have it"
    assert not machine.notified(4, T0 + 10)
    assert machine.act(T0 + 10) == Wait(T0 + 3600)
    assert machine.notified(6, T0 + 10)
    assert machine.act(T0 + 10) == Poll()
    machine.unchanged(T0 + 10, 0.0)
    assert machine.notified(None, T0 + 20)
    assert machine.act(T0 + 20) == Poll()


def test_notify_ahead_of_what_the_primary_serves_does_not_loop() -> None:
    """Pitfall: a promise that the primary does not keep."""
    machine = fresh()
    machine.notified(9, T0 + 10)
    checks = []
    now = T0 + 10
    while now < T0 + 20000:
        action = machine.act(now)
        if isinstance(action, Poll):
            checks.append(now - T0)
            machine.unchanged(now, 0.0)
        else:
            now = action.until  # type: ignore[union-attr]
    assert checks == [10, 610, 4210, 7810, 11410, 15010, 18610]


def test_notifies_during_a_transfer_become_one_check_after_it() -> None:
    """Pitfall: NOTIFYs coalesce while a transfer runs."""
    machine = fresh()
    machine.notified(6, T0 + 10)
    machine.act(T0 + 10)
    machine.newer()
    assert machine.act(T0 + 10) == Transfer(False)
    for serial in (7, 8, 7):
        machine.notified(serial, T0 + 11)
    assert machine.act(T0 + 11) == Wait(T0 + 86400)
    machine.transferred(6, TIMERS, T0 + 12, 0.0)
    assert machine.act(T0 + 12) == Poll()
    machine.newer()
    machine.act(T0 + 12)
    machine.transferred(8, TIMERS, T0 + 13, 0.0)
    assert machine.act(T0 + 13) == Wait(T0 + 13 + 3600)


def test_a_notify_for_what_the_transfer_brought_needs_no_check() -> None:
    machine = fresh()
    machine.notified(6, T0 + 10)
    machine.act(T0 + 10)
    machine.newer()
    machine.act(T0 + 10)
    machine.notified(7, T0 + 11)
    machine.transferred(7, TIMERS, T0 + 12, 0.0)
    assert machine.act(T0 + 12) == Wait(T0 + 12 + 3600)


def test_a_flood_of_notifies_does_not_become_a_flood_of_polls() -> None:
    machine = fresh()
    polls = 0
    for step in range(1000):
        now = T0 + 10 + step / 1000
        machine.notified(100 + step, now)
        if isinstance(machine.act(now), Poll):
            polls += 1
            machine.unchanged(now, 0.0)
    assert polls <= 5


def test_a_failed_transfer_that_a_notify_caused_waits_for_retry() -> None:
    """Pitfall: a NOTIFY that cannot be followed is followed again by the retry timer, not at
    once."""
    machine = fresh()
    machine.notified(6, T0 + 10)
    machine.act(T0 + 10)
    machine.newer()
    machine.act(T0 + 10)
    machine.failed(T0 + 11, 0.0, "broken")
    assert machine.act(T0 + 11) == Wait(T0 + 611)


def test_retransfer_is_forced_even_when_asked_for_during_a_transfer() -> None:
    machine = fresh()
    machine.retransfer()
    assert machine.act(T0 + 1) == Transfer(True)
    machine.retransfer()
    assert machine.act(T0 + 1) == Wait(T0 + 86400)
    machine.transferred(3, TIMERS, T0 + 2, 0.0)
    assert machine.serial == 3
    assert machine.act(T0 + 2) == Transfer(True)
    machine.failed(T0 + 3, 0.0, "broken")
    assert machine.act(T0 + 3) == Wait(T0 + 603)


def test_a_late_answer_to_a_poll_spoils_nothing() -> None:
    machine = fresh()
    machine.act(T0 + 3600)
    machine.retransfer()
    machine.unchanged(T0 + 3601, 0.0)
    assert machine.act(T0 + 3601) == Transfer(True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (Timers(0, 0, 0), Timers(2, 1, 3)),
        (Timers(3600, 600, 60), Timers(3600, 600, 4200)),
        (Timers(2**32 - 1, 2**32 - 1, 2**32 - 1), Timers(28 * 86400, 14 * 86400, 168 * 86400)),
    ],
)
def test_timers_stay_within_bounds(given: Timers, kept: Timers) -> None:
    """Pitfall: a SOA with tiny timers, and one that would never expire."""
    assert Bounds().clamp(given) == kept


def test_jitter_takes_up_to_a_tenth_off() -> None:
    """Pitfall: thousands of zones that ask at one moment."""
    for jitter, refresh in ((0.0, 3600.0), (0.5, 3420.0), (1.0, 3240.0)):
        machine = Refresh(T0)
        machine.act(T0)
        machine.transferred(5, TIMERS, T0, jitter)
        assert machine.check_at == pytest.approx(T0 + refresh)


def test_the_expire_option() -> None:
    """Pitfall: two secondaries of each other would never expire (RFC 7314)."""
    machine = fresh()
    machine.act(T0 + 3600)
    machine.unchanged(T0 + 3600, 0.0, expire_option=1000)
    assert machine.expires_at == T0 + 86400, "the later of option and current"
    machine.act(T0 + 7200)
    machine.unchanged(T0 + 7200, 0.0, expire_option=10**9)
    assert machine.expires_at == T0 + 7200 + 86400, "never above the SOA's"
    machine.transferred(6, TIMERS, T0 + 8000, 0.0, expire_option=1000)
    assert machine.expires_at == T0 + 9000, "on a transfer the option"


def test_a_restart_forgets_no_expiry() -> None:
    machine = fresh()
    machine.act(T0 + 3600)
    kept = json.loads(json.dumps(machine.to_dict()))
    later = Refresh.from_dict(kept, T0 + 86000)
    assert later.phase is Phase.IDLE
    assert later.act(T0 + 86000) == Poll()
    assert later.act(T0 + 86400) == Expire()
    expired = Refresh.from_dict(later.to_dict(), T0 + 86500)
    assert expired.expired
    assert expired.act(T0 + 86500) == Poll(), "and does not say so again"
    assert later.to_dict() == Refresh.from_dict(later.to_dict(), T0 + 86400).to_dict()


def test_a_clock_set_back_does_not_put_a_zone_to_sleep() -> None:
    machine = fresh(at=T0 + 10**8)
    later = Refresh.from_dict(machine.to_dict(), T0)
    assert later.act(T0) == Wait(T0 + 3600)
    assert later.expires_at == T0 + 86400


def test_a_zone_in_the_store_without_timers_is_checked_and_expires_by_its_age() -> None:
    machine = Refresh.stored(5, TIMERS, T0 - 86000, T0)
    assert machine.act(T0) == Poll()
    assert machine.act(T0 + 400) == Expire()
