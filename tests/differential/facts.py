"""What the zones of one world hold, read by dnspython: to ask about, and to judge replies by."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property

import dns.name
import dns.zone
from naive import Expected, Reference, from_message
from queries import Known, known_names
from wire import Record, Reply

A, NS, AAAA, RRSIG = 1, 2, 28, 46


class Facts:
    """One world's zones: origin → zone file."""

    def __init__(self, texts: Mapping[str, str]) -> None:
        self.texts = texts

    @cached_property
    def zones(self) -> list[dns.zone.Zone]:
        return [
            dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
            for origin, text in self.texts.items()
        ]

    @cached_property
    def reference(self) -> Reference:
        """RFC 1034 §4.3.2 as written, over these zones."""
        return Reference(self.zones)

    @cached_property
    def reference_dnssec(self) -> Reference:
        """With RFC 4035 §3.1 and RFC 5155 §7.2, for who sets DO."""
        return Reference(self.zones, dnssec=True)

    @cached_property
    def known(self) -> Known:
        """Every name there is, with its types."""
        origins = [zone.origin for zone in self.zones if zone.origin is not None]
        owners = (
            (name, int(rdataset.rdtype))
            for zone in self.zones
            for name, rdataset in zone.iterate_rdatasets()
        )
        return known_names(owners, origins)

    @cached_property
    def addresses(self) -> dict[bytes, dict[tuple[bytes, int], frozenset[Record]]]:
        """Of each zone, by lower-cased origin, the address RRsets."""
        found: dict[bytes, dict[tuple[bytes, int], frozenset[Record]]] = {}
        for zone in self.zones:
            assert zone.origin is not None
            rrsets = found[zone.origin.to_wire().lower()] = {}
            for name, rdataset in zone.iterate_rdatasets():
                if rdataset.rdtype in (A, AAAA):
                    owner = name.to_wire().lower()
                    rrsets[owner, int(rdataset.rdtype)] = frozenset(
                        Record(owner, int(rdataset.rdtype), 1, rdataset.ttl, rdata.to_wire())
                        for rdata in rdataset
                    )
        return found

    def expected(self, name: dns.name.Name, qtype: int, *, dnssec: bool) -> Expected:
        """What the reference answers, the additional section aside."""
        reference = self.reference_dnssec if dnssec else self.reference
        expected = reference.answer(name, qtype)
        expected.additional = set()
        return expected

    def glue(self, authority: Iterable[Record]) -> list[frozenset[Record]]:
        """The address RRsets that a referral cannot do without: in-domain ones, of the zone that
        delegates (RFC 9471 §3.1)."""
        found = []
        for record in authority:
            zone = self._above(record.owner)
            if record.rtype != NS or zone is None or not _below(record.rdata, record.owner):
                continue
            for rtype in (A, AAAA):
                rrset = self.addresses[zone].get((record.rdata, rtype))
                if rrset is not None and rrset not in found:
                    found.append(rrset)
        return found

    def _above(self, cut: bytes) -> bytes | None:
        """The nearest zone above a name."""
        origin = cut
        while origin != b"\x00":
            origin = origin[origin[0] + 1 :]
            if origin in self.addresses:
                return origin
        return None

    def faults(self, reply: Reply) -> list[str]:
        """What is wrong with a reply's additional section, as a complete reply."""
        found = []
        given: dict[tuple[bytes, int], set[Record]] = {}
        for record in reply.additional:
            if record.rtype == RRSIG:
                continue
            given.setdefault((record.owner, record.rtype), set()).add(record)
        for key, records in given.items():
            if all(zone.get(key) != records for zone in self.addresses.values()):
                found.append(f"additional RRset that is in no zone, or not whole: {key}")
        if not reply.tc:
            found += [
                f"glue is missing: {sorted(rrset)}"
                for rrset in self.glue(reply.authority)
                if given.get((min(rrset).owner, min(rrset).rtype)) != rrset
            ]
        return found

    def needed(self, reply: Reply) -> int:
        """The octets of a complete reply without what may be left out of it."""
        glue = {record for rrset in self.glue(reply.authority) for record in rrset}
        return len(reply.octets) - sum(r.octets for r in reply.additional if r not in glue)


def _below(name: bytes, top: bytes) -> bool:
    while len(name) > len(top):
        name = name[name[0] + 1 :]
    return name == top


def agrees(reply: Reply, expected: Expected) -> bool:
    """Whether the reference says the same, signatures and proofs too."""
    got = from_message(reply.octets)
    got.additional = set()
    return got == expected
