"""Queries about a set of zones: about what is there, what is nearly there, and in every form."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

import dns.name
import dns.rdatatype

Name = dns.name.Name
Known = dict[Name, list[int]]

TYPES = [1, 2, 5, 6, 12, 15, 16, 28, 33, 35, 39, 43, 46, 47, 48, 50, 51, 59, 60, 64, 65, 257, 65280]
# No records: OPT, TKEY, TSIG, IXFR, AXFR, MAILB, MAILA, ANY, reserved and unassigned ones.
META = [0, 41, 100, 128, 249, 250, 251, 252, 253, 254, 255, 256, 32769, 65535]
CLASSES = [0, 2, 3, 4, 254, 255, 65535]
SIZES = [0, 100, 511, 512, 513, 700, 1000, 1231, 1232, 1233, 1400, 4096, 65535]
OPTIONS = [
    (3, b""),  # NSID
    (8, b"\x00\x01\x18\x00\xc0\x00\x02"),  # client subnet
    (12, b"\x00" * 20),  # padding
    (65001, b"unknown"),
    (65002, b""),
]
LABELS = [b"a", b"b", b"*", b"x", b"ns", b"zz", b"\x00", b"dot.ted", b"Www", b"y" * 63]


@dataclass(frozen=True, slots=True)
class Query:
    """One query: what it asks, over what, and its octets."""

    name: Name
    qtype: int
    qclass: int
    flags: int
    edns: int | None
    version: int
    dnssec: bool
    tcp: bool
    packet: bytes

    def __str__(self) -> str:
        rtype = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(self.qtype))
        edns = "" if self.edns is None else f" edns={self.edns} v{self.version} do={self.dnssec:d}"
        return (
            f"{self.name} {rtype} class {self.qclass} flags {self.flags:04x}{edns}"
            f" {'tcp' if self.tcp else 'udp'}"
        )

    @property
    def limit(self) -> int:
        """The most octets of an answer over UDP, where the server's own limit is 1232."""
        return 512 if self.edns is None else max(512, min(self.edns, 1232))


def make_query(
    name: Name,
    qtype: int,
    *,
    qclass: int = 1,
    flags: int = 0,
    edns: int | None = None,
    version: int = 0,
    dnssec: bool = False,
    options: tuple[tuple[int, bytes], ...] = (),
    tcp: bool = False,
) -> Query:
    """A query from its fields."""
    opt = b""
    if edns is not None:
        rdata = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
        ttl = version << 16 | (0x8000 if dnssec else 0)
        opt = struct.pack(">BHHIH", 0, 41, edns, ttl, len(rdata)) + rdata
    packet = struct.pack(">HHHHHH", 0, flags, 1, 0, 0, 1 if opt else 0)
    packet += name.to_wire() + struct.pack(">HH", qtype, qclass) + opt
    return Query(name, qtype, qclass, flags, edns, version, dnssec, tcp, packet)


def known_names(names: Iterator[tuple[Name, int]], origins: list[Name]) -> Known:
    """Every owner with its types, and every name between an owner and its zone's apex."""
    known: Known = {}
    for owner, rtype in names:
        known.setdefault(owner, []).append(rtype)
        above = owner
        while above not in origins and above != dns.name.root:
            above = above.parent()
            known.setdefault(above, [])
    return known


def queries(random: Random, known: Known, count: int, dnssec: float = 0.15) -> Iterator[Query]:
    """`count` queries, most of them about names in `known` and what is near them; of those with
    EDNS this share has DO."""
    names = sorted(known)
    for _ in range(count):
        name = random.choice(names)
        types = known[name]
        name = _vary(random, name)
        pick = random.random()
        if pick < 0.5 and types:
            qtype = random.choice(types)
        elif pick < 0.93:
            qtype = random.choice(TYPES)
        else:
            qtype = random.choice(META)
        qclass = random.choice(CLASSES) if random.random() < 0.02 else 1
        yield _form(random, name, qtype, qclass, dnssec)


def _vary(random: Random, name: Name) -> Name:
    """The name, or one near it, in some case."""
    pick = random.random()
    labels = name.labels
    if 0.5 < pick < 0.75:
        labels = (random.choice(LABELS), *labels)
    elif 0.75 < pick < 0.82:
        labels = (random.choice(LABELS), random.choice(LABELS), *labels)
    elif 0.82 < pick < 0.9 and len(labels) > 1:
        labels = (random.choice(LABELS), *labels[1:])
    elif 0.9 < pick < 0.95 and len(labels) > 1:
        labels = labels[1:]
    try:
        name = Name(labels)
    except dns.name.NameTooLong:
        pass
    return random_case(random, name) if random.random() < 0.4 else name


def random_case(random: Random, name: Name) -> Name:
    """The name in another case (as 0x20 has it)."""
    return Name(
        tuple(
            bytes(octet ^ 32 if chr(octet).isascii() and chr(octet).isalpha()
                  and random.random() < 0.5 else octet for octet in label)
            for label in name.labels
        )
    )  # fmt: skip


def _form(random: Random, name: Name, qtype: int, qclass: int, dnssec: float) -> Query:
    flags = random.choice([0, 0, 0x0100, 0x0100, 0x0120, 0x0010, 0x0130, 0x0040, 0x0400])
    edns = random.choice(SIZES) if random.random() < 0.6 else None
    options: list[tuple[int, bytes]] = []
    if random.random() < 0.1:
        options = random.sample(OPTIONS, random.randint(1, 2))
    return make_query(
        name,
        qtype,
        qclass=qclass,
        flags=flags,
        edns=edns,
        version=random.choice([1, 255]) if random.random() < 0.02 else 0,
        dnssec=random.random() < dnssec,
        options=tuple(options),
        tcp=random.random() < 0.15,
    )
