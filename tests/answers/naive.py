"""The slow, obvious reference: RFC 1034 §4.3.2 as written, over dnspython's zones. With DO also
RFC 4035 §3.1 and RFC 5155 §7.2 (`naive_denial`).

No cache, no index, no compiled form; every question about a zone is a look through all its names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataset
import dns.rdatatype as t
import dns.zone
from naive_denial import Chain

Record = tuple[dns.name.Name, int, int, str]


@dataclass
class Expected:
    """What an answer says, order and compression aside."""

    rcode: dns.rcode.Rcode = dns.rcode.NOERROR
    authoritative: bool = True
    answer: set[Record] = field(default_factory=set)
    authority: set[Record] = field(default_factory=set)
    additional: set[Record] = field(default_factory=set)


def from_message(octets: bytes) -> Expected:
    """What a reply says. Records are sets: a duplicate is an error."""
    message = dns.message.from_wire(octets)
    sections = []
    for section in (message.answer, message.authority, message.additional):
        records = [
            (rrset.name, int(rrset.rdtype), rrset.ttl, rdata.to_text().lower())
            for rrset in section
            for rdata in rrset
        ]
        assert len(records) == len(set(records))
        sections.append(set(records))
    return Expected(message.rcode(), bool(message.flags & dns.flags.AA), *sections)


class Node(dict[int, tuple[int, list[dns.rdata.Rdata]]]):
    """The RRsets of one name: type → TTL and rdata. `signatures`: the same by type covered."""

    def __init__(self) -> None:
        super().__init__()
        self.signatures: dict[int, tuple[int, list[dns.rdata.Rdata]]] = {}

    def put(self, rdataset: dns.rdataset.Rdataset) -> None:
        signs = rdataset.rdtype == t.RRSIG
        into = self.signatures if signs else self
        rtype = int(rdataset.covers if signs else rdataset.rdtype)
        into[rtype] = (rdataset.ttl, list(rdataset))


class Reference:
    """A server of these zones, of which those in `expired` may not be spoken of. `dnssec`: all its
    clients set DO."""

    def __init__(
        self,
        zones: list[dns.zone.Zone],
        dnssec: bool = False,
        expired: frozenset[dns.name.Name] = frozenset(),
    ) -> None:
        self.dnssec = dnssec
        self.expired = expired
        self.zones: dict[dns.name.Name, dict[dns.name.Name, Node]] = {}
        self.hashed: dict[dns.name.Name, dict[dns.name.Name, Node]] = {}
        for zone in zones:
            assert zone.origin is not None
            nodes = self.zones[zone.origin] = {}
            hashed = self.hashed[zone.origin] = {}
            for name, rdataset in zone.iterate_rdatasets():
                # The owner of an NSEC3 is no name of the zone (RFC 5155 §7.2.8).
                into = hashed if t.NSEC3 in (rdataset.rdtype, rdataset.covers) else nodes
                into.setdefault(name, Node()).put(rdataset)

    def answer(self, qname: dns.name.Name, qtype: int) -> Expected:
        """Step 1 on: qname may change on the way, qtype does not."""
        said = Expected()
        origin = self.nearest(qname, qtype)
        if origin is None:
            said.rcode = dns.rcode.REFUSED
            said.authoritative = False
            return said
        if origin in self.expired:
            said.rcode = dns.rcode.SERVFAIL
            said.authoritative = False
            return said
        targets: list[tuple[dns.name.Name, dns.name.Name]] = []
        visited = set()
        while origin is not None and origin not in self.expired:
            visited.add(qname)
            following = self.match_down(origin, qname, qtype, said, targets)
            if following is None or following in visited or len(visited) > 16:
                break
            qname = following
            origin = self.nearest(qname, qtype)
        for zone, host in targets:
            self.add_addresses(zone, host, said)
        return said

    def nearest(self, qname: dns.name.Name, qtype: int) -> dns.name.Name | None:
        """Step 2: the nearest ancestor zone; DS belongs to the parent where that is here."""
        found = [origin for origin in self.zones if qname.is_subdomain(origin)]
        if qtype == t.DS and len(found) > 1:
            found = [origin for origin in found if origin != qname]
        return max(found, key=len, default=None)

    def match_down(
        self,
        origin: dns.name.Name,
        qname: dns.name.Name,
        qtype: int,
        said: Expected,
        targets: list[tuple[dns.name.Name, dns.name.Name]],
    ) -> dns.name.Name | None:
        """Step 3: label by label from the apex; the next name where a CNAME or DNAME leads on."""
        nodes = self.zones[origin]
        encloser = origin
        for depth in range(len(origin), len(qname) + 1):
            here = dns.name.Name(qname[len(qname) - depth :])
            if not any(name.is_subdomain(here) for name in nodes):
                break
            encloser = here
            node = nodes.get(here, Node())
            if here != origin and t.NS in node and not (here == qname and qtype == t.DS):
                return self.refer(origin, here, node, said, targets)
            if here != qname and t.DNAME in node:
                return self.redirect(here, node, qname, qtype, said)
        if encloser == qname:
            return self.from_node(origin, qname, nodes.get(qname, Node()), qtype, said, targets)
        star = dns.name.Name((b"*", *encloser.labels))
        if not any(name.is_subdomain(star) for name in nodes):
            said.rcode = dns.rcode.NXDOMAIN
            self.add_soa(origin, said)
            self.prove(origin, said, lambda chain: chain.name_error(qname, encloser))
            return None
        node = nodes.get(star, Node())
        if t.NS in node and qtype != t.DS:
            return self.refer(origin, qname, node, said, targets, encloser)
        return self.from_node(origin, qname, node, qtype, said, targets, encloser)

    def from_node(
        self,
        origin: dns.name.Name,
        qname: dns.name.Name,
        node: Node,
        qtype: int,
        said: Expected,
        targets: list[tuple[dns.name.Name, dns.name.Name]],
        encloser: dns.name.Name | None = None,
    ) -> dns.name.Name | None:
        """`encloser`: the closest one, where the node is a wildcard's."""
        if qtype == t.ANY and node:
            qtype = min(node)
        target: dns.name.Name | None = None
        if qtype not in node and t.CNAME in node and qtype not in (t.NSEC, t.RRSIG):
            qtype = t.CNAME
            target = node[t.CNAME][1][0].target
        found = self.records(qname, qtype, node)
        if qtype == t.RRSIG:
            found = {r for rtype in node.signatures for r in signatures(qname, rtype, node)}
        said.answer |= found
        if not found:
            self.add_soa(origin, said)
            self.prove_no_data(origin, qname, said, encloser)
        elif encloser is not None:
            closest = encloser
            self.prove(origin, said, lambda chain: chain.wildcard_answer(qname, closest))
        if qtype in node:
            targets += [(origin, host) for host in hosts(qname, qtype, node)]
        return target

    def prove_no_data(
        self,
        origin: dns.name.Name,
        qname: dns.name.Name,
        said: Expected,
        encloser: dns.name.Name | None,
    ) -> None:
        if encloser is None:
            self.prove(origin, said, lambda chain: chain.no_data(qname))
        else:
            self.prove(origin, said, lambda chain: chain.wildcard_no_data(qname, encloser))

    def prove(
        self,
        origin: dns.name.Name,
        said: Expected,
        choose: Callable[[Chain], set[dns.name.Name]],
    ) -> None:
        """Add the records that a zone with a chain proves with. NSECs are none where not even the
        apex is signed: then nothing is that a validator could use."""
        nodes, hashed = self.zones[origin], self.hashed[origin]
        signed = bool(nodes[origin].signatures)
        nsec = {name for name, node in nodes.items() if signed and t.NSEC in node}
        if not self.dnssec or not (nsec or hashed):
            return
        nsec3 = {name: node[t.NSEC3][1][0] for name, node in hashed.items()}
        chain = Chain(authoritative(origin, nodes), nsec, nsec3)
        for owner in choose(chain):
            node = hashed[owner] if hashed else nodes[owner]
            said.authority |= self.records(owner, chain.rtype, node)

    def records(self, owner: dns.name.Name, rtype: int, node: Node) -> set[Record]:
        """An RRset, with its signatures where they are wanted."""
        if rtype not in node:
            return set()
        signed = signatures(owner, rtype, node) if self.dnssec else set()
        return records(owner, rtype, node) | signed

    def redirect(
        self, owner: dns.name.Name, node: Node, qname: dns.name.Name, qtype: int, said: Expected
    ) -> dns.name.Name | None:
        said.answer |= self.records(owner, t.DNAME, node)
        ttl, rdatas = node[t.DNAME]
        try:
            target = qname.relativize(owner).concatenate(rdatas[0].target)
        except dns.name.NameTooLong:
            said.rcode = dns.rcode.YXDOMAIN
            return None
        said.answer.add((qname, int(t.CNAME), ttl, target.to_text().lower()))
        return None if qtype in (t.CNAME, t.ANY) else target

    def refer(
        self,
        origin: dns.name.Name,
        cut: dns.name.Name,
        node: Node,
        said: Expected,
        targets: list[tuple[dns.name.Name, dns.name.Name]],
        encloser: dns.name.Name | None = None,
    ) -> None:
        if not said.answer:
            said.authoritative = False
        said.authority |= records(cut, t.NS, node)
        if t.DS not in node:
            self.prove_no_data(origin, cut, said, encloser)
        elif self.dnssec and t.DS in node.signatures:
            said.authority |= self.records(cut, t.DS, node)
        targets += [(origin, host) for host in hosts(cut, t.NS, node)]

    def add_soa(self, origin: dns.name.Name, said: Expected) -> None:
        node = self.zones[origin][origin]
        minimum = node[t.SOA][1][0].minimum
        said.authority |= {
            (name, rtype, min(ttl, minimum), text)
            for name, rtype, ttl, text in self.records(origin, t.SOA, node)
        }

    def add_addresses(self, origin: dns.name.Name, host: dns.name.Name, said: Expected) -> None:
        """Step 6, from the zone that named the host; nothing lives below a DNAME."""
        nodes = self.zones[origin]
        if not host.is_subdomain(origin):
            return
        for depth in range(len(origin), len(host)):
            above = dns.name.Name(host[len(host) - depth :])
            node = nodes.get(above, Node())
            if above != origin and t.NS in node:
                break
            if t.DNAME in node:
                return
        node = nodes.get(host, Node())
        for rtype in (t.A, t.AAAA):
            if rtype in node and not any(r[:2] == (host, int(rtype)) for r in said.answer):
                said.additional |= self.records(host, rtype, node)


