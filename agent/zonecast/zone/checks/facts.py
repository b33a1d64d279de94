"""What the rules ask about a zone: what stands at a name, and what hides what.

A rule looks at the *subject*, the RRsets whose findings are wanted, and asks the *contents*, the
whole version that they are part of, by look-up. The subject is usually the whole zone; where it
is not, only the rules that `checks.WHOLE` does not have can be asked.

Zones of a million records are judged in about a second: all rules share one walk over the
subject, and what can be said of a name is found out once, however many records point to it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from functools import cached_property
from itertools import chain
from operator import itemgetter
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.contents import Contents, WholeZone
from zonecast.zone.findings import Finding, Position
from zonecast.zone.names import node_key, parent_node
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rrset import RRset, Zone
from zonecast.zone.zonefile import Parsed

ZONEMD = 63

Item = tuple[bytes, RRset]
Findings = Iterator[Finding]

# What follows a node in a key.
_A, _AAAA, _NS, _CNAME, _DNAME = (
    b"\x00" + rtype.to_bytes(2, "big") for rtype in (rd.A, rd.AAAA, rd.NS, rd.CNAME, rd.DNAME)
)
_REVERSE = (b"\x07in-addr\x04arpa\x00", b"\x03ip6\x04arpa\x00")
FEW = 3
# Globals, for the walk over every RRset; octets are looked for as numbers, see zonefile.plain.
_HOSTS = frozenset((rd.A, rd.AAAA))
_UNDERSCORE, _ASTERISK = b"_*"


class Survey(NamedTuple):
    """What one walk over the subject finds, each in the subject's order: (key, RRset) of all but
    addresses, by type; the keys of addresses; (key, RRset) of what has more than FEW records; the
    keys that have an underscore; those with an asterisk; those below the zone's own name, twice."""

    listed: Mapping[int, list[Item]]
    hosts: list[bytes]
    crowded: list[Item]
    underscored: list[bytes]
    starred: list[bytes]
    twice: list[bytes]


