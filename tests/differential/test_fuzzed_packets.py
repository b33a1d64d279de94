"""Hostile octets against a running agent: it answers every query, nothing else, never dies, and
grows by nothing.

Mutated real queries, drawn and plain random octets, over UDP and TCP. A proper query after each
burst is the last thing that the one worker answers, so what did not come before it never comes.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from random import Random

import dns.name
import pytest
from agents import POLICY, Agent, Zones
from facts import Facts
from hypothesis import given, settings
from hypothesis import strategies as st
from queries import make_query, queries
from wire import read_reply
from worlds import Maker

WHOLE = os.environ.get("ZONECAST_DIFFERENTIAL") == "whole"
PACKETS = 400_000 if WHOLE else 12_000

BURST = 30
LAST = 0xFFFF
ORIGIN = "w0.test."
CANARY = struct.pack(">H", LAST) + make_query(dns.name.from_text(ORIGIN), 6).packet[2:]
FORMERR, NOTIMP = 1, 4

# A worker's own memory may wander by this much, but not with what it was sent. The packet cache
# is bounded (32 MiB of queries and replies), and what Python needs around it about as much again.
WANDERS = 4 << 20
CACHE = 96 << 20


def opcode(number: int, rtype: int = 6) -> bytes:
    return make_query(dns.name.from_text(ORIGIN), rtype, flags=number << 11).packet


SOA = b"\xc0\x0c" + struct.pack(">HHIH", 6, 1, 0, 22) + bytes(22)
TSIG = (
    b"\x03key\x00" + struct.pack(">HHIH", 250, 255, 0, 45) + b"\x0bhmac-sha256\x00"
    + bytes(6) + b"\x01\x2c\x00\x10" + bytes(16) + bytes(6)
)  # fmt: skip
SPECIAL = [
    opcode(4),  # NOTIFY
    opcode(5),  # UPDATE
    opcode(6),
    opcode(0, 251)[:8] + b"\x00\x01" + opcode(0, 251)[10:] + SOA,
    opcode(0, 252),
    opcode(0)[:10] + b"\x00\x01" + opcode(0)[12:] + TSIG,
    opcode(4)[:10] + b"\x00\x01" + opcode(4)[12:] + TSIG,
    opcode(0)[:4] + b"\x00\x02" + opcode(0)[6:] + opcode(0)[12:],
    bytes(12),
    CANARY[:12] + b"\xc0\x0c\x00\x01\x00\x01",
]


WORLD = Maker(53, 0).make().zones
FACTS = Facts(WORLD)


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A primary of some hard zones, with one worker of each kind; it has to survive everything."""
    directory = tmp_path_factory.mktemp("fuzzed")
    zones = Zones(directory).make(POLICY + '[checks]\n"*" = "off"\n')
    for origin, text in WORLD.items():
        zones.write(f"{origin}zone", text)
    commit = zones.push()
    made = Agent("ns1", directory / "ns1").configure("[[repository]]", f'path = "{zones.bare}"')
    try:
        made.start()
        assert made.ask("wait", commit=commit, timeout=60)["converged"]
        made.status_when(lambda report: " published" in made.log, "the log to say so")
        yield made
    finally:
        made.close()


