"""The fast path where the name or the type is not there, or there is more to say: NXDOMAIN, NODATA,
wildcards, referrals, one CNAME, addresses of the hosts that a record names.

The walk from the apex remembers what it found above the name that is asked for, and records that
it put together: `view.memo` holds both for one version. Anything else (DNAME, chains, proofs)
returns None and takes the slow path in `answer`, which says the same; the property test that
holds `answer_exact` holds this too.
"""

from __future__ import annotations

from typing import NamedTuple

from zonecast.protocol.answer_additional import address_tails
from zonecast.protocol.answer_pieces import Pieces
from zonecast.protocol.compiled import (
    CUT,
    NEGATIVE_KEY,
    OCCLUDED,
    TARGETS,
    as_plain,
    read_entry,
)
from zonecast.protocol.sections import NOERROR, NXDOMAIN
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import ROOT, node_key, relative

# What the memo holds at most; it starts anew then, as it does with each version.
MEMO = 50_000

PLAIN, ELSEWHERE, MISSING = range(3)

_NS, _CNAME, _DNAME = b"\x00\x00\x02", b"\x00\x00\x05", b"\x00\x00\x27"
# RRSIG is asked of every type, NSEC3 stands elsewhere, and from 128 to 255 no type is data
# (RFC 6895 §3.1).
OTHERS = frozenset((b"\x00\x2e", b"\x00\x32"))
_META, _LAST_META = b"\x00\x80", b"\x00\xff"
# Where the host stands in the rdata of the types that name one.
_HOST = {b"\x00\x02": 0, b"\x00\x0f": 2, b"\x00\x21": 6, b"\x00\x12": 2, b"\x00\x24": 2}
_DENIAL = b"\x00\x00\x00\x01\x00\x00"  # counts of an answer that is a SOA alone

_ONE_PLAIN = b"\x00\x00\x01"  # an entry's beginning: one record, which is all
_ALIAS_AND_ONE = b"\x00\x02\x00\x00\x00\x00"  # counts of an alias and its target's record

# What else the memo has under a zone's prefix: no node key starts with these octets.
_NEGATIVE, _REFERRAL, _HOSTS = b"\x00", b"\x00\x01", b"\x00\x02"


class Question(NamedTuple):
    """What is asked, in `zone`: the lower-cased name's octets before the zone's own, their node
    key, the type's octets, whether DO is set, and where in the reply the answer section begins."""

    zone: ZoneRef
    owner: bytes
    node: bytes
    qtype: bytes
    dnssec: bool
    start: int


# An answer: its RCODE, whether it is authoritative, its counts as octets, and its records. A plain
# tuple, as every answer makes one.
Near = tuple[int, bool, bytes, bytes]


def near_match(view: View, asked: Question, entry: bytes | None) -> Near | None:
    """The answer; `entry` is what stands under the name and type, where that is not all of it."""
    memo = view.memo
    if len(memo) > MEMO:
        memo.clear()
    if asked.dnssec and _negative(view, asked.zone).signed:
        return None
    if entry is not None and not entry[0] & (OCCLUDED | CUT):
        return _with_hosts(view, asked, entry)
    node = asked.node
    qtype = asked.qtype
    if qtype in OTHERS or _META <= qtype <= _LAST_META or len(asked.owner) != len(node):
        return None  # of different length: an escaped node key does not tell where a name begins
    encloser = asked.zone.prefix
    end = 0
    while True:
        kind = memo.get(encloser)
        if kind is None:
            kind = _kind(view, encloser)
        if kind == ELSEWHERE:
            return _referral(view, asked, end) if end else None
        if kind == MISSING:
            return _covered(
                view, asked, asked.zone.prefix + node[: node.rfind(b"\x00", 0, end - 1) + 1]
            )
        end = node.find(b"\x00", end) + 1
        if end == len(node) or not node:
            break
        encloser = asked.zone.prefix + node[:end]
    own = asked.zone.prefix + node
    found = view.next_key(own)
    if found is None or not found.startswith(own):
        return _covered(view, asked, encloser)
    return at_node(view, asked, own, found)


def _kind(view: View, key: bytes) -> int:
    """What a node is: plain, where another zone's part begins or a DNAME stands, or not there.
    `key` is a zone's prefix and a node key; the apex always exists."""
    kind = PLAIN
    if len(key) > 4:
        found = view.next_key(key)
        if found is None or not found.startswith(key):
            kind = MISSING
        elif view.get(key + _NS) is not None:
            kind = ELSEWHERE
    if kind == PLAIN and view.get(key + _DNAME) is not None:
        kind = ELSEWHERE
    view.memo[key] = kind
    return kind


