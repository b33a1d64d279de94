"""Secondaries as `secondaries.toml` tells them, and senders of NOTIFYs that nobody listed, against an
agent: whoever behaves is served meanwhile, and what they held is let go."""

from __future__ import annotations

import asyncio
import select
import socket
import struct
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
import pytest
from agents import Agent, Zones, await_value, zone_text
from primary import primary, settled
from streams import Stream, script

from zonecast.protocol.notify import build_notify
from zonecast.protocol.question import axfr_query, ixfr_query, question, soa_query
from zonecast.protocol.sections import HEADER, read_header
from zonecast.protocol.transfer_in import Limits
from zonecast.server.pulling.fetch import Primary, fetch
from zonecast.zone import names
from zonecast.zone import rdata as rd

ORIGIN = names.from_text("example.com.")
PULLED = names.from_text("pulled.test.")
STRANGER = "127.0.0.3"
# More than the kernel keeps for who does not read.
RECORDS = [f"r{number} TXT {' '.join(['x' * 250] * 4)}" for number in range(8000)]
FLOOD = 3000


@dataclass
class Secondary:
    """One of the file's."""

    name: str
    address: str
    connections: int
    sends: list[str]
    times: int
    reads: int
    ends: str

    def octets(self) -> bytes:
        """All that it sends on one connection."""
        return b"".join(map(_octets, self.sends)) * self.times


def _octets(word: str) -> bytes:
    if word.startswith("hex:"):
        return bytes.fromhex(word[4:])
    if word == "half":
        return b"\x00"
    if word.startswith("IXFR="):
        query = ixfr_query(7, ORIGIN, int(word[5:]))
    elif word == "IXFR":
        query = HEADER.pack(7, 0, 1, 0, 0, 0) + question(ORIGIN, rd.IXFR)
    else:
        query = {"AXFR": axfr_query, "SOA": soa_query}[word](7, ORIGIN)
    return len(query).to_bytes(2, "big") + query


def secondaries() -> list[Secondary]:
    with Path(__file__).with_name("secondaries.toml").open("rb") as file:
        table = tomllib.load(file)
    common = {key: value for key, value in table.items() if key != "secondary"}
    return [
        Secondary(address=f"127.0.1.{number}", **{**common, **fields})
        for number, fields in enumerate(table["secondary"], start=1)
    ]


@pytest.fixture(scope="module")
def agent(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    """A primary of a zone of 8 MB, which is a secondary of another one; its patience is short."""
    directory = tmp_path_factory.mktemp("agent")
    zones = Zones(directory).make()
    zones.write("example.com.zone", zone_text(1, *RECORDS))
    zones.push()
    made = Agent("ns1", directory / "ns1")
    with primary(lambda query: script(Stream("", "", ["S5 OLD S5"]), query), _soa) as other:
        made.configure(
            *("[[repository]]", f'path = "{zones.bare}"'),
            *("[limits]", 'reply-timeout = "1s"', 'query-timeout = "1s"', 'idle-timeout = "2s"'),
            *("[[secondary]]", 'name = "good"', 'address = "127.0.0.1:9"'),
            *(
                line
                for bad in secondaries()
                for line in ("[[secondary]]", f'name = "{bad.name}"', f'address = "{bad.address}"')
            ),
            *("[[primary]]", 'name = "other"', f'address = "127.0.0.1:{other.port}"'),
            *("[[zone]]", 'name = "pulled.test"', 'primaries = ["other"]'),
        )
        try:
            made.start()
            made.await_serial("example.com.", 1)
            made.await_serial("pulled.test.", 5)
            made.status_when(settled, "the first transfer to be over")
            yield made
        finally:
            made.close()


def _soa(query: bytes) -> bytes:
    [reply] = script(Stream("", "", ["S5"]), query)
    assert isinstance(reply, bytes)
    return reply


def connect(agent: Agent, address: str) -> socket.socket:
    """A connection from there; the kernel takes little for it."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.settimeout(20)
    sock.bind((address, 0))
    sock.connect((agent.host, agent.port))
    return sock


def send(sock: socket.socket, octets: bytes) -> None:
    """As much as the agent takes: who does not read is not read for ever either."""
    sock.setblocking(False)
    try:
        sock.send(octets)
    except BlockingIOError:
        pass
    sock.settimeout(20)


def end(sock: socket.socket, bad: Secondary) -> None:
    """What it does in the end."""
    if bad.ends == "stay":
        # Until the agent closes it, with nothing more taken of what it has sent.
        poll = select.poll()
        poll.register(sock, select.POLLRDHUP)
        assert poll.poll(20_000), f"still open: {bad.name}"
    elif bad.ends == "reset":
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def begin(agent: Agent, bad: Secondary) -> list[socket.socket]:
    """Its connections, all that it sends sent, and what it reads read."""
    socks = [connect(agent, bad.address) for _ in range(bad.connections)]
    for sock in socks:
        send(sock, bad.octets())
    for sock in socks:
        read = 0
        while read < bad.reads and (octets := sock.recv(65536)):
            read += len(octets)
    return socks


def test_who_behaves_is_served_beside_all_of_them(agent: Agent) -> None:
    """Pitfall: who asks for a zone and never reads keeps it in memory, and others waiting."""
    held = [(bad, begin(agent, bad)) for bad in secondaries()]
    assert agent.serial("example.com.") == 1
    good = Primary("ns1", agent.host, agent.port, None)
    fetched = asyncio.run(fetch(ORIGIN, good, None, 30.0, Limits()))
    assert fetched.records == len(RECORDS) + 3, "each once, and the SOA twice"
    for bad, socks in held:
        for sock in socks:
            end(sock, bad)
    report = agent.ask("status")
    assert [worker["restarts"] for worker in report["agent"]["workers"]] == [0, 0]
    assert "Traceback" not in agent.log


def test_notifies_of_strangers_are_refused_and_counted(agent: Agent) -> None:
    """Pitfall: NOTIFYs of strangers, by the thousand, lead to no question to the primary."""
    before = agent.ask("status")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((STRANGER, 0))
        sock.connect((agent.host, agent.port))
        sock.settimeout(5)
        for start in range(0, FLOOD, 50):
            for number in range(start, start + 50):
                sock.send(build_notify(number, PULLED, None))
            for _ in range(50):
                assert read_header(sock.recv(512)).rcode == dns.rcode.REFUSED

        def counted() -> bool:
            sock.send(build_notify(0, PULLED, None))  # with which the last ones are told
            sock.recv(512)
            return unlisted(agent.ask("status")) - unlisted(before) >= FLOOD

        await_value(counted, "every NOTIFY to be counted")
    assert confirmed(agent.ask("status")) == confirmed(before), "nobody was asked"


def test_a_notify_of_a_primary_leads_to_a_question(agent: Agent) -> None:
    """The other test would notice one: this is what it looks like."""
    before = agent.ask("status")
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.sendto(build_notify(7, PULLED, None), (agent.host, agent.port))
        assert read_header(sock.recv(512)).rcode == dns.rcode.NOERROR
    agent.status_when(lambda report: confirmed(report) > confirmed(before), "the primary's answer")


def unlisted(report: dict[str, Any]) -> int:
    count = report["agent"]["unlisted-notifies"]
    assert isinstance(count, int)
    return count


def confirmed(report: dict[str, Any]) -> float:
    """When the primary was last asked for the pulled zone and had nothing newer."""
    [zone] = [zone for zone in report["zones"] if zone["zone"] == "pulled.test."]
    when = zone["refresh"]["confirmed"]
    assert isinstance(when, float)
    return when
