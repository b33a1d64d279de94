"""Packets through the whole answering path, in this process and over a store: whatever the octets,
there is a reply that can be read, or silence where silence is due, and nothing goes wrong inside.

The first octet says over which transport, and which features are on.
"""

from __future__ import annotations

import atexit
import struct
import tempfile
from functools import cache
from pathlib import Path

from zonecast.errors import WireError
from zonecast.protocol.access import Access, Peer
from zonecast.protocol.edns import UDP_SIZE
from zonecast.protocol.message import read_query
from zonecast.protocol.sections import FORMERR, NOTIMP, records
from zonecast.protocol.tsig_record import make_key
from zonecast.server.answering.guard import Guard, read_rulebook
from zonecast.server.answering.responder import Responder
from zonecast.server.answering.rules import Rules, Site
from zonecast.server.rate_table import RateTable
from zonecast.store.reader import ZonesReader
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import names
from zonecast.zone.changeset import diff
from zonecast.zone.zonefile import read_zone

CLIENT = "192.0.2.77"
PACKED = bytes((192, 0, 2, 77))
SECRET = "c2VjcmV0c2VjcmV0c2VjcmV0"
NOW = 1_800_000_000.0
# A truncated or refusing reply holds the question and an OPT record with what its options ask for.
ROOM = 11 + 64

ZONES = {
    "example.": b"""\
$TTL 60
@ 900 SOA ns admin 7 3600 600 86400 300
@ NS ns
@ NSEC a NS SOA RRSIG NSEC
ns A 192.0.2.53
www A 192.0.2.1
www AAAA 2001:db8::1
www RRSIG A 13 2 60 20400101000000 20200101000000 1 example. AAAA
mx MX 10 www
mx MX 20 www.other
big TXT %s
alias CNAME www
far CNAME on.test.
loop CNAME loop
*.wild MX 10 www
graft DNAME test.
sub NS ns.sub
sub DS 1 8 2 %s
ns.sub A 192.0.2.54
\\000\\001 TXT odd
a.b.c A 192.0.2.2
"""
    % (b" ".join([b"x" * 250] * 12), b"00" * 32),
    "test.": b"""\
$TTL 60
@ 900 SOA ns admin 7 3600 600 86400 300
@ NS ns
ns A 192.0.2.55
on CNAME off.example.
%s TXT long
"""
    % b".".join([b"l" * 63] * 3),
}


@cache
def _reader() -> ZonesReader:
    """The store, written once."""
    directory = tempfile.TemporaryDirectory(prefix="zonecast-fuzz-")
    atexit.register(directory.cleanup)
    state = Path(directory.name)
    prepare(state)
    writer = ZonesWriter(state)
    with writer.transaction(now=NOW) as transaction:
        for origin, text in ZONES.items():
            parsed = read_zone(
                text, path="zone", origin=names.from_text(origin), include=lambda *_: ("", b"")
            )
            assert not [found for found in parsed.findings if found.severity == "error"]
            transaction.apply(diff(None, parsed.zone))
    writer.close()
    return ZonesReader(state)


def _failed(message: dict[str, object]) -> None:
    assert "fault" not in message, message["fault"]


@cache
def _responder(features: int) -> Responder:
    """One for each transport and choice of features; they keep their packet caches."""
    key = make_key("key.", "hmac-sha256", SECRET)
    site = Site(
        identity=b"here",
        version=b"some",
        cookie_secrets=(bytes(16),) if features & 2 else (),
        require_cookies=bool(features & 4),
        awaited=frozenset((b"\x07awaited\x00",)),
    )
    access = Access([Peer("friend", CLIENT)] if features & 8 else [], [Peer("primary", CLIENT)])
    rules = Rules({key.name: key}, access, site)
    streams = not features & 1
    return Responder(rules, _failed, str, datagram=not streams, encrypted=bool(features & 16))


@cache
def _guard() -> Guard:
    lists = {"allow": [], "deny": [], "closed": False}
    settings = {
        "query": {**lists, "zones": [{"name": "test.", **lists, "closed": True}]},
        "rate-limit": {
            "rate": 100_000,
            "slip": 1,
            "ipv4_prefix": 24,
            "ipv6_prefix": 56,
            "allow": [],
            "dry_run": False,
            **RateTable().settings(),
        },
    }
    return Guard(read_rulebook(settings), _failed)


