"""The fast path: the owner exists and the stored tail is the whole answer, with its signatures or
without.

One look-up of the zone, one of the entry, one join. Whatever is not exactly this (another header,
EDNS options, a type with rules of its own, an entry with flags, an answer that does not fit)
returns None and takes the slow path in `answer`, which gives the same octets' meaning for every
query that this module answers; a property test holds the two together.
"""

from __future__ import annotations

from zonecast.protocol.compiled import as_plain
from zonecast.protocol.edns import PLAIN_SIZE, UDP_SIZE, write_opt
from zonecast.protocol.view import View
from zonecast.zone.names import node_key

# A header after its identifier → the answer's flags and whether an OPT record follows.
_HEADERS = {
    b"\x00\x00" + b"\x00\x01\x00\x00\x00\x00\x00\x00": (b"\x84\x00\x00\x01", False),
    b"\x01\x00" + b"\x00\x01\x00\x00\x00\x00\x00\x00": (b"\x85\x00\x00\x01", False),
    b"\x00\x00" + b"\x00\x01\x00\x00\x00\x00\x00\x01": (b"\x84\x00\x00\x01", True),
    b"\x01\x00" + b"\x00\x01\x00\x00\x00\x00\x00\x01": (b"\x85\x00\x00\x01", True),
    # AD asks for nothing an authoritative server could give (RFC 6840 §5.7), but dig sets it.
    b"\x00\x20" + b"\x00\x01\x00\x00\x00\x00\x00\x00": (b"\x84\x00\x00\x01", False),
    b"\x01\x20" + b"\x00\x01\x00\x00\x00\x00\x00\x00": (b"\x85\x00\x00\x01", False),
    b"\x00\x20" + b"\x00\x01\x00\x00\x00\x00\x00\x01": (b"\x84\x00\x00\x01", True),
    b"\x01\x20" + b"\x00\x01\x00\x00\x00\x00\x00\x01": (b"\x85\x00\x00\x01", True),
}

STREAM_SIZE = 65535

# Type 0 is the negative SOA's key, DS belongs to the parent, NSEC at a cut is the parent's too.
_NEVER = frozenset((b"\x00\x00", b"\x00\x2b", b"\x00\x2f"))
_NO_OPT = b"\x00\x00\x00\x00"
_OPT = b"\x00\x00\x00\x01"
_OPT_PLAIN = write_opt(False)
_OPT_DNSSEC = write_opt(True)


def exact_match(packet: bytes, view: View, datagram: bool) -> bytes | None:
    """The whole reply, or None for the slow path. `datagram`: it has to fit the client's size."""
    known = _HEADERS.get(packet[2:12])
    if known is None:
        return None
    flags, has_opt = known

    # The question: a name of plain labels, a type, class IN.
    size = len(packet)
    position = 12
    while position < size and 0 < packet[position] < 64:
        position += packet[position] + 1
    end = position + 5
    if size < end or packet[position] or position > 266:
        return None
    qtype = packet[position + 1 : position + 3]
    if packet[position + 3 : end] != b"\x00\x01" or qtype in _NEVER:
        return None

    # EDNS, recognised by its octets: version 0, no options.
    limit = PLAIN_SIZE
    tail = b""
    if has_opt:
        opt = packet[end:]
        if len(opt) != 11 or opt[:3] != b"\x00\x00\x29" or opt[5:7] + opt[9:] != _NO_OPT:
            return None
        tail = _OPT_DNSSEC if opt[7] & 0x80 else _OPT_PLAIN
        limit = max(PLAIN_SIZE, min(opt[3] << 8 | opt[4], UDP_SIZE))
    elif size != end:
        return None

    # The zone: the longest suffix served here.
    name = packet[12 : position + 1].lower()
    zones = view.zones
    cut = 0
    while (zone := zones.get(name[cut:])) is None:
        if not name[cut]:
            return None
        cut += name[cut] + 1
    if zone.origin in view.expired:
        return None

    entry = view.get(zone.prefix + node_key(name[:cut]) + b"\x00" + qtype)
    if entry is None or entry[0]:
        entry = entry and as_plain(entry, tail is _OPT_DNSSEC)
        if not entry:
            return None
    counts = entry[1:3] + (_OPT if has_opt else _NO_OPT)
    reply = packet[:2] + flags + counts + packet[12:end] + entry[3:] + tail
    return None if len(reply) > (limit if datagram else STREAM_SIZE) else reply
