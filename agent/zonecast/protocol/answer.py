"""Answering a query: RFC 1034 §4.3.2 over a View. The one answerer, over LMDB and over a dict.

Also here: wildcards (RFC 4592), DNAME (RFC 6672), negative answers (RFC 2308), the RCODE after a
CNAME (RFC 6604), minimal answers to ANY (RFC 8482), RRSIGs with DO (RFC 4035 §3.1.1). CNAMEs are
followed through every zone served.

Not implemented: NSEC and NSEC3 proofs (RFC 4035 §3.1.3, RFC 5155 §7.2).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from zonecast.protocol.answer_find import (
    CUT,
    DNAME,
    MISSING,
    Place,
    entries_at,
    walk,
    wildcard,
    zone_of,
)
from zonecast.protocol.compiled import NEGATIVE_KEY, Entry, read_entry
from zonecast.protocol.sections import NOERROR, NXDOMAIN, REFUSED, SERVFAIL
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import MAX_NAME
from zonecast.zone.rrset import SOA_KEY

YXDOMAIN = 6

# Links of one CNAME chain followed; what comes after is the client's to ask for.
MAX_CHAIN = 16


@dataclass(slots=True)
class Answered:
    """One RRset of an answer: its owner, its records and signatures from their types onward, and
    the zone they came from. `cut` is the delegated name where this is a referral's NS RRset."""

    owner: bytes
    rtype: int
    tails: list[bytes]
    zone: ZoneRef
    cut: bytes | None = None


@dataclass(slots=True)
class Answer:
    """What to say: RCODE, AA, and RRsets of the answer and authority sections in order."""

    rcode: int = NOERROR
    authoritative: bool = True
    answer: list[Answered] = field(default_factory=list)
    authority: list[Answered] = field(default_factory=list)


def resolve(view: View, name: bytes, qtype: int, dnssec: bool) -> Answer:
    """The answer to (`name`, `qtype`) in class IN; with `dnssec`, RRSIGs go along.

    REFUSED where no zone served holds the name, SERVFAIL where that zone is expired.
    """
    zone = zone_of(view, name, qtype)
    if zone is None:
        return Answer(REFUSED, authoritative=False)
    if zone.origin in view.expired:
        return Answer(SERVFAIL, authoritative=False)
    search = _Search(view, qtype, dnssec)
    seen: set[bytes] = set()
    current: bytes | None = name
    while current is not None and zone is not None and zone.origin not in view.expired:
        seen.add(current.lower())
        current = search.step(zone, current)
        if current is None or current.lower() in seen or len(seen) > MAX_CHAIN:
            break
        zone = zone_of(view, current, qtype)
    return search.found