class Facts:
    """A subject and the contents around it, with the look-ups that rules need.

    `contents` is all of `parsed.zone` by default, `subject` (RRsets by key) too. `zone` is for
    rules that are asked about whole zones alone.
    """

    def __init__(
        self,
        parsed: Parsed,
        contents: Contents | None = None,
        subject: Mapping[bytes, RRset] | None = None,
        policy: ZonePolicy | None = None,
    ) -> None:
        self.parsed = parsed
        self.policy = ZonePolicy() if policy is None else policy
        self.zone: Zone = parsed.zone
        self.origin = parsed.zone.origin
        self.origin_text = names.to_text(self.origin)
        self.lowered_origin = self.origin.lower()
        self.in_reverse_tree = self.lowered_origin.endswith(_REVERSE)
        self.contents: Contents = WholeZone(parsed.zone) if contents is None else contents
        self.subject: Mapping[bytes, RRset] = parsed.zone.rrsets if subject is None else subject
        self.whole = subject is None
        self._get = self.contents.get
        self._standing: dict[bytes, bool] = {}
        self._accompanied: dict[int, list[Item]] = {}
        self._distinct: dict[tuple[int, int], set[bytes]] = {}
        self._doubtful: dict[tuple[int, int], dict[bytes, bytes | None]] = {}

    @cached_property
    def survey(self) -> Survey:
        """The walk over the subject."""
        listed: dict[int, list[Item]] = defaultdict(list)
        hosts, crowded, underscored, starred, twice = [], [], [], [], []
        again = node_key(self.origin[:-1]) or b"\xff"
        initial = again[0]
        for item in self.subject.items():
            key, (_, rtype, _, rdatas) = item
            if rtype in _HOSTS:
                hosts.append(key)
            else:
                listed[rtype].append(item)
            if len(rdatas) > FEW:
                crowded.append(item)
            if _UNDERSCORE in key:
                underscored.append(key)
            if _ASTERISK in key:
                starred.append(key)
            if key[0] == initial and key.startswith(again):
                twice.append(key)
        return Survey(listed, hosts, crowded, underscored, starred, twice)

    def of_type(self, rtype: int) -> list[Item]:
        """(key, RRset) of every RRset in the subject of a type other than A and AAAA."""
        return self.survey.listed.get(rtype, [])

    def distinct(self, rtype: int, start: int = 0) -> set[bytes]:
        """What records of a type in the subject hold from octet `start` on."""
        found = self._distinct.get((rtype, start))
        if found is None:
            # Whole rdatas first: many RRsets have the same ones.
            sets = [rdatas for _, (_, _, _, rdatas) in self.of_type(rtype)]
            found = set(chain.from_iterable(sets))
            if start:
                found = {rdata[start:] for rdata in found}
            self._distinct[rtype, start] = found
        return found

    def doubtful(self, rtype: int, start: int = 0) -> dict[bytes, bytes | None]:
        """The names that records of a type in the subject point to, in `distinct`, and their nodes
        (None outside the zone), without those that are beyond doubt: hosts in this zone that
        have an address, are no alias and are not below a DNAME."""
        found = self._doubtful.get((rtype, start))
        if found is None:
            found = self._doubtful[rtype, start] = {}
            mixed = not self.whole or self.accompanied(rd.CNAME) != []
            hidden = not self.whole or self.of_type(rd.DNAME) != []
            get, inside = self._get, self.node_inside
            for target in self.distinct(rtype, start):
                node = inside(target)
                if (
                    node is None
                    or (get(node + _A) is None and get(node + _AAAA) is None)
                    or (mixed and get(node + _CNAME) is not None)
                    or (hidden and self.below_dname(node))
                ):
                    found[target] = node
        return found

    def records(
        self, rtype: int, wanted: Collection[bytes], start: int = 0
    ) -> Iterator[tuple[bytes, RRset, bytes, bytes]]:
        """(key, RRset, rdata, rdata from `start` on) of the records whose last is wanted."""
        if wanted:
            for key, rrset in self.of_type(rtype):
                for rdata in rrset.rdatas:
                    held = rdata[start:]
                    if held in wanted:
                        yield key, rrset, rdata, held

    def accompanied(self, rtype: int) -> list[Item]:
        """The RRsets of a type at whose node there may be others. Asking a whole zone for the
        types at each node costs more than looking which nodes come twice."""
        known = self._accompanied.get(rtype)
        if known is None:
            known = self._accompanied[rtype] = self._find_accompanied(rtype)
        return known

    def _find_accompanied(self, rtype: int) -> list[Item]:
        items = self.of_type(rtype)
        if not items or not self.whole:
            return items
        nodes = {key[:-2] for key, _ in items}
        found = set()
        for address in (_A[1:], _AAAA[1:]):
            found.update([node for node in nodes if node + address in self.subject])
        for other, others in self.survey.listed.items():
            if other not in (rtype, rd.RRSIG):
                found |= nodes.intersection([key[:-2] for key, _ in others])
        return [item for item in items if item[0][:-2] in found] if found else []

    def occupied(self, nodes: set[bytes]) -> set[bytes]:
        """Those of these nodes of a whole zone that have records."""
        if not nodes:
            return set()
        prefixes = {node + b"\x00" for node in nodes}
        found = prefixes.intersection(map(itemgetter(slice(None, -2)), self.subject))
        found |= prefixes.intersection([key[:-4] for key, _ in self.of_type(rd.RRSIG)])
        return {prefix[:-1] for prefix in found}

    def rrset(self, node: bytes, rtype: int) -> RRset | None:
        """The RRset of a type at a node."""
        return self._get(node + b"\x00" + rtype.to_bytes(2, "big"))

    def has_address(self, node: bytes) -> bool:
        """Whether a node itself has A or AAAA records."""
        return self._get(node + _A) is not None or self._get(node + _AAAA) is not None

    def node_inside(self, name: bytes) -> bytes | None:
        """The node of an absolute name; None outside the zone."""
        lowered = name.lower()
        if not lowered.endswith(self.lowered_origin):
            return None
        # names.relative and names.node_key in one: this is asked for every name pointed to.
        end = len(lowered) - len(self.origin)
        labels = []
        position = 0
        while position < end:
            start = position + 1
            position = start + lowered[position]
            labels.append(lowered[start:position])
        if position != end:
            return None
        if not end or b"\x00" in lowered[:end] or b"\x01" in lowered[:end]:
            return node_key(lowered[:end])
        labels.reverse()
        return b"\x00".join(labels) + b"\x00"

    def is_cut(self, node: bytes) -> bool:
        """Whether a delegation stands at a node."""
        return node != b"" and self._stands(node + _NS)

    def _stands(self, key: bytes) -> bool:
        """Whether there is an RRset, asked once: many nodes have the same ancestors."""
        known = self._standing.get(key)
        if known is None:
            known = self._standing[key] = self._get(key) is not None
        return known

    def below_cut(self, node: bytes) -> bytes | None:
        """The nearest zone cut above a node, itself excluded; None if none."""
        while node:
            node = parent_node(node)
            if self.is_cut(node):
                return node
        return None

    def cut_at_or_above(self, node: bytes) -> bytes | None:
        """The zone cut that takes `node` out of this zone's authority."""
        return node if self.is_cut(node) else self.below_cut(node)

    def below_dname(self, node: bytes) -> bool:
        """Whether a DNAME above a node, itself excluded, takes what is asked for there."""
        if self.whole and not self.of_type(rd.DNAME):
            return False
        while node:
            node = parent_node(node)
            if self._stands(node + _DNAME):
                return True
        return False

    def exists(self, node: bytes) -> bool:
        """Whether a node exists, by itself or by what is below it."""
        return self.contents.exists(node)

    def source(self, node: bytes) -> bytes | None:
        """The node whose records a query for `node` gets: itself, the wildcard that covers it
        (RFC 4592 §3.3), or none."""
        if self.has_address(node) or self.exists(node):
            return node
        while node:
            node = parent_node(node)
            if self.exists(node):
                wildcard = node + b"*\x00"
                return wildcard if self.contents.types_at(wildcard) else None
        return None

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
