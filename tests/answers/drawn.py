"""Zones and questions drawn by hypothesis: few labels, so that everything is next to everything."""

from __future__ import annotations

from dataclasses import dataclass

import dns.name
import dns.rdatatype
import dns.zone
from hypothesis import strategies as st
from loading import query

SOA = "@ 900 SOA ns.example. admin.example. 1 3600 600 86400 300"
ORIGINS = ["example.", "a.example.", "b.a.example.", "other.test."]
LABELS = ["a", "b", "*", "A", "ns", "\\000", "\\001\\000", "x\\.y", "m" * 63]
TYPES = [
    "A", "AAAA", "NS", "CNAME", "DNAME", "MX", "SRV", "TXT", "DS", "SOA", "ANY", "HTTPS", "AFSDB",
    "KX", "SVCB", "PTR", "HINFO", "NULL", "TYPE0", "TYPE127", "TYPE128", "OPT", "URI", "CAA",
    "TYPE65280",
]  # fmt: skip
SIGNED_TYPES = ["RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "DS"]

# Each with the types of data that has a meaning of its own to an answerer, TARGET standing for a name.
DATA = [
    ["64 MX 10 TARGET"], ["65 TXT t"], ["66 SRV 1 2 3 TARGET"], ["64 MX 10 TARGET", "66 SRV 1 2 3 ."],
    ["68 AFSDB 1 TARGET"], ["69 KX 1 TARGET"], ["72 HTTPS 1 . alpn=h2"], ["72 SVCB 0 TARGET"],
    ["73 PTR TARGET"], ["74 HINFO a b"], ["75 URI 1 2 \"t\""], ["75 TYPE65280 \\# 1 00"], [],
]  # fmt: skip
LONG = ".".join(["m" * 63] * 3)

owners = st.lists(st.sampled_from(LABELS), min_size=1, max_size=3).map(".".join)
targets = st.one_of(
    st.tuples(owners, st.sampled_from(ORIGINS)).map(".".join),
    st.sampled_from([*ORIGINS, "a.b.example.", "ns.a.example.", "host.elsewhere.", "."]),
)
addresses = st.sampled_from(["A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1"])


@st.composite
def nodes(draw: st.DrawFn, owner: str) -> list[str]:
    """The records of one name: an alias, a zone cut, a DNAME or ordinary data, now and then more of
    it than fits."""
    kind = draw(st.sampled_from(["cname", "cut", "dname", "data", "data", "data", "many"]))
    target = draw(targets)
    if kind == "cname":
        return [f"{owner} 60 CNAME {target}"]
    found = []
    if kind == "cut":
        found += [f"{owner} 61 NS {host}" for host in {target, draw(targets)}]
        if draw(st.booleans()):
            found.append(f"{owner} 62 DS 1 8 2 {'00' * 32}")
    if kind == "dname":
        far = draw(st.sampled_from([target, target, f"{LONG}.elsewhere."]))
        found.append(f"{owner} 63 DNAME {far}")
    if kind == "data":
        for record in draw(st.sampled_from(DATA)):
            found.append(f"{owner} {record.replace('TARGET', target)}")
    if kind == "many":
        rtype, count = draw(st.sampled_from([("TXT", 20), ("TXT", 90), ("MX", 20), ("A", 300)]))
        found += [f"{owner} 76 {rtype} {_rdata(rtype, n, target)}" for n in range(count)]
    return found + [f"{owner} 67 {address}" for address in draw(st.sets(addresses, max_size=3))]


def _rdata(rtype: str, number: int, target: str) -> str:
    if rtype == "A":
        return f"10.0.{number >> 8}.{number & 255}"
    if rtype == "MX":
        return f"{number} {target}"
    return f'"{number}{"t" * 250}"'


@st.composite
def zones(draw: st.DrawFn, origin: str) -> dns.zone.Zone:
    lines = [SOA, f"@ 70 NS {draw(targets)}"]
    if draw(st.integers(0, 5)) == 0:
        lines.append(f"@ 71 DNAME {draw(targets)}")
    for owner in draw(st.lists(owners, unique_by=str.lower, max_size=8)):
        lines += draw(nodes(owner))
    return dns.zone.from_text("\n".join(lines), origin=origin, relativize=False)


@dataclass
class World:
    """Zones, the origins of expired ones, and questions mostly about names that are there or nearly
    so."""

    zones: list[dns.zone.Zone]
    expired: frozenset[dns.name.Name]
    asked: list[tuple[str, str]]

    @property
    def expired_origins(self) -> frozenset[bytes]:
        return frozenset(origin.to_wire().lower() for origin in self.expired)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    origins = sorted(draw(st.sets(st.sampled_from(ORIGINS), min_size=1)))
    found = [draw(zones(origin)) for origin in origins]
    expired = draw(st.sets(st.sampled_from(origins))) if draw(st.integers(0, 7)) == 0 else set()
    there = sorted({name.to_text() for zone in found for name in zone.nodes})
    name = st.one_of(
        st.sampled_from([*there, "."]),
        st.tuples(st.sampled_from(LABELS), st.sampled_from([*there, "example."])).map(".".join),
        st.tuples(owners, st.sampled_from(ORIGINS)).map(".".join),
    ).filter(_short_enough)
    asked = draw(st.lists(st.tuples(name, st.sampled_from(TYPES)), min_size=1, max_size=16))
    return World(found, frozenset(map(dns.name.from_text, expired)), asked)


def _short_enough(name: str) -> bool:
    try:
        dns.name.from_text(name)
    except dns.name.NameTooLong:
        return False
    return True


@dataclass
class Form:
    """How a question is put: header flags, the OPT record's size (None: no record), the case of the
    name."""

    flags: int
    edns: int | None
    dnssec: bool
    upper: bool

    def packet(self, name: str, qtype: str) -> bytes:
        """The query."""
        asked = dns.name.from_text(name)
        if self.upper:
            asked = dns.name.Name(label.upper() for label in asked.labels)
        return query(
            asked,
            qtype,
            flags=self.flags,
            edns=self.edns,
            dnssec=self.dnssec and self.edns is not None,
        )


forms = st.builds(
    Form,
    st.sampled_from([0, 0x0100, 0x0020, 0x0120, 0x0010, 0x0400]),
    st.one_of(st.none(), st.sampled_from([0, 512, 1000, 1232, 4096, 65535])),
    st.booleans(),
    st.booleans(),
)
