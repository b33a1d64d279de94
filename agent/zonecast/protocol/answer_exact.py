"""The fast path: the owner exists and the stored tail is the whole answer, with its signatures or
without. One look-up of the zone, one of the entry, one join; `answer_near` has what is next to it.

Whatever is not recognised (another header, EDNS options, a type with rules of its own, an answer
that does not fit) returns None and takes the slow path in `answer`, which gives the same octets'
meaning for every query that this module answers; a property test holds the two together.
"""

from __future__ import annotations

from zonecast.protocol.answer_near import Question, near_match
from zonecast.protocol.compiled import as_plain
from zonecast.protocol.edns import PLAIN_SIZE, UDP_SIZE, write_opt
from zonecast.protocol.view import View
from zonecast.zone.names import node_key

# A header after its identifier → the answer's flags with AA, without AA, with AA and NXDOMAIN; and
# whether an OPT record follows. AD asks for nothing an authoritative server could give (RFC 6840
# §5.7), but dig sets it.
_HEADERS = {
    recursion + bits + b"\x00\x01\x00\x00\x00\x00\x00" + opt: (
        bytes((0x84 | recursion[0], 0, 0, 1)),
        bytes((0x80 | recursion[0], 0, 0, 1)),
        bytes((0x84 | recursion[0], 3, 0, 1)),
        opt == b"\x01",
    )
    for recursion in (b"\x00", b"\x01")
    for bits in (b"\x00", b"\x20")
    for opt in (b"\x00", b"\x01")
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
    flags, referring, denying, has_opt = known

    # The question: a name, a type, class IN. A name with a zero octet in a label ends too early
    # here, is none that is served, and takes the slow path.
    size = len(packet)
    position = packet.find(b"\x00", 12)
    end = position + 5
    if size < end or not 12 <= position <= 266:
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

    # The zone: the longest suffix served here. What comes before it are whole labels.
    name = packet[12 : position + 1].lower()
    zones = view.zones
    cut = 0
    while (zone := zones.get(name[cut:])) is None:
        length = name[cut]
        cut += length + 1
        if not 0 < length < 64 or cut > position - 12:
            return None
    if zone.origin in view.expired:
        return None

    owner = name[:cut]
    if cut > 1 and owner[0] + 1 == cut and b"\x01" not in owner[1:]:
        node = owner[1:] + b"\x00"
    else:
        node = node_key(owner)
    entry = view.get(zone.prefix + node + b"\x00" + qtype)
    plain = entry
    if entry is None or entry[0]:
        plain = entry and as_plain(entry, tail is _OPT_DNSSEC)
    if plain:
        counts = plain[1:3] + (_OPT if has_opt else _NO_OPT)
        reply = packet[:2] + flags + counts + packet[12:end] + plain[3:] + tail
    else:
        asked = Question(zone, owner, node, qtype, tail is _OPT_DNSSEC, end)
        near = near_match(view, asked, entry)
        if near is None:
            return None
        rcode, authoritative, counts, records = near
        flags = denying if rcode else flags if authoritative else referring
        if has_opt:
            counts = counts[:4] + (1 + (counts[4] << 8 | counts[5])).to_bytes(2, "big")
        reply = packet[:2] + flags + counts + packet[12:end] + records + tail
    return None if len(reply) > (limit if datagram else STREAM_SIZE) else reply
