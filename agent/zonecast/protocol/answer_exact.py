"""The fast path: the owner exists and the stored tail is the whole answer, with its signatures or
without. One look-up of the zone, one of the entry, one join; `answer_near` has what is next to it.

Most names that are asked for are one label below an apex: those are found by the question's octets
alone, without a walk. Whatever is not recognised (another header, EDNS options, a type with rules
of its own, an answer that does not fit) returns None and takes the slow path in `answer`, which
gives the same octets' meaning for every query that this module answers; a property test holds the
two together.
"""

from __future__ import annotations

from zonecast.protocol.answer_near import (
    OTHERS,
    Near,
    Question,
    at_node,
    near_match,
    simple_denial,
)
from zonecast.protocol.compiled import as_plain
from zonecast.protocol.edns import PLAIN_SIZE, UDP_SIZE, write_opt
from zonecast.protocol.sections import NOERROR
from zonecast.protocol.view import View
from zonecast.zone.names import node_key

# A header after its identifier → the answer's flags and question count with AA, without AA, with
# AA and NXDOMAIN; and whether an OPT record follows. AD asks for nothing an authoritative server
# could give (RFC 6840 §5.7), but dig sets it.
_Header = tuple[bytes, bytes, bytes, bool]
_HEADERS: dict[bytes, _Header] = {
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
# Counts of the authority and the additional section.
_NO_RECORDS = b"\x00\x00\x00\x00"
_ONE_RECORD = b"\x00\x00\x00\x01"
# Counts of the answer and the authority section.
_SOA_ALONE = b"\x00\x00\x00\x01"
_OPT_PLAIN = write_opt(False)
_OPT_DNSSEC = write_opt(True)

# A question's last octets, a type of data and class IN → the end of the entry's key after a node.
_TYPES = {
    rtype + b"\x00\x01": b"\x00\x00" + rtype
    for rtype in (number.to_bytes(2, "big") for number in (*range(1, 128), 256, 257))
    if rtype not in _NEVER | OTHERS
}
# OPT records without options, in the sizes that clients use → our own, and the longest reply.
_OPTS = {
    b"\x00\x00\x29" + size.to_bytes(2, "big") + b"\x00\x00" + flags + b"\x00\x00\x00": (
        tail,
        max(PLAIN_SIZE, min(size, UDP_SIZE)),
    )
    for size in (512, 1024, 1220, 1232, 1280, 1400, 1410, 1432, 1440, 1452, 1472, 2048, 4096, 65535)
    for flags, tail in ((b"\x00", _OPT_PLAIN), (b"\x80", _OPT_DNSSEC))
}


def exact_match(packet: bytes, view: View, datagram: bool) -> bytes | None:
    """The whole reply, or None for the slow path. `datagram`: it has to fit the client's size."""
    header = _HEADERS.get(packet[2:12])
    if header is None:
        return None
    flags, _, _, has_opt = header
    tail, limit, counts = b"", PLAIN_SIZE, _NO_RECORDS
    question = packet[12:]
    if has_opt:
        opt = _OPTS.get(packet[-11:])
        if opt is None:
            return _match(packet, view, datagram, header)
        tail, limit = opt
        counts = _ONE_RECORD
        question = packet[12:-11]
    if not datagram:
        limit = STREAM_SIZE

    # One label, and the origin of a zone that is served: nothing else starts with that label's
    # length and ends so.
    suffix = _TYPES.get(question[-4:])
    name = question[:-4].lower()
    if suffix is None or not name:
        return _match(packet, view, datagram, header)
    cut = name[0] + 1
    prefix = view.prefixes.get(name[cut:])
    node = name[1:cut]
    if prefix is None or cut > 64 or len(name) > 255 or name in view.zones:
        return _match(packet, view, datagram, header)
    if not node.isalnum() and (b"\x00" in node or b"\x01" in node):
        return _match(packet, view, datagram, header)

    entry = view.get(prefix + node + suffix)
    if entry is not None and not entry[0]:
        reply = packet[:2] + flags + entry[1:3] + counts + question + entry[3:] + tail
        return None if len(reply) > limit else reply
    return _beside(packet, view, limit, header, name, question[-4:-2], entry)


def _beside(
    packet: bytes,
    view: View,
    limit: int,
    header: _Header,
    name: bytes,
    qtype: bytes,
    entry: bytes | None,
) -> bytes | None:
    """The reply to a question for a lower-cased name one label below an apex, where `entry`, if
    any, is not all of it."""
    cut = name[0] + 1
    zone = view.zones[name[cut:]]
    node = name[1:cut] + b"\x00"
    start = 16 + len(name)
    dnssec = header[3] and packet[start + 7] & 0x80 != 0
    denial = simple_denial(view, zone.origin, dnssec) if entry is None else None
    if denial is None:
        asked = Question(zone, name[:cut], node, qtype, dnssec, start)
        return _reply(packet, view, limit, header, asked, entry)
    own = zone.prefix + node
    found = view.next_key(own)
    if found is not None and found.startswith(own):
        asked = Question(zone, name[:cut], node, qtype, dnssec, start)
        return _told(packet, limit, header, asked, at_node(view, asked, own, found))
    # The number of additional records is the query's.
    reply = packet[:2] + header[2] + _SOA_ALONE + packet[10:start] + denial[12 + cut]
    if header[3]:
        reply += _OPT_DNSSEC if dnssec else _OPT_PLAIN
    return None if len(reply) > limit else reply


def _match(packet: bytes, view: View, datagram: bool, header: _Header) -> bytes | None:
    """The same for any name, by a walk from the question's name upwards."""
    has_opt = header[3]

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
        if len(opt) != 11 or opt[:3] != b"\x00\x00\x29" or opt[5:7] + opt[9:] != _NO_RECORDS:
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
    asked = Question(zone, owner, node, qtype, tail is _OPT_DNSSEC, end)
    return _reply(packet, view, limit if datagram else STREAM_SIZE, header, asked, entry)


def _reply(
    packet: bytes, view: View, limit: int, header: _Header, asked: Question, entry: bytes | None
) -> bytes | None:
    """The reply where `entry` is what stands under the name and type that are asked for."""
    plain = entry
    if entry is None or entry[0]:
        plain = entry and as_plain(entry, asked.dnssec)
    if not plain:
        return _told(packet, limit, header, asked, near_match(view, asked, entry))
    whole = (NOERROR, True, plain[1:3] + _NO_RECORDS, plain[3:])
    return _told(packet, limit, header, asked, whole)


def _told(
    packet: bytes, limit: int, header: _Header, asked: Question, near: Near | None
) -> bytes | None:
    """The reply with an answer; None where there is none or it is too long."""
    if near is None:
        return None
    flags, referring, denying, has_opt = header
    rcode, authoritative, counts, records = near
    reply = packet[:2] + (denying if rcode else flags if authoritative else referring)
    if has_opt:
        counts = counts[:4] + (1 + (counts[4] << 8 | counts[5])).to_bytes(2, "big")
    reply += counts + packet[12 : asked.start] + records
    if has_opt:
        reply += _OPT_DNSSEC if asked.dnssec else _OPT_PLAIN
    return None if len(reply) > limit else reply
