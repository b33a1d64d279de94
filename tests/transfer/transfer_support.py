"""Zones, sources and wire records for the transfer tests, built with dnspython where possible so
that the bytes come from somebody else's code."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import Any

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone

from zonecast.protocol.compiled import transfer_records
from zonecast.protocol.condensing import Chain, Held
from zonecast.protocol.transfer_run import Run, counted
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, make_rrset, soa_serial
from zonecast.zone.rrset import with_serial as soa_with_serial

ORIGIN = names.from_text("example.com.")
KEY_NAME = "xfr.example."
KEY_SECRET = "c2l4dGVlbiBvY3RldHMgYXQgbGVhc3QsIHRoYXQgaXM="

Record = tuple[str, str, int, str]  # owner relative to the origin, type, TTL, rdata

BASE: tuple[Record, ...] = (
    ("@", "NS", 300, "ns1"),
    ("@", "NS", 300, "ns2.example.net."),
    ("@", "MX", 300, "10 mail"),
    ("ns1", "A", 300, "192.0.2.1"),
    ("mail", "AAAA", 300, "2001:db8::25"),
    ("*.wild", "TXT", 60, '"any" "thing"'),
    ("sub", "NS", 300, "ns.sub"),
    ("ns.sub", "A", 300, "192.0.2.53"),
    ("WwW", "CNAME", 300, "ns1"),
    ("_sip._tcp", "SRV", 300, "1 2 5060 mail"),
)


def rdata(rtype: str, text: str) -> bytes:
    made: Any = dns.rdata.from_text(
        dns.rdataclass.IN,
        dns.rdatatype.from_text(rtype),
        text,
        origin=dns.name.from_text("example.com."),
        relativize=False,
    )
    return made.to_wire()


def rrset(owner: str, rtype: str, ttl: int, *texts: str) -> RRset:
    relative = b"" if owner == "@" else names.from_text(owner + ".")[:-1]
    number = int(dns.rdatatype.from_text(rtype))
    return make_rrset(relative, number, ttl, [rdata(rtype, text) for text in texts])


def soa(serial: int, minimum: int = 300) -> RRset:
    return rrset("@", "SOA", 300, f"ns1 host {serial} 3600 600 86400 {minimum}")


def zone(serial: int, records: Iterable[Record] = BASE) -> Zone:
    grouped: dict[tuple[str, str, int], list[str]] = {}
    for owner, rtype, ttl, text in records:
        grouped.setdefault((owner, rtype, ttl), []).append(text)
    rrsets = [rrset(*key, *texts) for key, texts in grouped.items()]
    made = Zone(ORIGIN, {r.key: r for r in rrsets})
    made.rrsets[SOA_KEY] = soa(serial)
    return made


def at_serial(old: Zone, serial: int) -> Zone:
    assert old.soa is not None
    return Zone(old.origin, {**old.rrsets, SOA_KEY: soa_with_serial(old.soa, serial)})


class DictSource:
    """A transfer source over a zone and the changesets that led to it."""

    def __init__(self, held: Zone, changesets: Iterable[Changeset] = ()) -> None:
        self._zone = held
        self._changesets = list(changesets)
        assert held.soa is not None
        self.soa: RRset = held.soa

    def runs(self) -> Iterator[Run]:
        for made in self._zone:
            if made.key != SOA_KEY:
                yield counted(transfer_records(made))

    def journal(self, serial: int) -> Chain | None:
        for place, changeset in enumerate(self._changesets):
            if changeset.old_serial == serial:
                return Held(ixfr_octets(later) for later in self._changesets[place:])
        return None


def ixfr_octets(changeset: Changeset) -> bytes:
    assert changeset.old_soa is not None
    order = (changeset.old_soa, *changeset.deleted, changeset.new_soa, *changeset.added)
    return b"".join(map(transfer_records, order))


def wire(*rrsets: RRset) -> list[bytes]:
    """Each record, uncompressed but for the owner's pointer to the question."""
    return [transfer_records(r._replace(rdatas=(one,))) for r in rrsets for one in r.rdatas]


def question(qtype: str) -> bytes:
    return ORIGIN + struct.pack(">HH", int(dns.rdatatype.from_text(qtype)), 1)


def message(
    records: list[bytes],
    qtype: str = "AXFR",
    query_id: int = 7,
    flags: int = 0x8400,
    count: int | None = None,
    repeat: int = 1,
) -> bytes:
    """An answer message around records; `repeat` is how many questions it carries."""
    header = struct.pack(
        ">HHHHHH", query_id, flags, repeat, len(records) if count is None else count, 0, 0
    )
    return header + question(qtype) * repeat + b"".join(records)


def content(held: Zone) -> dict[bytes, tuple[int, tuple[bytes, ...]]]:
    """A zone for comparison: TTL and lower-cased rdata of every RRset, serial and all."""
    return {
        key: (made.ttl, tuple(sorted(made.rdatas))) for key, made in sorted(held.rrsets.items())
    }


def serial_of(held: Zone) -> int:
    assert held.soa is not None
    return soa_serial(held.soa.rdatas[0])


def as_served(text: str) -> set[tuple[bytes, int, int, bytes]]:
    """A zone file's records as dnspython reads them."""
    read = dns.zone.from_text(text, "example.com.", relativize=False)
    return {
        (name.to_wire().lower(), int(one.rdtype), ttl, rd.canonical(one.rdtype, one.to_wire()))
        for name, ttl, one in read.iterate_rdatas()
    }


def as_stored(zone: Zone) -> set[tuple[bytes, int, int, bytes]]:
    return {
        ((made.owner + ORIGIN).lower(), made.rtype, made.ttl, rd.canonical(made.rtype, rdata))
        for made in zone
        for rdata in made.rdatas
    }
