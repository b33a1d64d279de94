"""A primary that never answers holds up no zone that has another one, however many there are."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable

import dns.flags
import dns.message
import dns.rrset
from puller_support import PullerProcess, scripted
from transfer_support import DictSource, zone

from zonecast.protocol.primaries import Choice, Failed, Same
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_out import axfr_messages
from zonecast.server.peers import Primary
from zonecast.server.pulling.polling import WITH_ONE, Polling
from zonecast.server.pulling.puller import FROM_ONE_PRIMARY
from zonecast.zone.names import from_text, to_text
from zonecast.zone.rrset import Zone

SOA = "ns1.example.com. host.example.com. 42 3600 600 86400 300"
ZONES = [from_text(f"zone{number}.example.") for number in range(100)]
SENDS = 3


class Answers(asyncio.DatagramProtocol):
    """Serial 42 for every zone."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def datagram_received(self, data: bytes, addr: object) -> None:
        query = dns.message.from_wire(data)
        reply = dns.message.make_response(query)
        reply.flags |= dns.flags.AA
        reply.answer = [dns.rrset.from_text(query.question[0].name, 300, "IN", "SOA", SOA)]
        self.transport.sendto(reply.to_wire(), addr)  # type: ignore[attr-defined]


def waiting(silent: socket.socket) -> int:
    """How many queries came to who answers none."""
    count = 0
    try:
        while silent.recv(4096):
            count += 1
    except BlockingIOError:
        return count
    return count


def test_a_hundred_zones_ask_the_silent_one_a_few_times_and_have_their_answer() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.setblocking(False)
        silent.bind(("127.0.0.1", 0))

        async def poll() -> None:
            loop = asyncio.get_running_loop()
            live, _ = await loop.create_datagram_endpoint(Answers, ("127.0.0.1", 0))
            primaries = [
                Primary("silent", *silent.getsockname(), None),
                Primary("live", *live.get_extra_info("sockname"), None),
            ]
            polling = Polling(primaries, timeout=0.3)
            choices = {zone: Choice() for zone in ZONES}
            names = ["silent", "live"]
            polls = [polling.poll(zone, choices[zone], names, 42) for zone in ZONES]
            assert set(await asyncio.gather(*polls)) == {Same(None)}
            assert 0 < waiting(silent) <= WITH_ONE * SENDS
            # While it rests it is not asked at all; a zone that has none but it asks all the same.
            assert await polling.poll(ZONES[0], choices[ZONES[0]], names, 42) == Same(None)
            assert waiting(silent) == 0
            alone = await polling.poll(ZONES[0], Choice(), ["silent"], 42)
            assert isinstance(alone, Failed)
            assert "did not answer within 0.3 seconds" in alone.reason
            assert waiting(silent) == SENDS
            live.close()

        asyncio.run(poll())


def test_transfers_of_many_zones_wait_for_the_silent_one_once(puller: PullerProcess) -> None:
    """Who takes connections and says nothing is tried by the first few, the others pass it by."""

    def any_zone(query: bytes) -> Iterable[bytes]:
        asked = read_question(query)
        held = Zone(asked.name, zone(5).rrsets)
        return axfr_messages(
            int.from_bytes(query[:2], "big"), query[12 : asked.end], DictSource(held)
        )

    with scripted(lambda query: [None]) as silent, scripted(any_zone) as live:
        primaries = [silent.fields("silent", longest=0.5), live.fields("live")]
        for origin in ZONES:
            job = {"zone": to_text(origin), "serial": None, "primaries": primaries}
            puller.send(pull=job)
        replies = [puller.channel.receive() for _ in ZONES]
        assert {reply["primary"] for reply in replies if reply is not None} == {"live"}
        assert len(silent.queries) <= FROM_ONE_PRIMARY
    said = [reply["errors"] for reply in replies if reply is not None and reply["errors"]]
    assert "no message" in said[0]["silent"]
