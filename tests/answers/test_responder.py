"""What a responder does besides answering: cache, expiry, classes, TSIG, NOTIFY, transfers."""

from __future__ import annotations

import time
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.tsig
import dns.tsigkeyring
import pytest
from loading import query, zone_from_text
from serving import StaticView, make_responder

from zonecast.protocol.access import Access, Peer
from zonecast.protocol.notify import build_notify
from zonecast.protocol.tsig import make_key, sign_request
from zonecast.zone import names

ZONE = """\
$TTL 60
@ 900 SOA ns admin {serial} 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
www A 192.0.2.{serial}
"""
KEY = make_key("xfr.example.", "hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0")
OTHER = make_key("xfr.example.", "hmac-sha256", "b3RoZXJvdGhlcm90aGVyb3RoZXI=")


def version(serial: int, **more: Any) -> StaticView:
    zone = zone_from_text(ZONE.format(serial=serial), "example.")
    return StaticView([zone], number=serial, **more)


def parsed(reply: object) -> dns.message.Message:
    assert isinstance(reply, bytes)
    return dns.message.from_wire(reply)


def ask(responder: Any, packet: bytes, client: str = "192.0.2.99") -> dns.message.Message:
    return parsed(responder.reply(packet, client))


def test_a_cached_reply_carries_the_new_identifier_and_the_querys_case() -> None:
    responder = make_responder(version(1))
    for identifier in (1, 2):
        packet = query("wWw.Example.", "A", identifier=identifier)
        reply = responder.reply(packet, "")
        assert isinstance(reply, bytes)
        assert reply[:2] == packet[:2]
        assert packet[12:] in reply
    assert ask(responder, query("www.example.", "A")).question[0].name.to_text() == "www.example."


def test_no_cached_reply_outlives_its_version() -> None:
    responder = make_responder(version(1))
    for serial in (1, 2, 3):
        responder.use(version(serial))
        for _ in range(2):
            assert (
                str(ask(responder, query("www.example.", "A")).answer[0][0]) == f"192.0.2.{serial}"
            )
            assert ask(responder, query("no.example.", "A")).authority[0][0].serial == serial


def test_no_cached_reply_outlives_an_expiry() -> None:
    responder = make_responder(version(1))
    packet = query("www.example.", "A")
    assert ask(responder, packet).rcode() == dns.rcode.NOERROR
    responder.use(version(1, expired=frozenset((names.from_text("example."),))))
    for name in ("www.example.", "no.example."):
        reply = ask(responder, query(name, "A"))
        assert (reply.rcode(), reply.flags & dns.flags.AA) == (dns.rcode.SERVFAIL, 0)
    responder.use(version(1))
    assert ask(responder, packet).rcode() == dns.rcode.NOERROR


def test_other_zones_and_classes_are_refused() -> None:
    responder = make_responder(version(1))
    chaos = query("version.bind.", "TXT", qclass=3)
    for packet in (query("elsewhere.", "A"), chaos, query("www.example.", "A", qclass=4)):
        reply = ask(responder, packet)
        assert (reply.rcode(), reply.flags & dns.flags.AA) == (dns.rcode.REFUSED, 0)


def test_class_any_is_answered_without_authority() -> None:
    """Pitfall: QCLASS ANY has no authority."""
    reply = responder_reply = ask(
        make_responder(version(1)), query("www.example.", "A", qclass=255)
    )
    assert len(responder_reply.answer) == 1
    assert not reply.flags & dns.flags.AA


def test_a_chain_that_comes_back_to_an_rrset_does_not_repeat_it() -> None:
    """Pitfall: loops of aliases end."""
    text = ZONE.format(serial=1) + "back DNAME way\n*.way CNAME back\n"
    responder = make_responder(StaticView([zone_from_text(text, "example.")]))
    reply = responder.reply(query("x.BACK.example.", "DNAME"), "192.0.2.99")
    assert isinstance(reply, bytes)
    answer = dns.message.from_wire(reply, one_rr_per_rrset=True).answer
    assert [str(rrset.name) for rrset in answer] == [
        "BACK.example.",
        "x.BACK.example.",
        "x.way.example.",
    ]


def test_a_signed_query_gets_a_signed_answer() -> None:
    responder = make_responder(version(1), keys=(KEY,))
    for name, rcode in (("www.example.", "NOERROR"), ("no.example.", "NXDOMAIN")):
        request = dns.message.make_query(name, "A")
        ring = dns.tsigkeyring.from_text(
            {"xfr.example.": ("hmac-sha256", "c2VjcmV0c2VjcmV0c2VjcmV0")}
        )
        request.use_tsig(ring)
        reply = responder.reply(request.to_wire(), "192.0.2.99")
        assert isinstance(reply, bytes)
        checked = dns.message.from_wire(reply, keyring=ring, request_mac=request.mac)
        assert checked.had_tsig
        assert dns.rcode.to_text(checked.rcode()) == rcode


