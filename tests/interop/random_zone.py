"""A zone that changes at random, as text for a zone file and as the records it ought to hold.

Every kind of edit is dealt out of a shuffled deck, so that each comes up in a few edits; the seed
makes a run repeatable. The records are read by dnspython, not by our reader.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import Random
from typing import NamedTuple

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from zonecast.zone import rdata as rd

ZONE = "example.com."

# A refresh or a retry would come hours after a test has given up: only a NOTIFY is quick.
TIMERS = "86400 7200 3600000"


class Record(NamedTuple):
    """One record, its owner and rdata as they compare: names in lower case."""

    owner: bytes
    rtype: int
    ttl: int
    rdata: bytes

    def __repr__(self) -> str:
        name, _ = dns.name.from_wire(self.owner, 0)
        return f"{name} {self.ttl} {dns.rdatatype.to_text(self.rtype)} {self.rdata!r}"


def record(owner: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> Record:
    """dnspython's record as ours."""
    rtype = int(rdata.rdtype)
    return Record(owner.to_wire().lower(), rtype, ttl, rd.canonical(rtype, rdata.to_wire()))


def _long_text(random: Random, number: int) -> str:
    strings = [f'"{"x" * 255}"', '"quo\\"ted; \\\\ caf\\195\\169"', '""', "bare", "UPPER"]
    return " ".join([str(number), *random.sample(strings, random.randint(0, 4))])


def _hex(random: Random, octets: int) -> str:
    return random.randbytes(octets).hex()


# Rdata of each type that any name may own; the number makes every rdata another one.
RDATA: dict[str, Callable[[Random, int], str]] = {
    "A": lambda random, n: f"192.0.{n >> 8 & 255}.{n & 255}",
    "AAAA": lambda random, n: f"2001:db8::{n:x}",
    "MX": lambda random, n: f"{n} Mail.example.net.",
    "TXT": _long_text,
    "SRV": lambda random, n: f"1 {n} 5060 SIP.Example.com.",
    "CAA": lambda random, n: f'0 issue "ca{n}.example.net"',
    "SSHFP": lambda random, n: f"4 2 {_hex(random, 32)}",
    "TLSA": lambda random, n: f"3 1 1 {_hex(random, 32)}",
    "HTTPS": lambda random, n: f"{n} . alpn=h2,h3 port={n} ipv4hint=192.0.2.80",
    "SVCB": lambda random, n: f"{n} svc.example.net. key65333=value",
    "NAPTR": lambda random, n: f'{n} 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .',
    "LOC": lambda random, n: f"52 {n // 60} {n % 60}.000 N 4 53 32.000 E -2.00m 1m 10000m 10m",
    "HINFO": lambda random, n: f'"cpu {n}" "os"',
    "RP": lambda random, n: f"host{n}.example.net. who.example.com.",
    "URI": lambda random, n: f'10 {n} "https://www.example.com/{n}"',
    "PTR": lambda random, n: f"Host{n}.example.com.",
    "CERT": lambda random, n: f"1 {n} 8 {'QUJD' * 20}",
    "TYPE65280": lambda random, n: f"\\# 6 {n:08x}0a00",
}

# Owners that are hard to write, with what zone files and DNS messages must not confuse.
ODD_OWNERS = (
    "*",
    "*.wild",
    "a.*.star",
    "dot\\.ted",
    "spa\\032ce",
    'quo\\"te',
    "back\\\\slash",
    "nul\\000octet",
    "hi\\255gh",
    "semi\\;colon",
    "at\\@sign",
    "dol\\$lar",
    "par\\(en\\)",
    "Mixed.CASE",
    "_sip._tcp",
    "deep.er.than.em.pty",
    "x" * 63,
    ".".join(["y" * 63, "y" * 63, "y" * 63, "y" * 49]),
)
HOSTS = tuple(f"host{n}" for n in range(400))
TTLS = (0, 1, 60, 300, 3600, 86400, 604800)

Key = tuple[str, str]


