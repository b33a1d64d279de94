"""Octets that are nearly messages raise what the functions say, and nothing else."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_support import KEY_NAME, KEY_SECRET, ORIGIN, message, rrset, soa, wire

from zonecast.errors import WireError
from zonecast.protocol.notify import build_notify, check_notify_reply, parse_notify
from zonecast.protocol.question import (
    NotAnAnswerError,
    client_serial,
    ixfr_query,
    read_soa_answer,
)
from zonecast.protocol.transfer_in import TransferError, TransferIn
from zonecast.protocol.tsig import (
    Failure,
    TsigError,
    Verified,
    has_tsig,
    make_key,
    sign_request,
    verify,
)

KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)
STREAM = message(
    [
        *wire(soa(2)),
        *wire(rrset("a", "SRV", 1, "1 2 3 b"), rrset("a", "NAPTR", 1, '1 2 "u" "x" "" b')),
        *wire(rrset("b", "RRSIG", 1, "A 8 2 60 20300101000000 20200101000000 1 b c2ln")),
        *wire(soa(2)),
    ]
)
SEEDS = [
    STREAM,
    ixfr_query(7, ORIGIN, 5),
    build_notify(7, ORIGIN, soa(3)),
    sign_request(ixfr_query(7, ORIGIN, 5), KEY, 1000.0)[0],
]


@st.composite
def nearly(draw: st.DrawFn) -> bytes:
    """One of the seeds with a few octets changed, perhaps cut, perhaps continued."""
    octets = bytearray(draw(st.sampled_from(SEEDS)))
    for _ in range(draw(st.integers(0, 4))):
        place = draw(st.integers(0, len(octets) - 1))
        octets[place] = draw(
            st.sampled_from([0, 1, 3, 12, 63, 64, 128, 192, 255, octets[place] ^ 1])
        )
    end = draw(st.integers(12, len(octets)) | st.just(len(octets)))
    return bytes(octets[:end]) + draw(st.binary(max_size=3))


def check(octets: bytes) -> None:
    _, checker = sign_request(ixfr_query(7, ORIGIN, 5), KEY, 1000.0)
    checker.check(octets, 1000.0)


READERS: list[Callable[[bytes], object]] = [
    lambda octets: TransferIn(ORIGIN, 7, None).feed(octets),
    lambda octets: TransferIn(ORIGIN, 7, 1).feed(octets),
    client_serial,
    parse_notify,
    lambda octets: check_notify_reply(octets, 7),
    lambda octets: read_soa_answer(octets, 7, ORIGIN),
    check,
]


@settings(max_examples=150, deadline=None)
@given(nearly())
def test_readers_raise_what_they_say(octets: bytes) -> None:
    for read in READERS:
        try:
            read(octets)
        except (WireError, TransferError, TsigError, NotAnAnswerError):
            pass
    assert has_tsig(octets) in (True, False)
    result = verify(octets, {KEY.name: KEY}, 1000.0)
    if isinstance(result, Failure):
        assert result.reply(octets)[:2] == octets[:2]
    else:
        assert isinstance(result, Verified)
        assert octets[2:] == SEEDS[3][2:], "nothing else is what was signed"


@pytest.mark.parametrize("size", range(12))
def test_less_than_a_header(size: int) -> None:
    assert not has_tsig(bytes(size))
    with pytest.raises(WireError):
        parse_notify(bytes(size))
