"""Transfers at once: how many there may be, who waits, who is refused, and slow clients among them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Iterator
from typing import Any

import dns.message
import pytest
from loading import query
from workers import PATIENCE, Store, worker

from zonecast.server.answering.slots import Limits, Slots

ZONE = "$TTL 60\n@ 900 SOA ns admin 1 3600 600 86400 300\n@ NS ns\nns A 192.0.2.53\n"
RECORDS = 400
BIG = ZONE + "\n".join(f"t{n} TXT {' '.join(['x' * 250] * 64)}" for n in range(RECORDS))
KEYS = [
    {"name": f"{name}.", "algorithm": "hmac-sha256", "secret": "c2VjcmV0c2VjcmV0c2VjcmV0"}
    for name in ("one", "two")
]
SECONDARIES = [
    {"name": "address", "address": "127.0.0.1:53", "keys": []},
    {"name": "keys", "address": "127.0.0.1:53", "keys": ["one.", "two."]},
]
SOA = b"\x00\x06\x00\x01" + (900).to_bytes(4, "big")
TEXT = b"too many transfers at once"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    made = Store(tmp_path_factory.mktemp("state"))
    made.publish(ZONE, "example.")
    made.publish(BIG, "big.example.")
    yield made
    made.close()


def limited(store: Store, **limits: Any) -> Any:
    return worker("stream", store, keys=KEYS, secondaries=SECONDARIES, transfers=limits)


class Client:
    """A connection that takes what it is told to take; its own buffer is small."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        self.socket = socket.socket()
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32768)
        self.socket.settimeout(PATIENCE)
        self.socket.bind((source, 0))
        self.socket.connect(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb", buffering=0)

    def ask(self, name: str, rtype: str, *, edns: int | None = None) -> None:
        packet = query(name, rtype, edns=edns)
        self.socket.sendall(struct.pack(">H", len(packet)) + packet)

    def close(self) -> None:
        self.stream.close()
        self.socket.close()

    def octets(self, size: int) -> bytes:
        found = b""
        while len(found) < size:
            more = self.stream.read(size - len(found))
            assert more, "closed in the middle of a message"
            found += more
        return found

    def message(self) -> bytes:
        return self.octets(int.from_bytes(self.octets(2), "big"))

    def whole(self, *messages: bytes) -> int:
        """The rest of a transfer of which these messages came; how many records it had."""
        soas = records = 0
        while soas < 2:
            message, messages = (messages[0], messages[1:]) if messages else (self.message(), ())
            soas += message.count(SOA)
            records += int.from_bytes(message[6:8], "big")
        return records

    def started(self) -> bytes:
        """The first message of a transfer that is on its way now."""
        self.ask("big.example.", "AXFR")
        message = self.message()
        assert message[3] & 15 == 0
        return message

    def refused(self) -> bool:
        """Whether a transfer is refused because there are too many."""
        self.ask("big.example.", "AXFR", edns=1232)
        reply = self.message()
        assert len(reply) < 512
        return dns.message.from_wire(reply).rcode() == 5 and TEXT in reply


def test_who_is_over_the_limit_waits_and_then_is_refused(store: Store) -> None:
    with limited(store, most=2, per_peer=2, wait=0.3) as (running, port):
        slow = [Client(port) for _ in range(2)]
        begun = [client.started() for client in slow]
        late = Client(port)
        assert late.refused()
        assert running.hear() == {"guard": {"transfers": 1}}
        # All else is answered meanwhile, transfers of one message too.
        late.ask("example.", "SOA")
        assert dns.message.from_wire(late.message()).answer[0][0].serial == 1
        late.ask("example.", "AXFR")
        assert int.from_bytes(late.message()[6:8], "big") == 4
        # Slow as they were, they go on where they stood.
        assert [client.whole(first) for client, first in zip(slow, begun, strict=True)] == [
            RECORDS + 4,
            RECORDS + 4,
        ]
        another = Client(port)
        assert another.whole(another.started()) == RECORDS + 4
        assert running.quiet()


def test_the_next_one_begins_when_one_ends_or_goes(store: Store) -> None:
    with limited(store, most=1, per_peer=1, wait=PATIENCE) as (running, port):
        first, second, third = (Client(port) for _ in range(3))
        begun = first.started()
        for client in (second, third):
            client.ask("big.example.", "AXFR")
        assert first.whole(begun) == RECORDS + 4
        assert second.message()[3] & 15 == 0
        second.close()
        assert third.whole() == RECORDS + 4
        assert running.quiet()


def test_a_peer_that_has_its_share_keeps_nobody_waiting(store: Store) -> None:
    with limited(store, most=9, per_peer=1, wait=0.3) as (_, port):
        greedy = [Client(port) for _ in range(2)]
        greedy[0].started()
        assert greedy[1].refused()
    with limited(store, most=9, per_peer=1, wait=PATIENCE) as (_, port):
        greedy = [Client(port) for _ in range(2)]
        greedy[0].started()
        greedy[1].ask("big.example.", "AXFR")
        # Another key from the same address is another peer, and the same from another address.
        for name, source in (("one", "127.0.0.1"), ("two", "127.0.0.1"), ("one", "127.0.0.2")):
            other = dns.message.make_query("big.example.", "AXFR")
            other.use_tsig({dns.name.from_text(name): b"secretsecretsecret"})
            packet = other.to_wire()
            client = Client(port, source)
            client.socket.sendall(struct.pack(">H", len(packet)) + packet)
            assert client.message()[3] & 15 == 0


def test_a_transfer_that_takes_too_long_is_cut(store: Store) -> None:
    with limited(store, deadline=0.3) as (running, port):
        slow = Client(port)
        slow.started()

        def taken_in_drops() -> None:
            while running.quiet():
                slow.octets(256)

        with pytest.raises((ConnectionResetError, AssertionError)):
            taken_in_drops()
        assert running.quiet()


def test_limits_that_are_raised_let_in_who_waits(store: Store) -> None:
    with limited(store, most=1, per_peer=1, wait=PATIENCE) as (running, port):
        first, second = Client(port), Client(port)
        first.started()
        second.ask("big.example.", "AXFR")
        second.ask("example.", "SOA")
        assert second.message().count(SOA) == 1
        running.channel.send({"settings": {**running.settings, "transfers": {"most": 2}}})
        assert second.whole() == RECORDS + 4


def test_who_is_gone_while_waiting_takes_no_turn() -> None:
    async def play() -> None:
        slots = Slots()
        slots.limits = Limits(most=1, per_peer=1, wait=PATIENCE)
        a, b = (b"a", None), (b"b", None)
        assert await slots.enter(a)
        gone = asyncio.create_task(slots.enter(a))
        told = asyncio.create_task(slots.enter(b))
        last = asyncio.create_task(slots.enter(a))
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.wait((gone,))
        # It is this one's turn at the very moment in which it is told to end.
        slots.leave(a)
        told.cancel()
        await asyncio.wait((told,))
        assert await last
        slots.leave(a)
        assert await slots.enter(b)

    asyncio.run(play())