def authoritative(origin: dns.name.Name, nodes: dict[dns.name.Name, Node]) -> list[dns.name.Name]:
    """The names that the zone answers for, cuts included."""
    hiding = [n for n, node in nodes.items() if t.DNAME in node or (n != origin and t.NS in node)]
    return [n for n in nodes if not any(n != h and n.is_subdomain(h) for h in hiding)]


def records(owner: dns.name.Name, rtype: int, node: Node) -> set[Record]:
    ttl, rdatas = node[rtype]
    return {(owner, int(rtype), ttl, rdata.to_text().lower()) for rdata in rdatas}


def signatures(owner: dns.name.Name, rtype: int, node: Node) -> set[Record]:
    ttl, rdatas = node.signatures.get(rtype, (0, []))
    return {(owner, int(t.RRSIG), ttl, rdata.to_text().lower()) for rdata in rdatas}


def hosts(owner: dns.name.Name, rtype: int, node: Node) -> list[dns.name.Name]:
    """The hosts that an RRset names."""
    found = []
    for rdata in node[rtype][1]:
        if rtype in (t.NS, t.SRV):
            found.append(rdata.target)
        elif rtype in (t.MX, t.KX):
            found.append(rdata.exchange)
        elif rtype == t.AFSDB:
            found.append(rdata.hostname)
        elif rtype in (t.SVCB, t.HTTPS):
            own = rdata.target == dns.name.root and rdata.priority
            found.append(owner if own else rdata.target)
    return [host for host in found if host != dns.name.root]