def at_node(view: View, asked: Question, own: bytes, first: bytes) -> Near | None:
    """The answer where the name is there and the type is not, or not for us to say; `own` is its
    key without a type, and `first` the key of the first entry there or below."""
    place = len(own)
    if first[place]:
        return nothing(view, asked, NOERROR)  # an empty non-terminal
    rtype = first[place:]
    if rtype < _NS:
        first = view.next_key(own + _NS) or b""
        if not first.startswith(own) or first[place]:
            return nothing(view, asked, NOERROR)
        rtype = first[place:]
    if rtype == _NS and asked.node:
        return _referral(view, asked, len(asked.node))
    if _NS < rtype < _CNAME:
        return None
    if rtype == _CNAME or (rtype == _NS and view.get(own + _CNAME) is not None):
        return _alias(view, asked, view.get(own + _CNAME))
    return nothing(view, asked, NOERROR)


def _covered(view: View, asked: Question, encloser: bytes) -> Near | None:
    """The answer where the name is not there: the wildcard's at its closest encloser, if any."""
    star = encloser + b"*\x00"
    kind = view.memo.get(star)
    if kind is None:
        kind = _kind(view, star)
    if kind == MISSING:
        return nothing(view, asked, NXDOMAIN)
    entry = None if kind == ELSEWHERE else view.get(star + b"\x00" + asked.qtype)
    if entry is None:
        other = kind == ELSEWHERE or view.get(star + _CNAME) is not None
        return None if other else nothing(view, asked, NOERROR)
    plain = entry if not entry[0] else as_plain(entry, False)
    if plain is None:
        return _with_hosts(view, asked, entry)
    return (NOERROR, True, plain[1:3] + b"\x00\x00\x00\x00", plain[3:])


class Denial(dict[int, bytes]):
    """A zone's SOA as negative answers carry it, by where the origin stands in the message."""

    def __init__(self, soa: Pieces) -> None:
        self._soa = soa

    def __missing__(self, place: int) -> bytes:
        octets = self[place] = self._soa.at(place)
        return octets


def simple_denial(view: View, origin: bytes, dnssec: bool) -> Denial | None:
    """The SOA for names right below this apex that are not there, where no more is said of them:
    there is no wildcard and no DNAME at the apex, and no proof to give. None otherwise."""
    memo = view.memo
    # No other key of the memo is an origin, or one and an octet: prefixes begin with zeros.
    key = b"\x01" + origin if dnssec else origin
    if key in memo:
        return memo[key]  # type: ignore[no-any-return]
    zone = view.zones[origin]
    negative = _negative(view, zone)
    star = _kind(view, zone.prefix + b"*\x00")
    simple = _kind(view, zone.prefix) == PLAIN and star == MISSING
    memo[key] = negative.soa if simple and not (dnssec and negative.signed) else None
    return memo[key]  # type: ignore[no-any-return]


class _Negative(NamedTuple):
    """A zone's SOA as negative answers carry it, and whether there is more where DO is set."""

    soa: Denial | None
    signed: bool


def _negative(view: View, zone: ZoneRef) -> _Negative:
    known: _Negative | None = view.memo.get(zone.prefix + _NEGATIVE)
    if known is None:
        octets = view.get(zone.prefix + NEGATIVE_KEY)
        known = _Negative(None, True)
        if octets is not None:
            entry = read_entry(octets)
            pieces = Pieces(zone.origin)
            pieces.add(zone.origin, entry.records)
            known = _Negative(Denial(pieces), bool(entry.flags))
        view.memo[zone.prefix + _NEGATIVE] = known
    return known


def nothing(view: View, asked: Question, rcode: int) -> Near | None:
    """NXDOMAIN or NODATA, with the SOA (RFC 2308 §2)."""
    soa = _negative(view, asked.zone).soa
    if soa is None:
        return None
    return (rcode, True, _DENIAL, soa[12 + len(asked.owner)])


def _referral(view: View, asked: Question, end: int) -> Near | None:
    """The delegation at the cut that the first `end` octets of the node key are, with its glue."""
    prefix, cut_node = asked.zone.prefix, asked.node[:end]
    known: tuple[bytes, Pieces] | None = view.memo.get(prefix + _REFERRAL + cut_node)
    if known is None:
        entry = view.get(prefix + cut_node + _NS)
        if entry is None:
            return None  # a DNAME
        servers = read_entry(entry).records
        cut = asked.owner[len(asked.owner) - end :] + asked.zone.origin
        pieces = Pieces(cut)
        pieces.add(cut, servers)
        hosts = dict.fromkeys(tail[10:].lower() for tail in servers if tail[10:] != ROOT)
        glue = 0
        # Required glue first, as in `answer_additional`.
        for host in sorted(hosts, key=lambda host: relative(host, cut) is None):
            tails = _addresses(view, asked.zone, host)
            pieces.add(host, tails)
            glue += len(tails)
        counts = b"\x00\x00" + len(servers).to_bytes(2, "big") + glue.to_bytes(2, "big")
        known = view.memo[prefix + _REFERRAL + cut_node] = (counts, pieces)
    counts, pieces = known
    return (NOERROR, False, counts, pieces.at(12 + len(asked.owner) - end))


