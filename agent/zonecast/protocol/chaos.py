"""Class CHAOS: what a server says about itself, where it is told what to say (RFC 4892).

`version.bind.` and `version.server.` have the version, `id.server.` and `hostname.bind.` the
identity, which NSID gives too (RFC 5001). Nothing else is in this class.
"""

from __future__ import annotations

from zonecast.protocol.edns import write_opt
from zonecast.protocol.message import Query
from zonecast.protocol.sections import AA, HEADER, QR, RD
from zonecast.zone import rdata as rd

CLASS_CHAOS = 3

_IDENTITY = frozenset((b"\x02id\x06server\x00", b"\x08hostname\x04bind\x00"))
_VERSION = frozenset((b"\x07version\x04bind\x00", b"\x07version\x06server\x00"))
_RECORD = b"\xc0\x0c\x00\x10\x00\x03\x00\x00\x00\x00"  # owner C00C, TXT, CHAOS, TTL 0


def chaos_reply(
    packet: bytes, query: Query, identity: bytes, version: bytes, options: bytes
) -> bytes | None:
    """The reply to a query of class CHAOS, with `options` where it has an OPT record; None for
    names that are not there, and for those whose text is empty."""
    if query.qclass != CLASS_CHAOS:
        return None
    name = query.name.lower()
    text = identity if name in _IDENTITY else version if name in _VERSION else b""
    if not text:
        return None
    record = b""
    if query.qtype in (rd.TXT, rd.ANY):
        size = len(text)
        record = _RECORD + (size + 1).to_bytes(2, "big") + bytes((size,)) + text
    opt = b"" if query.edns is None else write_opt(query.edns.dnssec, 0, options)
    flags = QR | AA | query.flags & RD
    header = HEADER.pack(query.id, flags, 1, bool(record), 0, bool(opt))
    return header + packet[12 : query.end] + record + opt