class RandomZone:
    """Read-only for callers: `serial`, which soon reaches its end and goes on with 0."""

    def __init__(self, seed: int, without: Iterable[str] = ()) -> None:
        """A zone of some 200 records; no name in `without`."""
        self.serial = 2**32 - 6
        self._random = Random(seed)
        self._odd = [owner for owner in ODD_OWNERS if owner not in without]
        self._number = 0
        self._minimum = 300
        self._deck: list[Callable[[], None]] = []
        self._rrsets: dict[Key, tuple[int, list[str]]] = {
            ("@", "NS"): (3600, ["ns1", "ns2.example.net."]),
            ("ns1", "A"): (3600, ["192.0.2.1"]),
        }
        for owner in self._odd[::2]:
            self._add(owner, "TXT")
        for _ in range(4):
            self._add_many()
        for make in (self._delegate, self._delegate, self._alias, self._alias, self._graft):
            make()

    def edit(self) -> None:
        """Change two to six things and raise the serial."""
        for _ in range(self._random.randint(2, 6)):
            if not self._deck:
                self._deck = self._kinds()
            self._deck.pop()()
        self.serial += self._random.choice((1, 1, 2, 3))
        if self.serial >= 2**32:
            self.serial = 0

    def _kinds(self) -> list[Callable[[], None]]:
        kinds = [
            self._add_many,
            self._add_odd,
            self._remove,
            self._remove_many,
            self._change_ttl,
            self._replace,
            self._grow,
            self._shrink,
            self._delegate,
            self._change_glue,
            self._undelegate,
            self._alias,
            self._alias_becomes_host,
            self._graft,
            self._change_apex,
            self._change_soa,
            self._nothing,
        ]
        self._random.shuffle(kinds)
        return kinds

    # Adding, and taking away.

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _rdatas(self, rtype: str) -> list[str]:
        count = self._random.choice((1, 1, 2, 3))
        return [RDATA[rtype](self._random, self._next()) for _ in range(count)]

    def _add(self, owner: str, rtype: str) -> None:
        self._rrsets[owner, rtype] = (self._random.choice(TTLS), self._rdatas(rtype))

    def _add_many(self) -> None:
        for _ in range(self._random.randint(10, 30)):
            self._add(self._random.choice(HOSTS), self._random.choice(list(RDATA)))

    def _add_odd(self) -> None:
        for owner in self._random.sample(self._odd, 5):
            self._add(owner, self._random.choice(list(RDATA)))

    def _plain(self) -> list[Key]:
        """The RRsets of which nothing else depends."""
        return [key for key in self._rrsets if key[0] in HOSTS + ODD_OWNERS]

    def _pick(self) -> Key:
        return self._random.choice(self._plain())

    def _remove(self) -> None:
        del self._rrsets[self._pick()]

    def _remove_many(self) -> None:
        for key in self._random.sample(self._plain(), 15):
            del self._rrsets[key]

    # Changing what is there.

    def _change_ttl(self) -> None:
        for key in self._random.sample(list(self._rrsets), 5):
            ttl, rdatas = self._rrsets[key]
            self._rrsets[key] = (self._random.choice([t for t in TTLS if t != ttl]), rdatas)

    def _replace(self) -> None:
        for _ in range(5):
            self._add(*self._pick())

    def _grow(self) -> None:
        """More records at one name and type, some of them under another TTL than before."""
        for _ in range(5):
            key = self._pick()
            ttl, rdatas = self._rrsets[key]
            ttl = self._random.choice((ttl, *TTLS))
            self._rrsets[key] = (ttl, rdatas + self._rdatas(key[1]))

    def _shrink(self) -> None:
        for key in self._plain():
            ttl, rdatas = self._rrsets[key]
            if len(rdatas) > 1 and self._random.random() < 0.2:
                self._rrsets[key] = (ttl, rdatas[1:])

    def _change_apex(self) -> None:
        self._add("@", self._random.choice(("MX", "TXT", "CAA", "HTTPS", "A")))
        servers = self._random.sample(["ns3.example.net.", "ns4.example.net."], 1)
        self._rrsets["@", "NS"] = (3600, ["ns1", *servers])

    def _change_soa(self) -> None:
        self._minimum += 1

    def _nothing(self) -> None:
        """A greater serial needs no other change."""

    # Names where a type is alone, or others depend on it.

    def _delegate(self) -> None:
        """A zone cut with glue, DS, and a record that it hides."""
        n = self._next()
        self._rrsets[f"sub{n}", "NS"] = (300, [f"ns.sub{n}", f"NS.Deep.Sub{n}", "ns1.example.net."])
        self._rrsets[f"ns.sub{n}", "A"] = (300, [f"198.51.100.{n % 256}"])
        self._rrsets[f"ns.deep.sub{n}", "AAAA"] = (300, [f"2001:db8:1::{n:x}"])
        self._rrsets[f"sub{n}", "DS"] = (300, [f"{n} 13 2 {_hex(self._random, 32)}"])
        self._rrsets[f"hidden.sub{n}", "TXT"] = (300, ['"below the cut"'])

    def _cuts(self) -> list[str]:
        return [owner for owner, rtype in self._rrsets if rtype == "NS" and owner != "@"]

    def _change_glue(self) -> None:
        for cut in self._cuts()[:1]:
            self._rrsets[f"ns.{cut}", "A"] = (60, [f"198.51.100.{self._next() % 256}"])

    def _undelegate(self) -> None:
        for cut in self._cuts()[:1]:
            for key in [key for key in self._rrsets if f".{key[0]}".endswith(f".{cut}")]:
                del self._rrsets[key]

    def _alias(self) -> None:
        n = self._next()
        owner = self._random.choice((f"alias{n}", f"*.alias{n}", f"ali\\.as{n}"))
        self._rrsets[owner, "CNAME"] = (
            60,
            [self._random.choice(("ns1", "Else.Where.example.net."))],
        )

    def _alias_becomes_host(self) -> None:
        for owner, rtype in list(self._rrsets):
            if rtype == "CNAME":
                del self._rrsets[owner, rtype]
                self._rrsets[owner, "A"] = (60, [f"192.0.2.{self._next() % 256}"])
                return

    def _graft(self) -> None:
        self._rrsets[f"tree{self._next()}", "DNAME"] = (300, ["Grown.example.net."])

    # What it is.

    def _soa(self) -> str:
        return f"ns1 host\\.master {self.serial} {TIMERS} {self._minimum}"

    def _items(self) -> Iterable[tuple[str, int, str, str]]:
        yield "@", 3600, "SOA", self._soa()
        for (owner, rtype), (ttl, rdatas) in self._rrsets.items():
            for rdata in rdatas:
                yield owner, ttl, rtype, rdata

    def text(self) -> str:
        """The zone file; behind the SOA in any order."""
        soa, *lines = (
            f"{owner} {ttl} IN {rtype} {rdata}\n" for owner, ttl, rtype, rdata in self._items()
        )
        self._random.shuffle(lines)
        return "".join([f"$ORIGIN {ZONE}\n", soa, *lines])

    def records(self) -> list[Record]:
        """Every record, sorted."""
        origin = dns.name.from_text(ZONE)
        return sorted(
            record(
                dns.name.from_text(owner, origin) if owner != "@" else origin,
                ttl,
                dns.rdata.from_text(
                    dns.rdataclass.IN, rtype, rdata, origin=origin, relativize=False
                ),
            )
            for owner, ttl, rtype, rdata in self._items()
        )