def packet(content: bytes) -> None:
    """One packet, and the same once more, which may be answered from what is remembered."""
    features, octets = content[0] if content else 0, content[1:]
    responder = _responder(features & 31)
    for _ in range(2):
        with _reader().begin() as snapshot:
            responder.use(snapshot)
            reply = responder.reply(octets, CLIENT)
            if reply is None or isinstance(reply, bytes):
                if reply is not None and features & 32:
                    reply = _guarded(octets, reply, snapshot, features)
                _judged(octets, reply, datagram=bool(features & 1))
            else:
                assert not features & 1
                for message in reply:
                    _judged(octets, message, datagram=False)


def _guarded(octets: bytes, reply: bytes, snapshot: object, features: int) -> bytes | None:
    if not features & 1:
        return _guard().single(octets, reply, CLIENT, snapshot)  # type: ignore[arg-type]
    replies: list[bytes | None] = [reply]
    responder = _responder(features & 31)
    _guard().batch(
        [octets],
        replies,
        lambda _: PACKED,
        lambda query, _: responder.has_cookie(query, CLIENT),
        snapshot,  # type: ignore[arg-type]
    )
    return replies[0]


def _judged(octets: bytes, reply: bytes | None, *, datagram: bool) -> None:
    """No response, and nothing short, is answered; all else is, with what is well-formed and no
    longer than it may be."""
    if len(octets) < 12 or octets[2] & 0x80:
        assert reply is None
        return
    assert reply is not None
    identifier, flags = struct.unpack_from(">HH", reply)
    assert identifier == octets[0] << 8 | octets[1]
    assert flags & 0xF800 == 0x8000 | (octets[2] & 0x78) << 8
    size = 12 + sum(1 for _ in records(reply))
    assert size <= len(reply)
    if flags & 15 in (FORMERR, NOTIMP):
        assert len(reply) <= len(octets) + ROOM
    if not datagram:
        assert len(reply) <= 65535
        return
    try:
        edns = read_query(octets).edns
    except WireError:
        assert len(reply) <= len(octets) + ROOM
        return
    assert len(reply) <= (512 if edns is None else min(edns.limit, UDP_SIZE))


def _query(name: bytes, rtype: int, opt: bytes = b"", flags: int = 0, more: bytes = b"") -> bytes:
    counts = struct.pack(">HHHH", 1, 0, bool(more), bool(opt))
    question = name + struct.pack(">HH", rtype, 1)
    return b"\x12\x34" + struct.pack(">H", flags) + counts + question + more + opt


def _opt(*options: tuple[int, bytes], dnssec: bool = False) -> bytes:
    rdata = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
    head = struct.pack(">BHHIH", 0, 41, 1232, 0x8000 if dnssec else 0, len(rdata))
    return head + rdata


_NAMES = [
    names.from_text(name)
    for name in (
        "www.example.", "no.example.", "big.example.", "alias.example.", "far.example.", "example.",
        "x.wild.example.", "x.graft.example.", "x.sub.example.", "b.c.example.", "test.", ".",
        "\\000\\001.example.", "version.bind.", "x.awaited.", "loop.example.",
    )
]  # fmt: skip
_OPTIONS = [
    _opt(), _opt(dnssec=True), _opt((10, b"12345678")), _opt((10, b"12345678" + bytes(16))),
    _opt((3, b""), (9, b""), (11, b""), (12, bytes(9)), (19, b""), (65001, b"x")),
]  # fmt: skip
_SOA = b"\xc0\x0c" + struct.pack(">HHIH", 6, 1, 0, 22) + bytes(22)
_TSIG = (
    b"\x03key\x00" + struct.pack(">HHIH", 250, 255, 0, 61) + b"\x0bhmac-sha256\x00"
    + bytes(6) + b"\x01\x2c\x00\x20" + bytes(32) + bytes(6)
)  # fmt: skip


def starts() -> list[bytes]:
    """What fuzzing starts from: queries of every kind, over each transport with all features."""
    packets = [_query(name, rtype) for name in _NAMES for rtype in (1, 6, 15, 255)]
    packets += [_query(name, 1, opt) for name in _NAMES for opt in _OPTIONS]
    packets += [_query(names.from_text("example."), rtype) for rtype in (251, 252)]
    packets.append(_query(names.from_text("example."), 251, more=_SOA))
    packets += [_query(_NAMES[0], 6, flags=opcode << 11) for opcode in (2, 4, 5, 6)]
    packets += [_query(_NAMES[0], 1, _TSIG), bytes(12), _query(_NAMES[0], 1)[:20]]
    packets.append(_query(b"", 0, _opt((10, b"12345678")))[:4] + bytes(6) + b"\x00\x01" + _opt())
    return [bytes((features,)) + each for each in packets for features in (0x3F, 0x3E, 0x01)]
