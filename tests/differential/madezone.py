"""A zone under construction: names, nodes, and the zone file that every server reads alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

import dns.name

Name = dns.name.Name


def written(name: Name) -> str:
    """A name as a zone file has it: every octet that is not plain as \\DDD, which all read alike."""
    return ".".join("".join(map(_octet, label)) for label in name.labels) or "."


def _octet(octet: int) -> str:
    plain = octet < 128 and (chr(octet).isalnum() or octet in b"-_*")
    return chr(octet) if plain else f"\\{octet:03d}"


@dataclass
class Node:
    """One name's RRsets: type → TTL and rdata."""

    rrsets: dict[str, tuple[int, list[str]]] = field(default_factory=dict)

    def only(self, rtype: str) -> bool:
        """Whether nothing but this type is there."""
        return not set(self.rrsets) - {rtype}


@dataclass
class MadeZone:
    """A zone under construction and as text."""

    origin: Name
    nodes: dict[Name, Node] = field(default_factory=dict)

    def add(self, owner: Name, rtype: str, ttl: int, rdatas: Iterable[str]) -> None:
        """Add records, those already there aside."""
        _, known = self.nodes.setdefault(owner, Node()).rrsets.setdefault(rtype, (ttl, []))
        known += [rdata for rdata in rdatas if rdata not in known]

    def covered(self, owner: Name) -> bool:
        """Whether a DNAME above the name would make it unloadable."""
        above = owner
        while above != self.origin:
            above = above.parent()
            if "DNAME" in self.rrsets(above):
                return True
        return False

    def rrsets(self, owner: Name) -> dict[str, tuple[int, list[str]]]:
        node = self.nodes.get(owner)
        return {} if node is None else node.rrsets

    def text(self, random: Random) -> str:
        """The zone file: SOA first, the rest in any order."""
        lines = [
            f"{written(owner)} {ttl} IN {rtype} {rdata}\n"
            for owner, node in self.nodes.items()
            for rtype, (ttl, rdatas) in node.rrsets.items()
            for rdata in rdatas
        ]
        soa = next(line for line in lines if " IN SOA " in line)
        lines.remove(soa)
        random.shuffle(lines)
        return "".join([soa, *lines])


@dataclass
class World:
    """Zones that belong together, by origin; `names` are all that queries start from."""

    zones: dict[str, str]
    made: list[MadeZone]

    @property
    def origins(self) -> list[str]:
        return list(self.zones)
