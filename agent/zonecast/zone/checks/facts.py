"""What the rules ask about a zone: what stands at a name, and what hides what.

A rule looks at the *subject*, the RRsets whose findings are wanted, and asks the *contents*, the
whole version that they are part of, by look-up. The subject is usually the whole zone; where it
is not, only the rules of `checks.LOCAL` can be asked.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cached_property

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.contents import Contents, WholeZone
from zonecast.zone.findings import Finding, Position
from zonecast.zone.names import node_key, parent_node
from zonecast.zone.rrset import RRset, Zone, node_of
from zonecast.zone.zonefile import Parsed

ZONEMD = 63

# What fills zones, and what few rules start from: not listed before it is asked for.
_UNLISTED = frozenset((rd.A, rd.AAAA))


class Facts:
    """A subject and the contents around it, with the look-ups that rules need.

    `contents` is all of `parsed.zone` by default, `subject` (RRsets by key) too. `zone`, `nodes`,
    `cuts` and `dnames` are for rules that are asked about whole zones alone.
    """

    def __init__(
        self,
        parsed: Parsed,
        contents: Contents | None = None,
        subject: Mapping[bytes, RRset] | None = None,
    ) -> None:
        self.parsed = parsed
        self.zone: Zone = parsed.zone
        self.origin = parsed.zone.origin
        self.origin_text = names.to_text(self.origin)
        self.contents: Contents = WholeZone(parsed.zone) if contents is None else contents
        self.subject: Mapping[bytes, RRset] = parsed.zone.rrsets if subject is None else subject
        self.whole = subject is None
        self._get = self.contents.get
        self._standing: dict[bytes, bool] = {}

    @cached_property
    def _listed(self) -> dict[int, list[tuple[bytes, RRset]]]:
        found: dict[int, list[tuple[bytes, RRset]]] = defaultdict(list)
        for item in self.subject.items():
            rtype = item[1].rtype
            if rtype not in _UNLISTED:
                found[rtype].append(item)
        return found

    def of_type(self, rtype: int) -> list[tuple[bytes, RRset]]:
        """(key, RRset) of every RRset of a type in the subject."""
        if rtype in _UNLISTED:
            return [item for item in self.subject.items() if item[1].rtype == rtype]
        return self._listed[rtype]

    def rrset(self, node: bytes, rtype: int) -> RRset | None:
        """The RRset of a type at a node."""
        return self._get(node + b"\x00" + rtype.to_bytes(2, "big"))

    @cached_property
    def nodes(self) -> dict[bytes, list[int]]:
        """The types at each node of a whole zone that has records."""
        found: dict[bytes, list[int]] = defaultdict(list)
        for key, rrset in self.zone.rrsets.items():
            found[node_of(key)].append(rrset.rtype)
        return found

    @cached_property
    def cuts(self) -> set[bytes]:
        """The zone cuts of a whole zone."""
        return {node_of(key) for key, rrset in self.of_type(rd.NS) if rrset.owner}

    @cached_property
    def dnames(self) -> set[bytes]:
        """The nodes of a whole zone that have a DNAME."""
        return {node_of(key) for key, _ in self.of_type(rd.DNAME)}

    def node_inside(self, name: bytes) -> bytes | None:
        """The node of an absolute name; None outside the zone."""
        owner = names.relative(name, self.origin)
        return None if owner is None else node_key(owner)

    def is_cut(self, node: bytes) -> bool:
        """Whether a delegation stands at a node."""
        return node in self.cuts if self.whole else node != b"" and self._stands(node, rd.NS)

    def _stands(self, node: bytes, rtype: int) -> bool:
        """Whether there is a type at a node, asked once: many nodes have the same ancestors."""
        key = node + b"\x00" + rtype.to_bytes(2, "big")
        known = self._standing.get(key)
        if known is None:
            known = self._standing[key] = self._get(key) is not None
        return known

    def below_cut(self, node: bytes) -> bytes | None:
        """The nearest zone cut above a node, itself excluded; None if none."""
        while node and (not self.whole or self.cuts):
            node = parent_node(node)
            if self.is_cut(node):
                return node
        return None

    def below_dname(self, node: bytes) -> bool:
        """Whether a DNAME above a node, itself excluded, takes what is asked for there."""
        while node and (not self.whole or self.dnames):
            node = parent_node(node)
            if node in self.dnames if self.whole else self._stands(node, rd.DNAME):
                return True
        return False

    def cut_at_or_above(self, node: bytes) -> bytes | None:
        """The zone cut that takes `node` out of this zone's authority."""
        return node if self.is_cut(node) else self.below_cut(node)

    def exists(self, node: bytes) -> bool:
        """Whether a node exists, by itself or by what is below it."""
        return self.contents.exists(node)

    def source(self, node: bytes) -> bytes | None:
        """The node whose records a query for `node` gets: itself, the wildcard that covers it
        (RFC 4592 §3.3), or none."""
        if self.exists(node):
            return node
        while node:
            node = parent_node(node)
            if self.exists(node):
                wildcard = node + b"*\x00"
                return wildcard if self.contents.types_at(wildcard) else None
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
