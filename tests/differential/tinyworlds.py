"""Worlds of one tiny zone each; the seed makes each repeatable."""

from __future__ import annotations

from random import Random

import dns.name
from madezone import MadeZone, Name, World, written


class TinyMaker:
    """Zones of a few records over three labels, where everything is next to everything."""

    def __init__(self, seed: int, number: int) -> None:
        self.random = Random(f"tiny {seed}/{number}")
        self.zone = MadeZone(dns.name.from_text(f"t{number}."))

    def make(self) -> World:
        """One zone."""
        zone, random = self.zone, self.random
        zone.add(zone.origin, "SOA", 500, ["ns1.elsewhere. h.elsewhere. 1 3600 600 86400 500"])
        zone.add(zone.origin, "NS", 500, ["ns1.elsewhere."])
        if random.random() < 0.15:
            zone.add(zone.origin, "DNAME", 500, [self._target()])
        for _ in range(random.randint(3, 9)):
            self._record()
        return World({zone.origin.to_text(): zone.text(random)}, [zone])

    def _name(self) -> Name:
        labels = [self.random.choice([b"a", b"b", b"*"]) for _ in range(self.random.randint(1, 3))]
        return Name((*labels, *self.zone.origin.labels))

    def _target(self) -> str:
        pick = self.random.random()
        if pick < 0.1:
            return written(self.zone.origin)
        return written(self._name()) if pick < 0.9 else "a.elsewhere."

    def _record(self) -> None:
        zone, owner = self.zone, self._name()
        rtype = self.random.choice(
            ["A", "A", "TXT", "CNAME", "CNAME", "DNAME", "DNAME", "NS", "MX"]
        )
        there = set(zone.rrsets(owner))
        below = any(name != owner and name.is_subdomain(owner) for name in zone.nodes)
        wild = owner.labels[0] == b"*"
        if zone.covered(owner) or "CNAME" in there or (rtype == "CNAME" and there):
            return
        if rtype == "DNAME" and (below or wild or there & {"NS", "DNAME"}):
            return
        if rtype == "NS" and (wild or "DNAME" in there):
            return
        rdata = {"A": "192.0.2.1", "TXT": '"t"', "MX": f"10 {self._target()}"}
        zone.add(owner, rtype, 500, [rdata.get(rtype, self._target())])


def tiny_worlds(seed: int, count: int) -> list[World]:
    """Many tiny zones of one seed."""
    return [TinyMaker(seed, number).make() for number in range(count)]
