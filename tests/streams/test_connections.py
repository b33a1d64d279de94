"""Many connections and long answers: who makes room, what is answered meanwhile."""

from __future__ import annotations

import select
import socket
import struct
from contextlib import ExitStack

import dns.message
from loading import query
from workers import PATIENCE, Store, worker

from zonecast.server.answering.connections import Connection, Connections

ZONE = """\
$TTL 60
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.1
"""
BIG = ZONE + "\n".join(f"t{n} TXT {' '.join(['x' * 250] * 64)}" for n in range(400))
HOG = ZONE + f"long TXT {' '.join(['x' * 250] * 245)}"
HOGGED = 6
ANYBODY = [{"name": "ns2", "address": "127.0.0.1:53", "keys": []}]

# The SOA's type, class and TTL, which nothing else here has.
SOA = b"\x00\x06\x00\x01" + (900).to_bytes(4, "big")
TRANSFER_ID = b"\x33\x33"

FEW = {"connections_per_client": 3, "query": 0.5}
# A worker that runs out of descriptors before it runs out of connections.
POOR = """\
import resource
import zonecast.server.answering.accepting as accepting
import zonecast.server.answering.stream as stream
resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
stream.descriptors = lambda: 4096
stream.main()
"""


def framed(packet: bytes) -> bytes:
    return struct.pack(">H", len(packet)) + packet


