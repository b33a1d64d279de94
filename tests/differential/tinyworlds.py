"""Worlds of a tiny zone each, and of tiny families; the seed makes each repeatable."""

from __future__ import annotations

from random import Random

import dns.name
from madezone import MadeZone, Name, World, written


class TinyMaker:
    """Zones of a few records over three labels, where everything is next to everything: the zone at
    `top`, and those `below` it, given by the labels before it."""

    def __init__(self, random: Random, top: str, below: tuple[tuple[bytes, ...], ...] = ()) -> None:
        self.random = random
        origin = dns.name.from_text(top)
        origins = [origin, *(Name((*labels, *origin.labels)) for labels in below)]
        self.zones = [MadeZone(each) for each in origins]

    def make(self) -> World:
        """The whole world."""
        for zone in self.zones:
            self._fill(zone)
        for zone in self.zones[1:]:
            self._delegate(zone.origin)
        texts = {zone.origin.to_text(): zone.text(self.random) for zone in self.zones}
        return World(texts, self.zones)

    def _fill(self, zone: MadeZone) -> None:
        random = self.random
        zone.add(zone.origin, "SOA", 500, ["ns1.elsewhere. h.elsewhere. 1 3600 600 86400 500"])
        zone.add(zone.origin, "NS", 500, ["ns1.elsewhere."])
        if random.random() < 0.15 and zone is self.zones[-1]:
            zone.add(zone.origin, "DNAME", 500, [self._target()])
        for _ in range(random.randint(3, 9)):
            self._record(zone)

    def _delegate(self, origin: Name) -> None:
        """What the zone above says of this one: mostly, and rightly or not, that it is delegated."""
        above = max(
            (z for z in self.zones if z.origin != origin and origin.is_subdomain(z.origin)),
            key=lambda zone: len(zone.origin),
        )
        if self.random.random() < 0.25 or above.covered(origin) or above.rrsets(origin):
            return
        above.add(origin, "NS", 500, [self.random.choice(["ns1.elsewhere.", f"ns.{origin}"])])
        if self.random.random() < 0.5:
            above.add(origin, "DS", 500, [f"7 13 2 {'00' * 32}"])

    def _name(self) -> Name:
        labels = [self.random.choice([b"a", b"b", b"*"]) for _ in range(self.random.randint(1, 3))]
        return Name((*labels, *self.random.choice(self.zones).origin.labels))

    def _target(self) -> str:
        pick = self.random.random()
        if pick < 0.1:
            return written(self.random.choice(self.zones).origin)
        return written(self._name()) if pick < 0.9 else "a.elsewhere."

    def _record(self, zone: MadeZone) -> None:
        owner = self._name()
        if not owner.is_subdomain(zone.origin):
            owner = Name((owner.labels[0], *zone.origin.labels))
        rtype = self.random.choice(
            ["A", "A", "TXT", "CNAME", "CNAME", "DNAME", "DNAME", "NS", "MX"]
        )
        there = set(zone.rrsets(owner))
        below = any(name != owner and name.is_subdomain(owner) for name in zone.nodes)
        wild = owner.labels[0] == b"*"
        if owner == zone.origin or zone.covered(owner) or "CNAME" in there:
            return
        if rtype == "CNAME" and there:
            return
        if rtype == "DNAME" and (below or wild or there & {"NS", "DNAME"}):
            return
        if rtype == "NS" and (wild or "DNAME" in there):
            return
        rdata = {"A": "192.0.2.1", "TXT": '"t"', "MX": f"10 {self._target()}"}
        zone.add(owner, rtype, 500, [rdata.get(rtype, self._target())])


def tiny_worlds(seed: int, count: int) -> list[World]:
    """Many tiny zones of one seed."""
    return [
        TinyMaker(Random(f"tiny {seed}/{number}"), f"t{number}.").make() for number in range(count)
    ]


# A child, a grandchild whose parent is here or not, and siblings.
FAMILIES = (((b"a",),), ((b"b", b"a"),), ((b"a",), (b"b", b"a")), ((b"a",), (b"b",)))


def tiny_families(seed: int, count: int) -> list[World]:
    """Many tiny zones with what is below them on the same server."""
    return [
        TinyMaker(
            Random(f"family {seed}/{number}"), f"f{number}.", FAMILIES[number % len(FAMILIES)]
        ).make()
        for number in range(count)
    ]