class _Search:
    """One query on its way through the zones; `step` looks up one name of the chain."""

    def __init__(self, view: View, qtype: int, dnssec: bool) -> None:
        self.view = view
        self.qtype = qtype
        self.dnssec = dnssec
        self.found = Answer()

    def step(self, zone: ZoneRef, name: bytes) -> bytes | None:
        """Add what `zone` says about `name`; the next name where the chain goes on."""
        place = walk(self.view, zone, name)
        if place.kind == MISSING:
            place = wildcard(self.view, zone, place)
        if place.kind == CUT and (place.start or self.qtype != rd.DS):
            self._referral(zone, name, place)
        elif place.kind == DNAME:
            return self._dname(zone, name, place)
        elif place.kind == MISSING:
            self._negative(zone, name, NXDOMAIN)
        elif self.qtype in (rd.ANY, rd.RRSIG):
            self._several(zone, name, place.node)
        else:
            return self._node(zone, name, place.node)
        return None

    def _node(self, zone: ZoneRef, name: bytes, node: bytes) -> bytes | None:
        """Answer from the RRsets of the name's own node, or of the wildcard that stands for it."""
        key = zone.prefix + node + b"\x00"
        entry = self.view.get(key + self.qtype.to_bytes(2, "big"))
        if entry is not None and self._add(zone, name, self.qtype, read_entry(entry)):
            return None
        entry = self.view.get(key + b"\x00\x05")
        cname = None if entry is None else read_entry(entry)
        if cname is None or not self._add(zone, name, rd.CNAME, cname):
            self._negative(zone, name, NOERROR)
            return None
        return cname.records[0][10:]

    def _several(self, zone: ZoneRef, name: bytes, node: bytes) -> None:
        """ANY: the node's first RRset (RFC 8482 §4.1). RRSIG: all its signatures."""
        for octets in entries_at(self.view, zone.prefix + node):
            entry = read_entry(octets)
            if self.qtype == rd.RRSIG:
                self._put(self.found.answer, zone, name, rd.RRSIG, entry.signatures)
            elif self._add(zone, name, _type_of(entry), entry):
                break
        if not any(item.owner == name for item in self.found.answer):
            self._negative(zone, name, NOERROR)

    def _dname(self, zone: ZoneRef, name: bytes, place: Place) -> bytes | None:
        entry = read_entry(place.entry)
        owner = name[place.start :]
        if not any(
            item.rtype == rd.DNAME and item.owner.lower() == owner.lower()
            for item in self.found.answer
        ):
            self._add(zone, owner, rd.DNAME, entry)
        tail = entry.records[0]
        target = name[: place.start] + tail[10:]
        if len(target) > MAX_NAME:
            self.found.rcode = YXDOMAIN
            return None
        # The synthesised CNAME has the DNAME's TTL (RFC 6672 §3.1) and no signature.
        cname = b"\x00\x05\x00\x01" + tail[4:8] + len(target).to_bytes(2, "big") + target
        self.found.answer.append(Answered(name, rd.CNAME, [cname], zone))
        return None if self.qtype in (rd.CNAME, rd.ANY) else target

    def _referral(self, zone: ZoneRef, name: bytes, place: Place) -> None:
        """The delegation at a zone cut, with the DS RRset for who asks with DO. The answer is
        authoritative where a CNAME led here, for its owner's sake (RFC 1035 §4.1.1)."""
        owner = name[place.start :]
        if not self.found.answer:
            self.found.authoritative = False
        tails = read_entry(place.entry).records
        self.found.authority.append(Answered(owner, rd.NS, tails, zone, cut=owner))
        if self.dnssec:
            entry = self.view.get(zone.prefix + place.node + b"\x00\x00\x2b")
            if entry is not None:
                ds = read_entry(entry)
                if ds.signatures:  # without one it proves nothing
                    tails = ds.records + ds.signatures
                    self._put(self.found.authority, zone, owner, rd.DS, tails)

    def _negative(self, zone: ZoneRef, name: bytes, rcode: int) -> None:
        """NXDOMAIN or NODATA with the SOA (RFC 2308 §2), its signature's TTL as low as its own."""
        self.found.rcode = rcode
        entry = self.view.get(zone.prefix + NEGATIVE_KEY)
        tails = [] if entry is None else read_entry(entry).records
        if self.dnssec and tails:
            signed = self.view.get(zone.prefix + SOA_KEY)
            ttl = tails[0][4:8]
            signatures = [] if signed is None else read_entry(signed).signatures
            tails += [tail[:4] + min(ttl, tail[4:8]) + tail[8:] for tail in signatures]
        origin = name[len(name) - len(zone.origin) :]
        self._put(self.found.authority, zone, origin, rd.SOA, tails)

    def _add(self, zone: ZoneRef, name: bytes, rtype: int, entry: Entry) -> bool:
        """Add an entry's RRset, and its signatures where they were asked for, to the answer;
        False for an entry that holds nothing but signatures."""
        if not entry.records:
            return False
        tails = entry.records + entry.signatures if self.dnssec else entry.records
        self._put(self.found.answer, zone, name, rtype, tails)
        return True

    @staticmethod
    def _put(
        section: list[Answered], zone: ZoneRef, owner: bytes, rtype: int, tails: list[bytes]
    ) -> None:
        if tails:
            section.append(Answered(owner, rtype, tails, zone))


def _type_of(entry: Entry) -> int:
    return int.from_bytes(entry.records[0][:2], "big") if entry.records else 0