class Client:
    """One connection, and its messages."""

    def __init__(self, port: int, *, narrow: bool = False) -> None:
        """`narrow`: kernels keep next to nothing of what is on its way to it."""
        self.socket = socket.socket()
        self.socket.settimeout(PATIENCE)
        if narrow:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        self.socket.connect(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")

    def send(self, *packets: bytes) -> None:
        self.socket.sendall(b"".join(map(framed, packets)))

    def octets(self) -> bytes:
        (size,) = struct.unpack(">H", self.stream.read(2))
        return self.stream.read(size)

    def receive(self) -> dns.message.Message:
        return dns.message.from_wire(self.octets())

    def ask(self) -> int:
        self.send(query("www.example.", "A"))
        return int(self.receive().rcode())

    @property
    def closed(self) -> bool:
        """Whether the server closes, which is waited for."""
        try:
            return self.stream.read(1) == b""
        except ConnectionResetError:
            return True


def test_the_connection_idle_for_longest_makes_room(store: Store) -> None:
    with worker("stream", store, limits=FEW) as (_, port):
        first, second, third = (Client(port) for _ in range(3))
        for client in (second, first, third):
            assert client.ask() == 0
        fourth = Client(port)
        assert fourth.ask() == 0
        assert second.closed
        assert [client.ask() for client in (first, third, fourth)] == [0, 0, 0]


def test_where_none_is_idle_the_new_one_is_refused(store: Store) -> None:
    with worker("stream", store, limits=FEW) as (_, port):
        slow = [Client(port) for _ in range(3)]
        for client in slow:
            client.socket.sendall(framed(query("www.example.", "A")) + b"\x00")
            assert client.receive().rcode() == 0
        assert Client(port).closed
        # One octet now and then does not help: a query has its time to arrive.
        assert all(client.closed for client in slow)
        assert Client(port).ask() == 0


def hog(port: int) -> Client:
    """A client that takes nothing of long answers, of which the first has begun to arrive."""
    client = Client(port, narrow=True)
    client.send(*[query("long.hog.example.", "TXT")] * HOGGED)
    assert client.socket.recv(1, socket.MSG_PEEK)
    return client


def test_a_connection_is_not_idle_while_a_reply_is_not_taken(store: Store) -> None:
    store.publish(HOG, "hog.example.")
    with worker("stream", store, limits=FEW) as (_, port):
        hogs = [hog(port) for _ in range(3)]
        assert Client(port).closed
        for client in hogs:
            assert sum(len(client.octets()) for _ in range(HOGGED)) > HOGGED * 60_000
        # Now they are idle, and one makes room.
        assert Client(port).ask() == 0
        assert hogs[0].closed


def test_who_does_not_take_a_reply_in_time_is_dropped(store: Store) -> None:
    store.publish(HOG, "hog.example.")
    with worker("stream", store, limits={**FEW, "reply": 0.3}) as (running, port):
        client = hog(port)
        gone = select.poll()
        gone.register(client.socket, 0)  # for errors alone
        assert gone.poll(PATIENCE / 2 * 1000)
        assert running.quiet()


def test_a_reload_changes_how_many_there_may_be(store: Store) -> None:
    with worker("stream", store) as (running, port):
        first, second = Client(port), Client(port)
        assert [client.ask() for client in (first, second)] == [0, 0]
        settings = {**running.settings, "limits": {**FEW, "connections_per_client": 1, "idle": 0.3}}
        running.channel.send({"settings": settings})
        assert running.quiet()
        # Who is there may stay, for as long as is said now; the longest idle makes room.
        assert second.ask() == 0
        assert Client(port).ask() == 0
        assert first.closed
        assert second.closed


def test_a_hundred_queries_with_a_transfer_in_the_middle(store: Store) -> None:
    store.publish(BIG, "big.example.")
    with worker("stream", store, secondaries=ANYBODY) as (running, port):
        client = Client(port)
        packets = [query("www.example.", "A", identifier=n) for n in range(100)]
        packets.insert(50, query("big.example.", "AXFR", identifier=0x3333))
        client.send(*packets)
        order, soas, records, during = [], 0, 0, 0
        while len(order) < 100 or soas < 2:
            octets = client.octets()
            if octets[:2] == TRANSFER_ID:
                soas += octets.count(SOA)
                records += int.from_bytes(octets[6:8], "big")
                continue
            reply = dns.message.from_wire(octets)
            assert str(reply.answer[0][0]) == "192.0.2.1"
            order.append(reply.id)
            during = soas
        assert order == list(range(100))
        assert records == 400 + 5
        # What was asked after the transfer did not wait for its end.
        assert during == 1
        assert running.quiet()


def test_a_client_that_has_said_all_gets_its_transfers_whole(store: Store) -> None:
    store.publish("\n".join(BIG.splitlines()[:40]), "big.example.")
    with worker("stream", store, secondaries=ANYBODY) as (running, port):
        client = Client(port)
        client.send(*(query("big.example.", "AXFR", identifier=n) for n in range(12)))
        client.socket.shutdown(socket.SHUT_WR)
        soas = dict.fromkeys(range(12), 0)
        while any(count < 2 for count in soas.values()):
            octets = client.octets()
            soas[int.from_bytes(octets[:2], "big")] += octets.count(SOA)
        assert client.closed
        assert running.quiet()


def test_a_transfer_ends_before_the_worker_does(store: Store) -> None:
    store.publish(BIG, "big.example.")
    with worker("stream", store, secondaries=ANYBODY) as (running, port):
        client = Client(port)
        client.send(query("big.example.", "AXFR"))
        octets = client.octets()
        running.channel.send({"stop": True})
        soas = octets.count(SOA)
        while soas < 2:
            soas += client.octets().count(SOA)
        assert client.closed
        assert running.process.wait(PATIENCE) == 0


def test_a_flood_beyond_the_descriptors_is_survived(store: Store) -> None:
    with worker("stream", store, arguments=["-c", POOR]) as (running, port), ExitStack() as stack:
        flood = [Client(port) for _ in range(60)]
        for client in flood:
            stack.callback(client.socket.close)
        # The idle ones make room, one after the other, for whoever comes last.
        assert Client(port).ask() == 0
        assert running.quiet()
        assert running.end() == ""


def test_an_ipv6_network_is_one_client() -> None:
    closed: list[str] = []

    def connection(address: str) -> Connection:
        return Connection(address, lambda: closed.append(address))

    connections = Connections(most=5, per_client=2)
    network = [connection(f"2001:db8::{n}") for n in range(3)]
    for item in network:
        assert connections.admit(item)
        connections.idle(item)
    assert closed == ["2001:db8::0"]
    assert connections.admit(connection("2001:db8:0:1::1"))
    assert connections.admit(connection("192.0.2.1"))
    assert connections.admit(connection("::ffff:192.0.2.1"))
    # Five are open, the idle ones first go.
    assert connections.admit(connection("192.0.2.9"))
    assert closed == ["2001:db8::0", "2001:db8::1"]
    assert connections.make_room()
    assert not connections.make_room()
    assert connections.admit(connection("198.51.100.1"))
    assert not connections.admit(connection("198.51.100.2"))
    assert not connections.admit(connection("192.0.2.1"))
