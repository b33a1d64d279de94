"""The slow, obvious reference: RFC 1034 §4.3.2 as written, over dnspython's zones.

No cache, no index, no compiled form; every question about a zone is a look through all its names.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype as t
import dns.zone

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
    """The RRsets of one name: type → TTL and rdata."""


class Reference:
    """A server of these zones."""

    def __init__(self, zones: list[dns.zone.Zone]) -> None:
        self.zones: dict[dns.name.Name, dict[dns.name.Name, Node]] = {}
        for zone in zones:
            assert zone.origin is not None
            nodes = self.zones[zone.origin] = {}
            for name, rdataset in zone.iterate_rdatasets():
                nodes.setdefault(name, Node())[int(rdataset.rdtype)] = (
                    rdataset.ttl,
                    list(rdataset),
                )

    def answer(self, qname: dns.name.Name, qtype: int) -> Expected:
        """Step 1 on: qname may change on the way, qtype does not."""
        said = Expected()
        origin = self.nearest(qname, qtype)
        if origin is None:
            said.rcode = dns.rcode.REFUSED
            said.authoritative = False
            return said
        targets: list[tuple[dns.name.Name, dns.name.Name]] = []
        visited = set()
        while origin is not None:
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
            return None
        node = nodes.get(star, Node())
        if t.NS in node and qtype != t.DS:
            return self.refer(origin, qname, node, said, targets)
        return self.from_node(origin, qname, node, qtype, said, targets)

    def from_node(
        self,
        origin: dns.name.Name,
        qname: dns.name.Name,
        node: Node,
        qtype: int,
        said: Expected,
        targets: list[tuple[dns.name.Name, dns.name.Name]],
    ) -> dns.name.Name | None:
        if qtype == t.ANY and node:
            qtype = min(node)
        if qtype in node:
            said.answer |= records(qname, qtype, node)
            targets += [(origin, host) for host in hosts(qname, qtype, node)]
            return None
        if t.CNAME in node:
            said.answer |= records(qname, t.CNAME, node)
            target: dns.name.Name = node[t.CNAME][1][0].target
            return target
        self.add_soa(origin, said)
        return None

    def redirect(
        self, owner: dns.name.Name, node: Node, qname: dns.name.Name, qtype: int, said: Expected
    ) -> dns.name.Name | None:
        said.answer |= records(owner, t.DNAME, node)
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
    ) -> None:
        if not said.answer:
            said.authoritative = False
        said.authority |= records(cut, t.NS, node)
        targets += [(origin, host) for host in hosts(cut, t.NS, node)]

    def add_soa(self, origin: dns.name.Name, said: Expected) -> None:
        ttl, rdatas = self.zones[origin][origin][t.SOA]
        said.authority.add(
            (origin, int(t.SOA), min(ttl, rdatas[0].minimum), rdatas[0].to_text().lower())
        )

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
                said.additional |= records(host, rtype, node)


def records(owner: dns.name.Name, rtype: int, node: Node) -> set[Record]:
    ttl, rdatas = node[rtype]
    return {(owner, int(rtype), ttl, rdata.to_text().lower()) for rdata in rdatas}


def hosts(owner: dns.name.Name, rtype: int, node: Node) -> list[dns.name.Name]:
    """The hosts that an RRset names."""
    found = []
    for rdata in node[rtype][1]:
        if rtype in (t.NS, t.SRV):
            found.append(rdata.target)
        elif rtype == t.MX:
            found.append(rdata.exchange)
    return [host for host in found if host != dns.name.root]
