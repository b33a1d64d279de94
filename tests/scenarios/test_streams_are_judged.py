"""Every stream of the files beside this, through the receiver without sockets: each wrong one is
refused for its own reason, however its records lie in messages; each odd but right one is taken."""

from __future__ import annotations

import itertools
import time

import pytest
from streams import KEY, Stream, script, streams, version
from transfer_support import content

from zonecast.errors import ZonecastError
from zonecast.protocol.question import axfr_query, ixfr_query
from zonecast.protocol.transfer_in import Changesets, Limits, TransferIn, UpToDate, WholeZone
from zonecast.protocol.tsig import sign_request
from zonecast.zone import names
from zonecast.zone.changeset import apply
from zonecast.zone.rrset import Zone
from zonecast.zone.serial import is_greater

ORIGIN = names.from_text("example.com.")


def received(stream: Stream) -> Zone:
    """The zone that we have after the stream; raises what its receiver does, and what its caller
    says where it comes to no end or leads back."""
    held = version(stream.held, ORIGIN)
    serial = stream.serial
    query = axfr_query(7, ORIGIN) if serial is None else ixfr_query(7, ORIGIN, serial)
    checker = None
    if stream.key:
        query, checker = sign_request(query, KEY, time.time())
    transfer = TransferIn(ORIGIN, 7, serial, Limits(**stream.limits))
    result = None
    for message in script(stream, query):
        assert isinstance(message, bytes)
        if checker is not None:
            message = checker.check(message, time.time())
        result = transfer.feed(message)
    if result is None:
        raise ZonecastError("closed the connection before the end")
    if checker is not None:
        checker.finish()
    new = _outcome(result, held)
    assert new is not None
    assert new.serial is not None
    if serial not in (None, new.serial) and not is_greater(new.serial, serial):
        raise ZonecastError(f"serial {new.serial}, which is not greater than our {serial}")
    return new


def _outcome(result: object, held: Zone | None) -> Zone | None:
    if isinstance(result, WholeZone):
        return result.zone
    assert held is not None
    if isinstance(result, UpToDate):
        return held if result.soa == held.soa else Zone(ORIGIN, {result.soa.key: result.soa})
    assert isinstance(result, Changesets)
    for changeset in result.changesets:
        held = apply(held, changeset)
    return held


WRONG = [*streams("axfr"), *streams("ixfr"), *streams("signed")]
ODD = streams("tolerated")


@pytest.mark.parametrize("stream", WRONG, ids=lambda stream: stream.name)
def test_a_wrong_stream_is_refused_for_its_reason(stream: Stream) -> None:
    assert stream.says
    with pytest.raises(ZonecastError, match=stream.says):
        received(stream)


@pytest.mark.parametrize("stream", ODD, ids=lambda stream: stream.name)
def test_an_odd_stream_is_taken(stream: Stream) -> None:
    new = received(stream)
    wanted = version(stream.gives, ORIGIN)
    assert wanted is not None
    assert content(new) == content(wanted)


@pytest.mark.parametrize("stream", streams("unsound"), ids=lambda stream: stream.name)
def test_a_version_that_nobody_may_serve_is_understood(stream: Stream) -> None:
    """It is not the stream that is wrong: what to do with its zone is for who stores it."""
    assert received(stream).soa is not None


@pytest.mark.parametrize("stream", ODD, ids=lambda stream: stream.name)
def test_an_odd_stream_has_no_result_before_its_end(stream: Stream) -> None:
    """Cut after any message, nothing of it is there; what comes after its end is refused."""
    serial = stream.serial
    query = axfr_query(7, ORIGIN) if serial is None else ixfr_query(7, ORIGIN, serial)
    if stream.key:
        query, _ = sign_request(query, KEY, time.time())
    unsigned = Stream(stream.name, stream.held, stream.messages)
    transfer = TransferIn(ORIGIN, 7, serial)
    messages = list(script(unsigned, query[: 12 + len(ORIGIN) + 4]))
    results = [transfer.feed(message) for message in messages if isinstance(message, bytes)]
    assert [result is None for result in results] == [True] * (len(results) - 1) + [False]
    last = next(itertools.islice(reversed(messages), 1))
    assert isinstance(last, bytes)
    with pytest.raises(ZonecastError, match="after the end"):
        transfer.feed(last)
