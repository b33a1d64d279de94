"""Whose NOTIFYs are listened to: by key where the primary has one, wherever they come from; else by
address."""

from __future__ import annotations

import socket
import time
from collections import Counter
from collections.abc import Callable

import dns.rcode
from agents import Agent, Secret, await_value
from primary import primary, settled
from streams import KEY, Stream, script
from transfer_support import KEY_SECRET

from zonecast.protocol.notify import build_notify
from zonecast.protocol.sections import read_header, read_question
from zonecast.protocol.tsig import make_key, sign_request
from zonecast.zone import names

SIGNED, PLAIN = names.from_text("signed.test."), names.from_text("plain.test.")
STRANGE_KEY = make_key("strange.example.", "hmac-sha256", KEY_SECRET)
HOME, ELSEWHERE = "127.0.0.1", "127.0.0.5"


class Primary:
    """Serves version 5 of both zones, and counts the questions for their SOAs."""

    def __init__(self) -> None:
        self.polls: Counter[bytes] = Counter()

    def stream(self, query: bytes):  # type: ignore[no-untyped-def]
        signed = read_question(query).name == SIGNED
        return script(Stream("", "", ["S5 OLD S5"], key=signed), query)

    def datagram(self, query: bytes) -> bytes:
        name = read_question(query).name
        self.polls[name] += 1
        [reply] = script(Stream("", "", ["S5"], key=name == SIGNED), query)
        assert isinstance(reply, bytes)
        return reply


def notify(agent: Agent, zone: bytes, source: str, key=None) -> int:  # type: ignore[no-untyped-def]
    """Send one; the RCODE of its answer."""
    packet = build_notify(7, zone, None)
    if key is not None:
        packet, _ = sign_request(packet, key, time.time())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(5)
        sock.bind((source, 0))
        sock.sendto(packet, (agent.host, agent.port))
        return read_header(sock.recv(512)).rcode


def test_the_key_counts_before_the_address(
    new_agent: Callable[[str], Agent], secret: Secret
) -> None:
    """Pitfall: NOTIFYs come from configured primaries only, and behind NAT a primary has another
    address: its key is what it is known by."""
    secret.path.write_text(KEY_SECRET + "\n")
    asked = Primary()
    agent = new_agent("secondary")
    with primary(asked.stream, asked.datagram) as made:
        agent.configure(
            *secret.config,
            *("[[primary]]", 'name = "signed"', f'address = "{HOME}:{made.port}"'),
            'keys = ["xfr.example"]',
            *("[[primary]]", 'name = "plain"', f'address = "{HOME}:{made.port}"'),
            *("[[zone]]", 'name = "signed.test"', 'primaries = ["signed"]'),
            *("[[zone]]", 'name = "plain.test"', 'primaries = ["plain"]'),
        ).start()
        for zone in ("signed.test.", "plain.test."):
            agent.await_serial(zone, 5)
        agent.status_when(settled, "the first transfers to be over")
        before = Counter(asked.polls)

        def polled(zone: bytes) -> None:
            before[zone] += 1
            await_value(lambda: asked.polls[zone] == before[zone], "the primary to be asked")

        # From where no primary is, with no key or one that nobody has.
        assert notify(agent, SIGNED, ELSEWHERE) == dns.rcode.REFUSED
        assert notify(agent, PLAIN, ELSEWHERE) == dns.rcode.REFUSED
        assert notify(agent, SIGNED, HOME, STRANGE_KEY) == dns.rcode.NOTAUTH
        # What some primary may send is answered; whose zone it is the controller knows.
        assert notify(agent, SIGNED, HOME) == dns.rcode.NOERROR
        assert notify(agent, PLAIN, ELSEWHERE, KEY) == dns.rcode.NOERROR
        unlisted = "the two to be counted beside those refused"
        agent.status_when(lambda report: report["agent"]["unlisted-notifies"] >= 3, unlisted)
        assert asked.polls == before, "and nobody was asked"

        assert notify(agent, SIGNED, ELSEWHERE, KEY) == dns.rcode.NOERROR
        polled(SIGNED)
        assert notify(agent, PLAIN, HOME) == dns.rcode.NOERROR
        polled(PLAIN)
    assert asked.polls == before
