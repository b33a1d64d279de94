"""SOA polls over real sockets, against servers that do as the test says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest
from peers import free_port

from zonecast.protocol.tsig import TsigError, Verified, make_key, verify
from zonecast.server.query import QueryError, ask_soa
from zonecast.zone.names import from_text
from zonecast.zone.rrset import RRset, soa_serial

ORIGIN = from_text("example.com.")
KEY = make_key("xfr.example.", "hmac-sha256", "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3QsIHRoYXQgaXM=")
SOA = "example.com. 300 IN SOA ns1.example.com. host.example.com. 42 3600 600 86400 300"

Answer = Callable[[bytes, bool], list[bytes]]  # (query, over TCP) → what is sent back


def reply(query: bytes, serial: int = 42, **changes: object) -> bytes:
    made = dns.message.make_response(dns.message.from_wire(query))
    made.flags |= dns.flags.AA
    name, ttl, rdclass, rtype, *rest = SOA.replace(" 42 ", f" {serial} ").split(" ")
    made.answer = [dns.rrset.from_text(name, int(ttl), rdclass, rtype, " ".join(rest))]
    for attribute, value in changes.items():
        setattr(made, attribute, value)
    return made.to_wire()


class Server(asyncio.DatagramProtocol):
    """One port, UDP and TCP."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.seen: list[bool] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.seen.append(False)
        for one in self.answer(data, False):
            self.transport.sendto(one, addr)  # type: ignore[attr-defined]

    async def stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.seen.append(True)
        size = int.from_bytes(await reader.readexactly(2), "big")
        for one in self.answer(await reader.readexactly(size), True):
            writer.write(len(one).to_bytes(2, "big") + one)
        writer.close()


async def served(answer: Answer, ask: Callable[[int], object]) -> tuple[object, Server]:
    server = Server(answer)
    loop = asyncio.get_running_loop()
    port = free_port()
    tcp = await asyncio.start_server(server.stream, "127.0.0.1", port)
    udp, _ = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", port))
    try:
        return await ask(port), server  # type: ignore[misc]
    finally:
        udp.close()
        tcp.close()


def poll(answer: Answer, timeout: float = 5.0, key: object = None) -> tuple[RRset, Server]:
    return asyncio.run(  # type: ignore[return-value]
        served(answer, lambda port: ask_soa(ORIGIN, "127.0.0.1", port, key, timeout))  # type: ignore[arg-type]
    )


def test_the_soa_is_read() -> None:
    soa, server = poll(lambda query, tcp: [reply(query)])
    assert soa_serial(soa.rdatas[0]) == 42
    assert (soa.owner, soa.rtype, soa.ttl) == (b"", 6, 300)
    assert server.seen == [False]


def test_a_truncated_answer_is_asked_again_over_tcp() -> None:
    def answer(query: bytes, tcp: bool) -> list[bytes]:
        flags = dns.flags.QR | dns.flags.AA
        return [reply(query) if tcp else reply(query, flags=flags | dns.flags.TC, answer=[])]

    soa, server = poll(answer)
    assert soa_serial(soa.rdatas[0]) == 42
    assert server.seen == [False, True]


def test_what_is_refused_is_asked_again_over_tcp() -> None:
    """Knot answers for a catalog zone that way, and refuses without a signature."""
    refusal = {"flags": dns.flags.QR | dns.rcode.REFUSED, "answer": []}

    def plain(query: bytes, tcp: bool) -> list[bytes]:
        return [reply(query) if tcp else reply(query, **refusal)]

    def keyed(query: bytes, tcp: bool) -> list[bytes]:
        verified = verify(query, {KEY.name: KEY}, time.time())
        assert isinstance(verified, Verified)
        return [signed(query) if tcp else reply(verified.message, **refusal)]

    for answer, key in ((plain, None), (keyed, KEY)):
        soa, server = poll(answer, key=key)
        assert soa_serial(soa.rdatas[0]) == 42
        assert server.seen == [False, True]


def test_what_answers_something_else_is_dropped() -> None:
    def answer(query: bytes, tcp: bool) -> list[bytes]:
        wrong_id = bytes((query[0] ^ 1,)) + query[1:]
        other = dns.message.make_query("example.org.", "SOA", id=int.from_bytes(query[:2], "big"))
        return [b"short", reply(wrong_id, 1), query, reply(other.to_wire(), 2), reply(query)]

    soa, _ = poll(answer)
    assert soa_serial(soa.rdatas[0]) == 42


def test_a_lost_datagram_is_sent_again() -> None:
    times: list[float] = []

    def answer(query: bytes, tcp: bool) -> list[bytes]:
        times.append(time.monotonic())
        return [] if len(times) == 1 else [reply(query)]

    soa, _ = poll(answer, 0.6)
    assert soa_serial(soa.rdatas[0]) == 42
    assert 0.15 < times[1] - times[0] < 0.5


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"flags": dns.flags.QR | dns.rcode.SERVFAIL}, "SERVFAIL"),
        ({"flags": dns.flags.QR | dns.rcode.REFUSED}, "REFUSED"),
        ({"flags": dns.flags.QR}, "not authoritative"),
        ({"answer": []}, "no SOA record"),
    ],
)
def test_an_answer_without_an_authoritative_soa_is_an_error(
    changes: dict[str, object], says: str
) -> None:
    with pytest.raises(QueryError, match=says):
        poll(lambda query, tcp: [reply(query, **changes)])


def test_silence_and_a_closed_port_are_told() -> None:
    with pytest.raises(QueryError, match=r"did not answer within 0\.3 seconds"):
        poll(lambda query, tcp: [], 0.3)
    started = time.monotonic()
    with pytest.raises(QueryError, match=r"127\.0\.0\.1 port 1, example\.com\.: .*refused"):
        asyncio.run(ask_soa(ORIGIN, "127.0.0.1", 1, None, 5.0))
    assert time.monotonic() - started < 2


def signed(query: bytes, serial: int = 42) -> bytes:
    verified = verify(query, {KEY.name: KEY}, time.time())
    assert isinstance(verified, Verified)
    return verified.signer.sign(reply(verified.message, serial), time.time())


def test_with_a_key_only_a_signed_answer_is_believed() -> None:
    soa, _ = poll(lambda query, tcp: [signed(query)], key=KEY)
    assert soa_serial(soa.rdatas[0]) == 42

    def unsigned(query: bytes, tcp: bool) -> list[bytes]:
        verified = verify(query, {KEY.name: KEY}, time.time())
        assert isinstance(verified, Verified)
        return [reply(verified.message)]

    with pytest.raises(TsigError, match="is not signed"):
        poll(unsigned, key=KEY)
    with pytest.raises(TsigError, match="BADKEY"):
        poll(lambda query, tcp: [verify(query, {}, 0.0).reply(query)], key=KEY)  # type: ignore[union-attr]
