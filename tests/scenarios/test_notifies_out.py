"""When a NOTIFY goes out: with the new SOA, once nobody is answered with an older one, whoever else is
dead."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator

import dns.message
import dns.query
import pytest
from agents import Agent, Zones, peer, zone_text
from peers import free_port

from zonecast.protocol.compiled import record_tails
from zonecast.protocol.notify import notify_reply, parse_notify
from zonecast.protocol.sections import HEADER, OPCODE_MASK, OPCODE_NOTIFY, read_question
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset

# As many questions as it takes to meet each of the workers.
QUESTIONS = 12


class Listener:
    """A secondary that asks at once, before it answers a NOTIFY, what every worker serves. `heard` has
    each NOTIFY's serial and the serials that were served then."""

    def __init__(self, agent: Agent) -> None:
        self.heard: queue.Queue[tuple[int, set[int]]] = queue.Queue()
        self.port = free_port()
        self._agent = agent
        self._serial = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", self.port))
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        while True:
            packet, address = self._socket.recvfrom(65535)
            if not packet:
                return
            if int.from_bytes(packet[2:4], "big") & OPCODE_MASK == OPCODE_NOTIFY:
                serial = parse_notify(packet).serial
                assert serial is not None, "the new SOA comes with it"
                if serial != self._serial:
                    self._serial = serial
                    self.heard.put((serial, self._served()))
                self._socket.sendto(notify_reply(packet), address)
            else:
                self._socket.sendto(self._soa(packet), address)

    def _served(self) -> set[int]:
        query = dns.message.make_query("example.com.", "SOA")
        ways = [dns.query.udp] * QUESTIONS + [dns.query.tcp] * 4
        replies = [way(query, self._agent.host, port=self._agent.port, timeout=5) for way in ways]
        return {int(reply.answer[0][0].serial) for reply in replies}

    def _soa(self, query: bytes) -> bytes:
        """That we have what we were told of."""
        end = read_question(query).end
        rdata = b"\x00\x00" + self._serial.to_bytes(4, "big") + bytes(16)
        answer = b"\xc0\x0c" + record_tails(RRset(b"", rd.SOA, 0, (rdata,)))[0]
        head = HEADER.pack(int.from_bytes(query[:2], "big"), 0x8400, 1, 1, 0, 0)
        return head + query[12:end] + answer

    def close(self) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()


@pytest.fixture
def agent(new_agent: Callable[[str], Agent]) -> Agent:
    return new_agent("ns1")


@pytest.fixture
def listener(agent: Agent) -> Iterator[Listener]:
    made = Listener(agent)
    try:
        yield made
    finally:
        made.close()


def test_once_every_worker_serves_it_and_whoever_is_dead(
    zones: Zones, agent: Agent, listener: Listener
) -> None:
    """Pitfall: a NOTIFY that comes before the last worker serves the new version sends a secondary
    to the old one, and a dead secondary, asked first, must keep neither the start nor others
    waiting."""
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
        dead.bind(("127.0.0.1", 0))
        agent.configure(
            *("[[repository]]", f'path = "{zones.bare}"', 'poll-interval = "1s"'),
            *peer("secondary", "dead", f"127.0.0.1:{dead.getsockname()[1]}", key=False),
            *peer("secondary", "alive", f"127.0.0.1:{listener.port}", key=False),
        )
        config = agent.config.read_text().replace("workers = 1\n", "workers = 3\n")
        agent.config.write_text(config)
        agent.start()
        agent.await_serial("example.com.", 1)
        assert listener.heard.get(timeout=20) == (1, {1})
        for serial in range(2, 5):
            zones.write("example.com.zone", zone_text(serial, f"www A 192.0.2.{serial}"))
            zones.push()
            assert listener.heard.get(timeout=20) == (serial, {serial})
