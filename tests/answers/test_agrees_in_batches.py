"""What a datagram worker says to batches of queries, by whatever it remembers, is what the slow path
says to each by itself: in any case of the name, with any cookie, once and again."""

from __future__ import annotations

import os
import time

import dns.message
from drawn import Form, World, forms, worlds
from hypothesis import event, given, settings
from hypothesis import strategies as st
from loading import zone_from_dnspython
from naive import from_message
from serving import StaticView

from zonecast.protocol.access import Access
from zonecast.protocol.answer_query import Extras, answer_query
from zonecast.protocol.cookies import Cookies
from zonecast.protocol.edns import COOKIE, option
from zonecast.protocol.message import read_query
from zonecast.server.answering.guard import packed
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules, Site

MORE = int(os.environ.get("ZONECAST_ANSWERS", "1"))
CLIENT = "192.0.2.9"
SECRET = b"sixteen octets!!"
COOKIES = ["none", "client's", "ours", "forged"]


def cookie(kind: str) -> bytes:
    ours = Cookies([SECRET]).judge(b"12345678", packed(CLIENT), time.time()).option
    known = {"client's": b"12345678", "ours": ours[4:], "forged": b"12345678" + bytes(16)}
    return known.get(kind, b"")


def with_cookie(packet: bytes, value: bytes) -> bytes:
    """The packet, which ends in an OPT record without options, with one."""
    added = option(COOKIE, value)
    return packet[:-2] + len(added).to_bytes(2, "big") + added


def fail(message: dict[str, object]) -> None:
    raise AssertionError(message)


def said(reply: bytes) -> tuple[object, ...]:
    message = dns.message.from_wire(reply)
    options = [(item.otype, item.to_wire()) for item in message.options]
    head = (message.id, int(message.flags), str(message.question), message.edns, message.ednsflags)
    return (*head, message.payload, options)


@settings(max_examples=25 * MORE, deadline=None)
@given(
    worlds(),
    st.lists(st.tuples(forms, st.sampled_from(COOKIES)), min_size=1, max_size=4),
    st.randoms(use_true_random=False),
)
def test_batches(world: World, puts: list[tuple[Form, str]], random: object) -> None:
    view = StaticView([zone_from_dnspython(zone) for zone in world.zones], world.expired_origins)
    site = Site(cookie_secrets=(SECRET,))
    responder = Responder(Rules({}, Access([]), site), fail, lambda _: CLIENT, datagram=True)
    responder.use(view)
    packets = []
    for form, kind in puts:
        value = cookie(kind)
        for name, qtype in world.asked:
            packet = form.packet(name, qtype)
            packets.append(
                with_cookie(packet, value) if value and form.edns is not None else packet
            )
    for _ in range(3):
        random.shuffle(packets)  # type: ignore[attr-defined]
        for packet, reply in zip(packets, responder.replies(packets), strict=True):
            assert reply is not None
            given_back = [
                option(COOKIE, item.to_wire() or b"")
                for item in dns.message.from_wire(reply).options
                if item.otype == COOKIE
            ]
            event(f"{len(given_back)} cookies")
            extras = Extras(b"".join(given_back))
            slow = answer_query(packet, read_query(packet), view, datagram=True, extras=extras)
            assert said(reply) == said(slow), packet
            assert from_message(reply) == from_message(slow), packet
            assert bool(given_back) == (b"\x00\x0a\x00" in packet[-34:] and b"12345678" in packet)
