"""Streams that a transfer's receiver must refuse, each by name, and give no result for."""

from __future__ import annotations

import struct

import pytest
from transfer_support import ORIGIN, message, rrset, soa, wire

from zonecast.protocol.transfer_in import Limits, TransferError, TransferIn

A1 = rrset("a", "A", 300, "192.0.2.1")
A2 = rrset("a", "A", 300, "192.0.2.2")
NS = rrset("@", "NS", 300, "ns1")
S1, S2, S3 = (wire(soa(serial)) for serial in (1, 2, 3))
AXFR_2 = [*S2, *wire(NS, A1), *S2]
IXFR_1_2 = [*S2, *S1, *wire(A1), *S2, *wire(A2), *S2]


def raw(owner: bytes, rtype: int, rdata: bytes, rclass: int = 1, ttl: int = 300) -> bytes:
    return owner + b"\xc0\x0c" + struct.pack(">HHIH", rtype, rclass, ttl, len(rdata)) + rdata


# name: (serial in the query, messages, what the error says)
WRONG = {
    "no SOA first": (None, [message(wire(A1) + S2)], "does not begin with a SOA"),
    "last SOA has another serial": (None, [message([*S2, *wire(A1), *S3])], "differs"),
    "last SOA has other timers": (
        None,
        [message([*S2, *wire(A1), *wire(soa(2, minimum=9))])],
        "differs",
    ),
    "records after the last SOA": (None, [message([*AXFR_2, *wire(A2)])], "after the end"),
    "a SOA after the last SOA": (None, [message([*AXFR_2, *S2])], "after the end"),
    "a message after the end": (None, [message(AXFR_2), message(S2)], "after the end"),
    "SOA below the apex": (
        None,
        [message([*S2, raw(b"\x03sub", 6, soa(2).rdatas[0]), *S2])],
        "not at the zone's apex",
    ),
    "refused": (None, [message([], flags=0x8405)], "REFUSED"),
    "SERVFAIL in the middle": (
        None,
        [message([*S2, *wire(A1)]), message([], flags=0x8402)],
        "SERVFAIL",
    ),
    "truncated": (None, [message(AXFR_2, flags=0x8600)], "truncated"),
    "another identifier": (None, [message(AXFR_2, query_id=8)], "another identifier"),
    "a query": (None, [message(AXFR_2, flags=0x0400)], "not the answer to a query"),
    "another opcode": (None, [message(AXFR_2, flags=0xA400)], "not the answer to a query"),
    "another question": (None, [message(AXFR_2, "SOA")], "another question"),
    "first message without question": (
        None,
        [message([record.replace(b"\xc0\x0c", ORIGIN) for record in AXFR_2], repeat=0)],
        "0 questions",
    ),
    "two questions": (None, [message(AXFR_2, repeat=2)], "2 questions"),
    "no records": (None, [message(S2), message([])], "without records"),
    "more records promised than sent": (None, [message(AXFR_2, count=9)], "past the end"),
    "record cut short": (None, [message([*S2, wire(A1)[0][:-1]])], "past the end"),
    "class CHAOS": (None, [message([*S2, raw(b"\x01a", 1, b"\x01" * 4, rclass=3)])], "class 3"),
    "an address of five octets": (None, [message([*S2, raw(b"\x01a", 1, b"12345")])], "length"),
    "octets after a name": (None, [message([*S2, raw(b"", 2, b"\xc0\x0cxx")])], "length"),
    "SOA without timers": (None, [message([raw(b"", 6, b"\x00\x00" + b"\x00" * 9)])], "length"),
    "pointer that loops": (None, [message([*S2, raw(b"", 2, b"\xc0\xff")])], "backwards"),
    "OPT among the records": (None, [message([*S2, raw(b"", 41, b"")])], "no zone holds"),
    "IXFR from a serial that is not ours": (1, [message([*S3, *S2], "IXFR")], "begin at serial 2"),
    "IXFR with a gap between changesets": (
        1,
        [message([*S3, *S1, *S2, *wire(A2), *wire(soa(9)), *S3], "IXFR")],
        "ends at serial 2, the next begins at 9",
    ),
    "IXFR that ends before the promised serial": (
        1,
        [message([*S3, *S1, *S2, *wire(A2), *S3], "IXFR")],
        "ends at serial 2, the next begins at 3",
    ),
    "IXFR backwards": (3, [message([*S1, *wire(soa(3)), *S1, *S1], "IXFR")], "greater serial"),
    "IXFR with records after its end": (
        1,
        [message([*IXFR_1_2, *wire(A1)], "IXFR")],
        "after the end",
    ),
    "message after up to date": (2, [message(S2, "IXFR"), message(S2, "IXFR")], "after the end"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_stream_is_refused(name: str) -> None:
    serial, messages, says = WRONG[name]
    transfer = TransferIn(ORIGIN, 7, serial)
    for good in messages[:-1]:
        transfer.feed(good)
    with pytest.raises(TransferError, match=says):
        transfer.feed(messages[-1])


@pytest.mark.parametrize("limits", [Limits(octets=100), Limits(records=3)])
def test_more_than_the_limit_is_refused(limits: Limits) -> None:
    with pytest.raises(TransferError, match="more than"):
        TransferIn(ORIGIN, 7, None, limits).feed(message(AXFR_2))


def test_the_primarys_rcode_is_told() -> None:
    with pytest.raises(TransferError) as caught:
        TransferIn(ORIGIN, 7, 1).feed(message([], "IXFR", flags=0x8404))
    assert caught.value.rcode == 4


@pytest.mark.parametrize("stream", [AXFR_2, IXFR_1_2], ids=["axfr", "ixfr"])
def test_a_stream_cut_at_any_record_has_no_result(stream: list[bytes]) -> None:
    """However the records are spread over messages, nothing comes before the last one."""
    kind, serial = ("AXFR", None) if stream is AXFR_2 else ("IXFR", 1)
    for cut in range(1, len(stream)):
        transfer = TransferIn(ORIGIN, 7, serial)
        assert transfer.feed(message(stream[:cut], kind)) is None
        result = transfer.feed(message(stream[cut:], kind))
        assert result is not None
    transfer = TransferIn(ORIGIN, 7, serial)
    results = [transfer.feed(message([record], kind)) for record in stream]
    assert [result is None for result in results] == [True] * (len(stream) - 1) + [False]
