"""Answering a query: RFC 1034 §4.3.2 over a View. The one answerer, over LMDB and over a dict.

Also here: wildcards (RFC 4592), DNAME (RFC 6672), negative answers (RFC 2308), the RCODE after a
CNAME (RFC 6604), minimal answers to ANY (RFC 8482), RRSIGs and proofs with DO (RFC 4035 §3.1, RFC
5155 §7.2; `denial`). CNAMEs are followed through every zone served.
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
from zonecast.protocol.compiled import CHAINS, NEGATIVE_KEY, SECURE, Entry, read_entry
from zonecast.protocol.denial import find_proofs
from zonecast.protocol.denial_proof import HashCollisionError
from zonecast.protocol.sections import NOERROR, NXDOMAIN, REFUSED, SERVFAIL
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import MAX_NAME

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

    REFUSED where no zone served holds the name, SERVFAIL where that zone is expired, and where a
    proof is not to be had (RFC 5155 §7.2.9).
    """
    zone = zone_of(view, name, qtype)
    if zone is None:
        return Answer(REFUSED, authoritative=False)
    if zone.origin in view.expired:
        return Answer(SERVFAIL, authoritative=False)
    search = _Search(view, qtype, dnssec)
    try:
        _follow(search, zone, name)
    except HashCollisionError:
        return Answer(SERVFAIL, authoritative=False)
    return search.found


def _follow(search: _Search, zone: ZoneRef | None, name: bytes) -> None:
    """Look up the name, and each that it leads to, as long as zones served here hold them."""
    view = search.view
    seen: set[bytes] = set()
    current: bytes | None = name
    while current is not None and zone is not None and zone.origin not in view.expired:
        seen.add(current.lower())
        current = search.step(zone, current)
        if current is None or current.lower() in seen or len(seen) > MAX_CHAIN:
            break
        zone = zone_of(view, current, search.qtype)


class _Search:
    """One query on its way through the zones; `step` looks up one name of the chain.

    `encloser` is the place where the walk for that name ended, when the name is not there."""

    def __init__(self, view: View, qtype: int, dnssec: bool) -> None:
        self.view = view
        self.qtype = qtype
        self.dnssec = dnssec
        self.found = Answer()
        self.encloser: Place | None = None

    def step(self, zone: ZoneRef, name: bytes) -> bytes | None:
        """Add what `zone` says about `name`; the next name where the chain goes on."""
        place = walk(self.view, zone, name)
        self.encloser = None
        if place.kind == MISSING:
            self.encloser = place
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
        # NSEC is a type that an alias may hold itself (RFC 4035 §2.5), so it is not followed for it.
        entry = None if self.qtype == rd.NSEC else self.view.get(key + b"\x00\x05")
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
                told = self._told(name)  # a DNAME's, where it leads to its own owner
                signatures = [tail for tail in entry.signatures if tail not in told]
                self._put(self.found.answer, zone, name, rd.RRSIG, signatures)
            elif self._add(zone, name, _type_of(entry), entry):
                break
        told = self._told(name)
        if self.qtype == rd.RRSIG:
            # What led here may have told the name's DNAME, which is not what is asked for.
            told = [tail for tail in told if tail[:2] == b"\x00\x2e"]
        if not told:
            self._negative(zone, name, NOERROR)
        elif self.qtype == rd.RRSIG:
            self._prove_wildcard(zone, name)

    def _dname(self, zone: ZoneRef, name: bytes, place: Place) -> bytes | None:
        entry = read_entry(place.entry)
        owner = name[place.start :]
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
        """The delegation at a zone cut; for who asks with DO its DS RRset, or the proof that it
        has none (RFC 4035 §3.1.4). The answer is authoritative where a CNAME led here, for its
        owner's sake (RFC 1035 §4.1.1)."""
        owner = name[place.start :]
        if not self.found.answer:
            self.found.authoritative = False
        cut = read_entry(place.entry)
        self.found.authority.append(Answered(owner, rd.NS, cut.records, zone, cut=owner))
        if self.dnssec and cut.flags & SECURE:
            entry = self.view.get(zone.prefix + place.node + b"\x00\x00\x2b")
            if entry is not None:
                ds = read_entry(entry)
                if ds.signatures:  # without one it proves nothing
                    tails = ds.records + ds.signatures
                    self._put(self.found.authority, zone, owner, rd.DS, tails)
        elif self.dnssec:
            self._prove(zone, owner, NOERROR)

    def _negative(self, zone: ZoneRef, name: bytes, rcode: int) -> None:
        """NXDOMAIN or NODATA with the SOA (RFC 2308 §2), and its proof."""
        self.found.rcode = rcode
        entry = self.view.get(zone.prefix + NEGATIVE_KEY)
        if entry is None:
            return
        origin = name[len(name) - len(zone.origin) :]
        soa = read_entry(entry)
        tails = soa.records + soa.signatures if self.dnssec else soa.records
        self._put(self.found.authority, zone, origin, rd.SOA, tails)
        if self.dnssec and soa.flags & CHAINS:
            self._prove(zone, name, rcode)

    def _prove(self, zone: ZoneRef, name: bytes, rcode: int | None) -> None:
        """Add the proofs that go with `rcode` for this name (see `find_proofs`), each once."""
        told = {(item.owner.lower(), item.rtype) for item in self.found.authority}
        for owner, rtype, tails in find_proofs(self.view, zone, name, rcode, self.encloser):
            if (owner, rtype) not in told:
                told.add((owner, rtype))
                self._put(self.found.authority, zone, owner, rtype, tails)

    def _add(self, zone: ZoneRef, name: bytes, rtype: int, entry: Entry) -> bool:
        """Add an entry's RRset to the answer, with DO its signatures too and, where a wildcard
        stands for the name, the proof of that; once only where a chain comes back to it. False
        for an entry that holds nothing but signatures."""
        if not entry.records:
            return False
        if any(
            item.rtype == rtype and item.owner.lower() == name.lower() for item in self.found.answer
        ):
            return True
        tails = entry.records + entry.signatures if self.dnssec else entry.records
        self._put(self.found.answer, zone, name, rtype, tails)
        self._prove_wildcard(zone, name)
        return True

    def _prove_wildcard(self, zone: ZoneRef, name: bytes) -> None:
        if self.encloser is not None and self.dnssec:
            self._prove(zone, name, None)

    def _told(self, name: bytes) -> list[bytes]:
        """The records that the answer already has for a name."""
        lowered = name.lower()
        items = [item for item in self.found.answer if item.owner.lower() == lowered]
        return [tail for item in items for tail in item.tails]

    @staticmethod
    def _put(
        section: list[Answered], zone: ZoneRef, owner: bytes, rtype: int, tails: list[bytes]
    ) -> None:
        if tails:
            section.append(Answered(owner, rtype, tails, zone))


def _type_of(entry: Entry) -> int:
    return int.from_bytes(entry.records[0][:2], "big") if entry.records else 0