def memory(agent: Agent) -> dict[int, int]:
    """Each worker's own memory in octets, by process."""
    assert agent.process is not None
    found = {}
    for task in Path(f"/proc/{agent.process.pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            if b"answering" in Path(f"/proc/{child}/cmdline").read_bytes():
                status = Path(f"/proc/{child}/status").read_text()
                found[int(child)] = int(status.split("RssAnon:")[1].split()[0]) * 1024
    return found


def mutate(random: Random, packet: bytes) -> bytes:
    """Some octets set, inserted, deleted or repeated."""
    changed = bytearray(packet)
    for _ in range(random.choice([1, 1, 2, 3, 8])):
        place = random.randrange(len(changed) + 1)
        kind = random.randrange(5)
        if kind < 2 and place < len(changed):
            changed[place] = random.choice([0, 1, 63, 64, 192, 255, random.randrange(256)])
        elif kind == 2:
            changed[place:place] = random.randbytes(random.randint(1, 12))
        elif kind == 3:
            del changed[place : place + random.randint(1, 6)]
        else:
            changed += changed[place : place + 40]
    return bytes(changed)


def packets(random: Random, number: int) -> Iterator[bytes]:
    """`number` packets: most are mutated real queries, some are nothing at all."""
    real = [query.packet for query in queries(random, FACTS.known, 2000)] + SPECIAL * 40
    for _ in range(number):
        if random.random() < 0.1:
            yield random.randbytes(random.randrange(120))
        else:
            yield mutate(random, random.choice(real))


class Client:
    """One UDP socket to the agent."""

    def __init__(self, port: int) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.connect(("127.0.0.1", port))
        self.sock.settimeout(10)

    def burst(self, sent: list[bytes]) -> None:
        """Send packets and then a proper query; check each reply, and each silence."""
        numbered = [
            struct.pack(">H", number)[: len(packet)] + packet[2:]
            for number, packet in enumerate(sent)
        ]
        for packet in (*numbered, CANARY):
            self.sock.send(packet)
        replies: dict[int, bytes] = {}
        while LAST not in replies:
            reply = self.sock.recv(65536)
            identifier = int.from_bytes(reply[:2], "big")
            assert identifier not in replies, "two replies to one packet"
            replies[identifier] = reply
        del replies[LAST]
        for number, packet in enumerate(numbered):
            self.check(packet, replies.pop(number, None))
        assert not replies, "a reply to nothing that was sent"

    @staticmethod
    def check(packet: bytes, reply: bytes | None) -> None:
        """A response or a fragment gets silence, what is no proper query no more than it is."""
        if len(packet) < 12 or packet[2] & 0x80:
            assert reply is None, f"{packet.hex()} is no query and got {reply!r}"
            return
        assert reply is not None, f"{packet.hex()} got silence"
        assert reply[2] & 0xF8 == 0x80 | packet[2] & 0x78
        if packet[2] & 0x78 or reply[3] & 15 in (FORMERR, NOTIMP):
            assert len(reply) <= max(len(packet), 12) + 11, f"{packet.hex()} got {reply.hex()}"
        else:
            assert len(reply) <= 1232
            read_reply(reply)


@contextmanager
def unharmed(agent: Agent, most: int) -> Iterator[None]:
    """The same workers before and after, without a word in the log, and hardly larger."""
    before, log = memory(agent), agent.log
    assert len(before) == 2
    yield
    after = memory(agent)
    assert set(after) == set(before), "a worker was replaced"
    assert agent.log == log
    grown = {pid: after[pid] - before[pid] for pid in before}
    assert max(grown.values()) < most, grown


def test_datagrams(agent: Agent) -> None:
    client, random = Client(agent.port), Random(53)
    source = packets(random, PACKETS)
    with unharmed(agent, CACHE):
        while sent := list(islice(source, BURST)):
            client.burst(sent)


def test_what_is_not_remembered_leaves_nothing(agent: Agent) -> None:
    client, random = Client(agent.port), Random(54)
    broken = [query.packet + b"\x00" for query in queries(random, FACTS.known, 600)]
    broken += [mutate(random, packet) for packet in SPECIAL * 60 for _ in range(2)]
    broken = [
        packet for packet in broken if len(packet) < 3 or packet[2] & 0x78 or packet[-1:] == b"\x00"
    ]
    for most in (CACHE, WANDERS):
        with unharmed(agent, most):
            for start in range(0, 5000, BURST):
                client.burst([broken[(start + n) % len(broken)] for n in range(BURST)])


def test_drawn_octets(agent: Agent) -> None:
    client = Client(agent.port)
    octets = st.one_of(
        st.binary(max_size=80),
        st.tuples(st.sampled_from(SPECIAL), st.integers(2, 40), st.binary(max_size=20)).map(
            lambda parts: parts[0][: parts[1]] + parts[2] + parts[0][parts[1] + 1 :]
        ),
    )

    @settings(max_examples=2000 if WHOLE else 250, deadline=None, database=None)
    @given(st.lists(octets, min_size=1, max_size=BURST))
    def hold(sent: list[bytes]) -> None:
        client.burst(sent)

    with unharmed(agent, CACHE):
        hold()


def test_streams(agent: Agent) -> None:
    """Frames that are too short, too long, cut off or full of nonsense: each connection is served
    or closed, and the next is served."""
    random = Random(55)
    source = packets(random, PACKETS)
    with unharmed(agent, CACHE):
        for number in range(PACKETS // 100):
            stream = b""
            for packet in (next(source) for _ in range(random.randint(1, 20))):
                size = random.choice([len(packet)] * 30 + [0, 11, 12, 65535, len(packet) + 1])
                stream += struct.pack(">H", size) + packet
            with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as sock:
                sock.sendall(stream[: random.choice([len(stream), random.randrange(len(stream))])])
                sock.shutdown(socket.SHUT_WR)
                try:
                    while sock.recv(65536):
                        pass
                except ConnectionError:
                    pass
            if number % 20 == 0:
                assert read_reply(over_tcp(agent.port)).rcode == 0


def over_tcp(port: int) -> bytes:
    """The reply to a proper query on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
        sock.sendall(struct.pack(">H", len(CANARY)) + CANARY)
        stream = sock.makefile("rb")
        return stream.read(int.from_bytes(stream.read(2), "big"))
