"""What the rules ask about a zone: what stands at a name, and what hides what."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from functools import cached_property

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.findings import Finding, Position
from zonecast.zone.names import node_key, parent_node
from zonecast.zone.rrset import RRset, Zone, node_of
from zonecast.zone.zonefile import Parsed

ZONEMD = 63

# The types that rules start from; the zone is walked once for all of them.
_LISTED = frozenset(
    (
        rd.NS,
        rd.CNAME,
        rd.DNAME,
        rd.MX,
        rd.SRV,
        rd.DS,
        rd.PTR,
        rd.TXT,
        rd.SVCB,
        rd.HTTPS,
        rd.CAA,
        rd.RRSIG,
        rd.NSEC,
        rd.NSEC3,
    )
)


class Facts:
    """A zone, with the look-ups that rules need."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.zone: Zone = parsed.zone
        self.origin = parsed.zone.origin
        self.origin_text = names.to_text(self.origin)
        self._listed: dict[int, list[tuple[bytes, RRset]]] = defaultdict(list)
        for key, rrset in self.zone.rrsets.items():
            if rrset.rtype in _LISTED:
                self._listed[rrset.rtype].append((key, rrset))
        self.cuts = {node_of(key) for key, rrset in self._listed[rd.NS] if rrset.owner}
        self.dnames = {node_of(key) for key, _ in self._listed[rd.DNAME]}

    def of_type(self, rtype: int) -> list[tuple[bytes, RRset]]:
        """(key, RRset) of every RRset of one of the listed types."""
        return self._listed[rtype]

    def rrset(self, node: bytes, rtype: int) -> RRset | None:
        """The RRset of a type at a node."""
        return self.zone.rrsets.get(node + b"\x00" + rtype.to_bytes(2, "big"))

    @cached_property
    def nodes(self) -> dict[bytes, list[int]]:
        """The types at each node that has records."""
        found: dict[bytes, list[int]] = defaultdict(list)
        for key, rrset in self.zone.rrsets.items():
            found[node_of(key)].append(rrset.rtype)
        return found

    @cached_property
    def _inner(self) -> set[bytes]:
        """Every node that exists, empty non-terminals included (RFC 4592 §2.2.2)."""
        found: set[bytes] = {b""}
        for node in self.nodes:
            while node not in found:
                found.add(node)
                node = parent_node(node)
        return found

    def node_inside(self, name: bytes) -> bytes | None:
        """The node of an absolute name; None outside the zone."""
        owner = names.relative(name, self.origin)
        return None if owner is None else node_key(owner)

    def hidden_below(self, node: bytes, hiding: set[bytes]) -> bytes | None:
        """The node at or above which one of `hiding` stands, itself excluded; None if none."""
        while node and hiding:
            node = parent_node(node)
            if node in hiding:
                return node
        return None

    def cut_at_or_above(self, node: bytes) -> bytes | None:
        """The zone cut that takes `node` out of this zone's authority."""
        return node if node in self.cuts else self.hidden_below(node, self.cuts)

    def exists(self, node: bytes) -> bool:
        """Whether a node exists, by itself or by what is below it."""
        return node in self._inner

    def source(self, node: bytes) -> bytes | None:
        """The node whose records a query for `node` gets: itself, the wildcard that covers it
        (RFC 4592 §3.3), or none."""
        if self.exists(node):
            return node
        while node:
            node = parent_node(node)
            if self.exists(node):
                wildcard = node + b"*\x00"
                return wildcard if wildcard in self.nodes else None
        return None

    def has_address(self, node: bytes) -> bool:
        """Whether a node itself has A or AAAA records."""
        return self.rrset(node, rd.A) is not None or self.rrset(node, rd.AAAA) is not None

    def owner_text(self, rrset: RRset) -> str:
        """An RRset's absolute owner in text."""
        return names.owner_text(rrset.owner, self.origin)

    def finding(
        self,
        kind: str,
        message: str,
        remedy: str,
        key: bytes | None = None,
        rdata: bytes | None = None,
    ) -> Finding:
        """A finding placed at an RRset or one of its records."""
        position: Position = self.parsed.position(key, rdata)
        return finding(kind, position, message, remedy, self.origin_text)


Findings = Iterator[Finding]
