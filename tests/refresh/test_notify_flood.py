"""NOTIFYs by the thousand from who may send them: what reaches the controller is bounded."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

from agents import Agent, Zones, peer, zone_text

from zonecast.protocol.access import Access, Peer
from zonecast.protocol.notify import build_notify
from zonecast.server.answering.notified import NOTIFY_RATE, Notified
from zonecast.zone import names

MakeAgent = Callable[[str], Agent]


def test_what_is_passed_on_in_a_second_is_bounded_and_the_rest_is_not_answered() -> None:
    passed: list[dict[str, Any]] = []
    notified = Notified(passed.append)
    access = Access([], [Peer("ns1", "192.0.2.1")])
    packet = build_notify(7, names.from_text("example.com."), None)
    first = int(time.monotonic())
    replies = [notified.reply(packet, "192.0.2.1", None, access) for _ in range(10 * NOTIFY_RATE)]
    seconds = int(time.monotonic()) - first + 1
    answered = sum(reply is not None for reply in replies)
    assert NOTIFY_RATE <= answered <= seconds * NOTIFY_RATE
    assert len(passed) == answered, "who is answered is heard"


def test_a_flood_starves_nobody(zones: Zones, new_agent: MakeAgent) -> None:
    """While a primary's address floods a secondary, changes still reach it and status answers."""
    zones.write("zones/example.com.zone", zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(
        *("[[repository]]", f'path = "{zones.bare}"'),
        *peer("secondary", "ns2", ns2.address, key=False),
    ).start()
    ns2.configure(
        *peer("primary", "ns1", ns1.address, key=False),
        *("[[zone]]", 'name = "example.com"', 'primaries = ["ns1"]'),
    ).start()
    ns2.await_serial("example.com.", 1)
    ended = threading.Event()

    def flood() -> None:
        """Several times what is passed on, and less than what a socket's buffer loses."""
        number = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((ns2.host, ns2.port))
            while not ended.is_set():
                number += 1
                zone = "example.com." if number % 2 else f"no{number}.example."
                sock.send(build_notify(number % 65536, names.from_text(zone), None))
                if not number % 50:
                    ended.wait(0.01)

    thread = threading.Thread(target=flood)
    thread.start()
    try:
        unlisted = "some of the flood to arrive"
        ns2.status_when(lambda report: report["agent"]["unlisted-notifies"] > 100, unlisted)
        zones.write("zones/example.com.zone", zone_text(2))
        zones.push()
        assert ns1.ask("wait", timeout=60)["converged"]
        report = ns2.ask("status")
    finally:
        ended.set()
        thread.join()
    assert [worker["restarts"] for worker in report["agent"]["workers"]] == [0, 0]