def test_a_wrong_signature_gets_notauth_and_nothing_else() -> None:
    responder = make_responder(version(1), keys=(KEY,))
    packet, _ = sign_request(query("www.example.", "A"), OTHER, time.time())
    reply = responder.reply(packet, "192.0.2.99")
    assert isinstance(reply, bytes)
    assert reply[3] & 15 == dns.rcode.NOTAUTH
    assert reply[6:8] == b"\x00\x00"


ACCESS = Access(
    [Peer("by-key", "192.0.2.1", frozenset((KEY.name,))), Peer("by-address", "192.0.2.2")],
    [Peer("primary", "192.0.2.3")],
)


@pytest.mark.parametrize(
    ("name", "qtype", "client", "signed", "datagram", "rcode"),
    [
        ("example.", "AXFR", "192.0.2.99", False, False, dns.rcode.REFUSED),
        ("example.", "AXFR", "192.0.2.1", False, False, dns.rcode.REFUSED),
        ("example.", "IXFR", "192.0.2.99", False, True, dns.rcode.REFUSED),
        ("example.", "IXFR", "192.0.2.2", False, True, dns.rcode.FORMERR),
        ("www.example.", "AXFR", "192.0.2.2", False, False, dns.rcode.NOTAUTH),
        ("elsewhere.", "AXFR", "192.0.2.99", True, False, dns.rcode.NOTAUTH),
        ("www.example.", "AXFR", "192.0.2.99", False, False, dns.rcode.NOTAUTH),
        ("example.", "AXFR", "192.0.2.2", False, True, dns.rcode.NOTIMP),
    ],
)
def test_transfers_are_denied(
    name: str, qtype: str, client: str, signed: bool, datagram: bool, rcode: dns.rcode.Rcode
) -> None:
    """Pitfall: NOTAUTH for what is not here, SERVFAIL for what has expired, no AXFR over UDP,
    REFUSED for the rest."""
    responder = make_responder(version(1), datagram=datagram, access=ACCESS, keys=(KEY,))
    packet = query(name, qtype)
    if signed:
        packet, _ = sign_request(packet, KEY, time.time())
    reply = responder.reply(packet, client)
    assert isinstance(reply, bytes)
    assert reply[3] & 15 == rcode
    assert reply[6:8] == b"\x00\x00"


def test_a_denied_transfer_has_an_opt_iff_the_query_had_one() -> None:
    responder = make_responder(version(1), datagram=False, access=ACCESS)
    for qtype in ("AXFR", "IXFR"):
        assert ask(responder, query("example.", qtype)).edns == -1
        denied = ask(responder, query("example.", qtype, edns=1232, dnssec=True))
        assert (denied.rcode(), denied.edns, denied.ednsflags) == (5, 0, 0x8000)
        unknown = ask(responder, query("example.", qtype, edns=1232, version=1))
        assert (unknown.rcode(), unknown.edns) == (dns.rcode.BADVERS, 0)


def test_a_notify_from_a_primary_is_answered_and_passed_on() -> None:
    told: list[dict[str, Any]] = []
    view = version(7)
    responder = make_responder(view, told.append, access=ACCESS)
    soa = zone_from_text(ZONE.format(serial=8), "example.").soa
    packet = build_notify(99, names.from_text("Example."), soa)
    reply = ask(responder, packet, "192.0.2.3")
    assert (reply.id, reply.rcode(), reply.opcode()) == (99, dns.rcode.NOERROR, 4)
    assert told == [
        {"notify": {"zone": "example.", "serial": 8, "address": "192.0.2.3", "key": None}}
    ]
    assert ask(responder, packet, "192.0.2.99").rcode() == dns.rcode.REFUSED
    assert told[1:] == [{"guard": {"notifies": 1}}], "no more than counted"


class BrokenView(StaticView):
    """A store that fails below one name."""

    def seek(self, key: bytes) -> tuple[bytes, bytes] | None:
        if b"bad" in key:
            raise RuntimeError("broken page")
        return super().seek(key)


def test_a_fault_is_reported_once_and_answered_with_servfail() -> None:
    told: list[dict[str, Any]] = []
    zone = zone_from_text(ZONE.format(serial=1), "example.")
    responder = make_responder(BrokenView([zone]), told.append)
    for _ in range(3):
        assert ask(responder, query("bad.example.", "A")).rcode() == dns.rcode.SERVFAIL
    assert ask(responder, query("good.example.", "A")).rcode() == dns.rcode.NXDOMAIN
    assert len(told) == 1
    assert "broken page" in told[0]["fault"]
