"""Worlds of zones that are full of the hard cases; the seed makes each repeatable.

A world is a few zones that point to each other: a parent, its child on the same server, a
grandchild below a name that the child does not delegate, and a zone elsewhere. Everything that
studies found servers to disagree on is dealt out of a shuffled deck: chains and loops of CNAME
and DNAME, wildcards that own CNAME, MX or nothing, empty non-terminals, cuts with glue of every
kind, what lies hidden below cuts, large RRsets, names of odd octets and of 255 of them.

`rude` worlds also hold one thing of what some servers refuse to load: NS at wildcards, DNAME at
wildcards, or NS beside DNAME.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import dns.name
from madezone import MadeZone, Name, Node, World, written

# Names come from few labels, so that they meet.
COMMON = [b"a", b"b", b"c", b"ns", b"www", b"*"]
ODD = [
    b"\x00", b"\x01\x00", b"\x00\x01", b"dot.ted", b"back\\slash", b"UPPER", b"\xff\xfe", b"@",
    b'quo"te', b"sp ace", b";", b"$", b"(", b"_tcp", b"*x", b"**", b"x" * 63, b"\xc3\xbc", b"A*",
    b"\x2e", b"\x7f", b"[", b"`{", b"0", b"-",
]  # fmt: skip
TTLS = [0, 1, 60, 300, 3600, 86400, 2147483647]

RDATA: dict[str, Callable[[Random, int, Callable[[], str]], str]] = {
    "A": lambda r, n, target: f"192.0.{n >> 8 & 255}.{n & 255}",
    "AAAA": lambda r, n, target: f"2001:db8::{n:x}",
    "MX": lambda r, n, target: f"{n % 65536} {target()}",
    "TXT": lambda r, n, target: " ".join(
        [f'"{n}"', *('"' + "t" * r.choice([0, 1, 200, 255]) + '"' for _ in range(r.randint(0, 3)))]
    ),
    "SRV": lambda r, n, target: f"1 {n % 65536} 5060 {target()}",
    "PTR": lambda r, n, target: target(),
    "CAA": lambda r, n, target: f'0 issue "ca{n}.example.net"',
    "NAPTR": lambda r, n, target: f'{n % 65536} 10 "u" "E2U+sip" "!^.*$!sip:i@example.com!" {target()}',
    "HTTPS": lambda r, n, target: f"{n % 1000 + 1} {r.choice(['.', target()])} alpn=h2 port={n % 65536}",
    "SVCB": lambda r, n, target: f"0 {target()}",
    "RP": lambda r, n, target: f"{target()} {target()}",
    "AFSDB": lambda r, n, target: f"1 {target()}",
    "KX": lambda r, n, target: f"{n % 65536} {target()}",
    "SSHFP": lambda r, n, target: f"4 2 {r.randbytes(32).hex()}",
    "TLSA": lambda r, n, target: f"3 1 1 {r.randbytes(32).hex()}",
    "HINFO": lambda r, n, target: f'"cpu {n}" "os"',
    "LOC": lambda r, n, target: f"52 {n % 60} 1.000 N 4 53 32.000 E 0.00m 1m 10000m 10m",
    "TYPE65280": lambda r, n, target: f"\\# 6 {n % 2**32:08x}0a00",
    "DS": lambda r, n, target: f"{n % 65536} 13 2 {r.randbytes(32).hex()}",
    "CDS": lambda r, n, target: f"{n % 65536} 13 2 {r.randbytes(32).hex()}",
}  # fmt: skip


class Maker:
    """Makes one world below two domains that no other world shares."""

    def __init__(self, seed: int, number: int, rude: int | None = None, size: int = 24) -> None:
        self.random = Random(f"{seed}/{number}")
        self.number = 0
        self.rude = rude
        self.size = size
        base = dns.name.from_text(f"w{number}.test.")
        child = dns.name.Name((b"c", *base.labels))
        grand = dns.name.Name((b"b", b"a", *child.labels))
        else_ = dns.name.from_text(f"X{number}.Example.")
        self.origins = [base, child, grand, else_]
        self.zones = [MadeZone(origin) for origin in self.origins]

    def make(self) -> World:
        """The whole world."""
        for zone in self.zones:
            self._apex(zone)
        self._delegate_children()
        deck: list[Callable[[MadeZone], None]] = []
        for _ in range(self.size):
            for zone in self.zones:
                if not deck:
                    deck = self._kinds()
                    self.random.shuffle(deck)
                deck.pop()(zone)
        texts = {zone.origin.to_text(): zone.text(self.random) for zone in self.zones}
        return World(texts, self.zones)

    def _kinds(self) -> list[Callable[[MadeZone], None]]:
        plain = [
            self._data, self._data, self._data, self._many, self._cname, self._cname, self._dname,
            self._cut, self._cut, self._wildcard, self._wildcard, self._deep, self._cname_chain,
            self._dname_loop, self._long_name, self._too_long, self._occluded, self._odd,
            self._wild_alias,
        ]  # fmt: skip
        rude = [self._wild_ns, self._wild_dname, self._ns_and_dname]
        return plain + ([] if self.rude is None else [rude[self.rude % 3]])

    # Parts.

    def _next(self) -> int:
        self.number += 1
        return self.number

    def _ttl(self) -> int:
        return self.random.choice(TTLS)

    def _label(self, odd: float = 0.2) -> bytes:
        return self.random.choice(ODD if self.random.random() < odd else COMMON)

    def _owner(self, zone: MadeZone, most: int = 3) -> Name:
        """A name below the apex, not under a DNAME; it may be there already."""
        while True:
            labels = [self._label() for _ in range(self.random.randint(1, most))]
            try:
                owner = Name((*labels, *zone.origin.labels))
            except dns.name.NameTooLong:
                continue
            if not zone.covered(owner):
                return owner

    def _any_name(self) -> Name:
        """A target: a name that is there, nearly there, or nowhere."""
        random = self.random
        zone = random.choice(self.zones)
        pick = random.random()
        try:
            if pick < 0.55:
                return random.choice(list(zone.nodes) or [zone.origin])
            if pick < 0.75:
                near = random.choice(list(zone.nodes) or [zone.origin])
                return Name((self._label(), *near.labels))
            if pick < 0.9:
                return Name((self._label(), self._label(), *zone.origin.labels))
        except dns.name.NameTooLong:
            pass
        return dns.name.from_text(random.choice(["host.elsewhere.", "ns.example.net.", "."]))

    def _target(self) -> str:
        return written(self._any_name())

    def _host(self) -> str:
        """A target for NS: no root, and no name of odd octets too often."""
        while (name := self._any_name()) == dns.name.root:
            pass
        return written(name)

    def _fill(self, zone: MadeZone, owner: Name, rtype: str, count: int) -> None:
        node = zone.nodes.get(owner, Node())
        if "CNAME" in node.rrsets or (rtype == "DS" and "NS" not in node.rrsets):
            return
        rdatas = [RDATA[rtype](self.random, self._next(), self._target) for _ in range(count)]
        zone.add(owner, rtype, self._ttl(), rdatas)

    def _alone(self, zone: MadeZone, rtype: str) -> Name | None:
        """An owner at which nothing is, and for DNAME nothing below."""
        for _ in range(20):
            owner = self._owner(zone)
            below = rtype == "DNAME" and any(name.is_subdomain(owner) for name in zone.nodes)
            if owner not in zone.nodes and not below and owner not in self.origins:
                if rtype == "DNAME" and b"*" in owner.labels[:1]:
                    continue
                return owner
        return None

    # What the deck holds.

    def _apex(self, zone: MadeZone) -> None:
        random = self.random
        minimum = random.choice([0, 30, 300, 90000])
        soa = f"ns.elsewhere. Host\\.Master.elsewhere. 1 3600 600 86400 {minimum}"
        zone.add(zone.origin, "SOA", random.choice([60, 900, 86400]), [soa])
        servers = ["ns1.elsewhere.", "ns2.elsewhere."][: random.randint(1, 2)]
        ns = Name((b"ns", *zone.origin.labels))
        if random.random() < 0.7:
            servers.append(written(ns))
            self._fill(zone, ns, "A", random.randint(1, 2))
            self._fill(zone, ns, "AAAA", 1)
        zone.add(zone.origin, "NS", self._ttl(), servers)
        for rtype in random.sample(["A", "MX", "TXT", "CAA", "HTTPS"], random.randint(0, 3)):
            self._fill(zone, zone.origin, rtype, random.randint(1, 3))

    def _delegate_children(self) -> None:
        """The parent delegates its child, well or with other servers than the child names; with
        luck also the grandchild has a parent that knows of it."""
        parent, child, grand, _ = self.zones
        for above, below in ((parent, child), (child, grand)):
            if above is child and self.random.random() < 0.5:
                continue
            servers = [f"ns.{below.origin}", "ns9.elsewhere."][: self.random.randint(1, 2)]
            above.add(below.origin, "NS", self._ttl(), servers)
            glue = Name((b"ns", *below.origin.labels))
            above.add(glue, "A", self._ttl(), ["198.51.100.1"])
            if self.random.random() < 0.5:
                self._fill(above, below.origin, "DS", 2)
            if self.random.random() < 0.5:
                self._fill(above, Name((b"hidden", *below.origin.labels)), "TXT", 1)

    def _data(self, zone: MadeZone) -> None:
        owner = self._owner(zone)
        for rtype in self.random.sample(list(RDATA), self.random.randint(1, 4)):
            self._fill(zone, owner, rtype, self.random.choice([1, 1, 2, 5]))

    def _many(self, zone: MadeZone) -> None:
        """RRsets of around 512 and 1232 octets, and one that only TCP carries."""
        rtype = self.random.choice(["A", "AAAA", "TXT", "MX", "SRV", "NAPTR", "TYPE65280"])
        self._fill(zone, self._owner(zone), rtype, self.random.choice([8, 16, 28, 30, 40, 75, 200]))

    def _cname(self, zone: MadeZone) -> None:
        owner = self._alone(zone, "CNAME")
        if owner is not None:
            zone.add(owner, "CNAME", self._ttl(), [self._target()])

    def _dname(self, zone: MadeZone) -> None:
        owner = self._alone(zone, "DNAME")
        if owner is not None:
            zone.add(owner, "DNAME", self._ttl(), [self._target()])
            if self.random.random() < 0.4:
                self._fill(zone, owner, self.random.choice(["A", "TXT", "MX"]), 1)

    def _cname_chain(self, zone: MadeZone) -> None:
        """A chain through every zone: of some links, of too many, or one that closes."""
        links = self.random.choice([2, 3, 5, 9, 12])
        tag = self._next()
        owners = []
        for link in range(links):
            home = self.random.choice(self.zones)
            owner = Name((b"chain%d-%d" % (tag, link), *home.origin.labels))
            if home.covered(owner):
                continue
            owners.append((home, owner))
        last = written(owners[0][1]) if self.random.random() < 0.4 else self._target()
        targets = [written(owner) for _, owner in owners[1:]] + [last]
        for (home, owner), target in zip(owners, targets, strict=True):
            home.add(owner, "CNAME", self._ttl(), [target])

    def _dname_loop(self, zone: MadeZone) -> None:
        """DNAMEs to each other, to themselves, into what is below themselves, or to an alias."""
        tag = self._next()
        one = Name((b"d%d" % tag, *zone.origin.labels))
        two = Name((b"e%d" % tag, *zone.origin.labels))
        if zone.covered(one):
            return
        kind = self.random.randrange(5)
        if kind == 0:
            zone.add(one, "DNAME", 60, [written(two)])
            zone.add(two, "DNAME", 60, [written(one)])
        elif kind == 1:
            zone.add(one, "DNAME", 60, [written(one)])
        elif kind == 2:
            zone.add(one, "DNAME", 60, [f"x.{one}"])
        elif kind == 3:
            zone.add(one, "DNAME", 60, [written(two)])
            zone.add(Name((b"a", *two.labels)), "CNAME", 60, [f"b.{one}"])
            zone.add(Name((b"b", *two.labels)), "CNAME", 60, [f"a.{one}"])
        else:
            zone.add(one, "DNAME", 60, [written(zone.origin)])

    def _cut(self, zone: MadeZone) -> None:
        """A delegation: servers inside it, beside it, below another cut, elsewhere, or none real."""
        random = self.random
        tag = self._next()
        cut = Name((b"cut%d" % tag, *self._owner(zone, 2).labels[random.randint(0, 1) :]))
        if not cut.is_subdomain(zone.origin) or zone.covered(cut):
            return
        inside = Name((b"ns", *cut.labels))
        deeper = Name((b"NS", b"Deep", *cut.labels))
        beside = Name((b"ns", b"sib%d" % tag, *zone.origin.labels))
        zone.add(cut, "NS", self._ttl(), random.sample(
            [written(inside), written(deeper), written(beside), self._host(), "ns.elsewhere."],
            random.randint(1, 4)))  # fmt: skip
        for host in (inside, deeper):
            if random.random() < 0.8:
                self._fill(zone, host, "A", random.choice([1, 1, 2, 30]))
            if random.random() < 0.4:
                self._fill(zone, host, "AAAA", 1)
        if random.random() < 0.5 and not zone.covered(beside):
            zone.add(beside.parent(), "NS", self._ttl(), [written(beside)])
            self._fill(zone, beside, "A", 1)
        if random.random() < 0.4:
            self._fill(zone, cut, "DS", 1)

    def _occluded(self, zone: MadeZone) -> None:
        """Records below a cut, at it, and another cut below it: none may be seen."""
        cut = Name((b"cut%d" % self._next(), *zone.origin.labels))
        if zone.covered(cut):
            return
        zone.add(cut, "NS", self._ttl(), [self._host()])
        self._fill(zone, cut, "TXT", 1)
        self._fill(zone, cut, "A", 1)
        self._fill(zone, Name((b"hidden", *cut.labels)), "MX", 2)
        zone.add(Name((b"alias", *cut.labels)), "CNAME", 60, [self._target()])
        zone.add(Name((b"sub", *cut.labels)), "NS", 60, [f"ns.sub.{cut}"])
        self._fill(zone, Name((b"*", *cut.labels)), "TXT", 1)

    def _wildcard(self, zone: MadeZone) -> None:
        owner = Name((b"*", *self._owner(zone, 2).labels[self.random.randint(0, 1) :]))
        if owner.is_subdomain(zone.origin) and not zone.covered(owner):
            for rtype in self.random.sample(["A", "MX", "TXT", "SRV"], self.random.randint(1, 3)):
                self._fill(zone, owner, rtype, 1)
            if self.random.random() < 0.3:  # an empty non-terminal that the wildcard has to spare
                self._fill(zone, Name((b"x", b"ent", *owner.labels[1:])), "A", 1)

    def _wild_alias(self, zone: MadeZone) -> None:
        """A wildcard with a CNAME: elsewhere, to itself, or to what it covers itself."""
        base = Name((b"wild%d" % self._next(), *zone.origin.labels))
        if zone.covered(base):
            return
        star = Name((b"*", *base.labels))
        target = self.random.choice(
            [self._target(), written(star), f"x.{base}", f"y.x.{base}", written(base)]
        )
        zone.add(star, "CNAME", self._ttl(), [target])

    def _deep(self, zone: MadeZone) -> None:
        """Empty non-terminals."""
        owner = self._owner(zone, 6)
        self._fill(zone, owner, "A", 1)

    def _long_name(self, zone: MadeZone) -> None:
        """A name of 255 octets."""
        room = 255 - len(zone.origin.to_wire())
        labels = []
        while room > 1:
            size = min(63, room - 1)
            if room - 1 - size == 1:
                size -= 1
            labels.append(b"l" * size)
            room -= size + 1
        owner = Name((*labels, *zone.origin.labels))
        if not zone.covered(owner):
            self._fill(zone, owner, "A", 1)
            self._fill(zone, owner, "MX", 1)

    def _too_long(self, zone: MadeZone) -> None:
        """A DNAME whose target leaves little room."""
        owner = Name((b"long%d" % self._next(), *zone.origin.labels))
        if not zone.covered(owner):
            long = ".".join(["m" * 63, "m" * 63, "m" * 63, "m" * self.random.choice([20, 45])])
            zone.add(owner, "DNAME", 60, [f"{long}.elsewhere."])

    def _odd(self, zone: MadeZone) -> None:
        """Odd octets as owner and as target."""
        owner = Name((self.random.choice(ODD), self.random.choice(ODD), *zone.origin.labels))
        if not zone.covered(owner):
            self._fill(zone, owner, self.random.choice(["A", "TXT", "MX", "SRV"]), 2)

    # What only rude worlds hold.

    def _wild_ns(self, zone: MadeZone) -> None:
        star = Name((b"*", b"wns%d" % self._next(), *zone.origin.labels))
        if not zone.covered(star):
            zone.add(star, "NS", 60, [self._host()])

    def _wild_dname(self, zone: MadeZone) -> None:
        star = Name((b"*", b"wdn%d" % self._next(), *zone.origin.labels))
        if not zone.covered(star):
            zone.add(star, "DNAME", 60, [self._target()])

    def _ns_and_dname(self, zone: MadeZone) -> None:
        owner = Name((b"both%d" % self._next(), *zone.origin.labels))
        if not zone.covered(owner):
            zone.add(owner, "NS", 60, [self._host()])
            zone.add(owner, "DNAME", 60, [self._target()])


def make_worlds(seed: int, count: int) -> list[World]:
    """Worlds of one seed; every fourth is rude."""
    return [
        Maker(seed, number, number // 4 if number % 4 == 3 else None).make()
        for number in range(count)
    ]