def _addresses(view: View, zone: ZoneRef, host: bytes) -> list[bytes]:
    """The address records of a host in a zone, glue included, from their types onward."""
    known: list[bytes] | None = view.memo.get(zone.prefix + _HOSTS + host)
    if known is None:
        known = [
            tail for rtype in (rd.A, rd.AAAA) for tail in address_tails(view, zone, host, rtype)
        ]
        view.memo[zone.prefix + _HOSTS + host] = known
    return known


def _with_hosts(view: View, asked: Question, entry: bytes) -> Near | None:
    """An RRset and the addresses of the hosts that it names."""
    where = _HOST.get(asked.qtype)
    if entry[0] != TARGETS or where is None:
        return None
    ahead = asked.start - 3  # from a place in the entry to its place in the message
    if ahead + len(entry) >= 0x4000:
        return None  # beyond a pointer's 14 bits
    told: set[bytes] = set()
    added: list[bytes] = []
    position, end = 3, len(entry)
    while position < end:
        start = position + 12 + where
        position += 12 + (entry[position + 10] << 8 | entry[position + 11])
        host = entry[start:position].lower()
        if host != ROOT and host not in told:
            told.add(host)
            addresses = _addresses(view, asked.zone, host)
            if addresses:
                pointer = (0xC000 | ahead + start).to_bytes(2, "big")
                added += [pointer + address for address in addresses]
    counts = entry[1:3] + b"\x00\x00" + len(added).to_bytes(2, "big")
    return (NOERROR, True, counts, entry[3:] + b"".join(added))


def _alias(view: View, asked: Question, entry: bytes | None) -> Near | None:
    """A CNAME, and what is said of its target where that is here and no alias itself (RFC 1034
    §3.6.2): its records, or that it has none."""
    plain = entry if entry is None or not entry[0] else as_plain(entry, False)
    if plain is None or plain[1:3] != b"\x00\x01" or not asked.start:
        return None
    name = plain[15:].lower()
    place = asked.start + 12  # the target's in the message
    pointer = (0xC000 | place).to_bytes(2, "big")
    cut = name[0] + 1
    if name[cut:] == asked.zone.origin and name not in view.zones and name[1:cut].isalnum():
        found = view.get(asked.zone.prefix + name[1:cut] + b"\x00\x00" + asked.qtype)
        if found is not None and found[:3] == _ONE_PLAIN:
            return (NOERROR, True, _ALIAS_AND_ONE, plain[3:] + pointer + found[5:])
    target = _target(view, name, asked)
    if target is None:
        return None
    rcode, tails, soa, cut = target
    counts = bytes((0, 1 + len(tails), 0, 0 if soa is None else 1, 0, 0))
    records = plain[3:] + b"".join([pointer + tail for tail in tails])
    return (rcode, True, counts, records if soa is None else records + soa[place + cut])


class _Target(NamedTuple):
    """What is said of an alias's target: RCODE, its records from their types onward, the SOA of a
    negative answer and where in the name its zone's begins."""

    rcode: int
    tails: list[bytes]
    soa: Denial | None = None
    cut: int = 0


def _target(view: View, name: bytes, asked: Question) -> _Target | None:
    """None where more is to be said than here."""
    qtype = asked.qtype
    cut = name[0] + 1
    zone = view.zones.get(name[cut:])
    if zone is None or name in view.zones:
        cut = 0
        while (zone := view.zones.get(name[cut:])) is None:
            if not name[cut]:
                return _Target(NOERROR, [])
            cut += name[cut] + 1
    if zone.origin in view.expired or (asked.dnssec and _negative(view, zone).signed):
        return None
    owner = name[:cut]
    node = node_key(owner)
    entry = view.get(zone.prefix + node + b"\x00" + qtype)
    if entry is None:
        near = _absent(view, Question(zone, owner, node, qtype, False, 0))
        if near is None or not near[1] or near[2] != _DENIAL:
            return None
        return _Target(near[0], [], _negative(view, zone).soa, cut)
    plain = entry if not entry[0] else as_plain(entry, False)
    if plain is None or plain[1] or plain[2] > 200:
        return None
    return _Target(NOERROR, [plain[5:]] if plain[2] == 1 else read_entry(plain).records)


def _absent(view: View, asked: Question) -> Near | None:
    """As `near_match`, where no entry is; without the walk for what is right below an apex."""
    own = asked.zone.prefix + asked.node
    if asked.node.find(b"\x00") + 1 < len(asked.node) or b"\x01" in asked.node:
        return near_match(view, asked, None)
    if simple_denial(view, asked.zone.origin, False) is None:
        return near_match(view, asked, None)
    found = view.next_key(own)
    if found is None or not found.startswith(own):
        return nothing(view, asked, NXDOMAIN)
    return at_node(view, asked, own, found)
