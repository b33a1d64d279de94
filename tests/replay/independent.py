"""Zones as another reader reads them: dnspython's, given `$INCLUDE` as the project documents it.

Included files come from the same commit, relative to the including file or else to the top.
Records are taken one by one as dnspython's reader makes them, so that the project's rule for TTLs
that differ inside an RRset (the first one counts for all, as BIND does) can be applied to them;
dnspython's own zone class would take the lowest.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from posixpath import dirname, join, normpath
from typing import Any, NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.zone
import dns.zonefile

from zonecast.zone.rrset import Zone

# Owner (lower case), type, TTL and the rdata in canonical form (RFC 4034 §6.2). The SOA's serial is
# kept beside the records, so that "the same content" is plain equality.
Record = tuple[str, str, int, bytes]
Found = tuple[dns.name.Name, int, dns.rdata.Rdata]

_INCLUDE_OCTETS = re.compile(rb"^(\$INCLUDE\s+)(\S+)", re.IGNORECASE | re.MULTILINE)
_INCLUDE = re.compile(_INCLUDE_OCTETS.pattern.decode(), re.IGNORECASE | re.MULTILINE)


class Reading(NamedTuple):
    """What a zone file or a server says: its records and serial, or why it cannot be read."""

    records: frozenset[Record] = frozenset()
    serial: int | None = None
    trouble: str = ""


class Collector:
    """What dnspython's reader takes for a transaction: it keeps the records in their order."""

    def __init__(self, origin: dns.name.Name) -> None:
        self.origin = origin
        self.manager = self
        self.records: list[Found] = []

    def origin_information(self) -> tuple[dns.name.Name, bool, dns.name.Name]:
        """Names stay absolute."""
        return self.origin, False, self.origin

    def check_put_rdataset(self, check: Any) -> None:
        """CNAMEs beside other data are for the checks to find."""

    def _set_origin(self, origin: dns.name.Name | None) -> None:
        """The origin in force at the end of the file, of no interest."""

    def add(self, name: dns.name.Name, ttl: int, rdata: dns.rdata.Rdata) -> None:
        """One record."""
        self.records.append((name, ttl, rdata))


class Sources:
    """A commit's files for other readers: `files` maps paths to blobs, `blob` gives octets."""

    def __init__(self, files: dict[str, str], blob: Callable[[str], bytes], scratch: Path) -> None:
        self.files = files
        self.blob = blob
        self.scratch = scratch

    def included(self, path: str, wanted: str) -> str | None:
        """The path that an `$INCLUDE` in `path` means, None where the commit has no such file."""
        beside, top = normpath(join(dirname(path), wanted)), normpath(wanted)
        return beside if beside in self.files else top if top in self.files else None

    def blobs(self, path: str) -> tuple[str, ...]:
        """All blobs that a zone file is made of."""
        found = [self.files[path]]
        for match in _INCLUDE.finditer(self.blob(self.files[path]).decode("utf-8", "replace")):
            inner = self.included(path, match[2])
            found += [] if inner is None else self.blobs(inner)
        return tuple(found)

    def text(self, path: str) -> bytes:
        """A file with each `$INCLUDE` naming a copy in the scratch directory, itself treated so."""

        def copy(match: re.Match[bytes]) -> bytes:
            found = self.included(path, match[2].decode())
            target = self.scratch / ("not-in-the-commit" if found is None else self.files[found])
            if found is not None:
                target.write_bytes(self.text(found))
            return match[1] + str(target).encode()

        return _INCLUDE_OCTETS.sub(copy, self.blob(self.files[path]))


def read(sources: Sources, path: str, origin: str) -> Reading:
    """The zone in a commit's zone file, as dnspython reads it."""
    collector = Collector(dns.name.from_text(origin))
    try:
        tokenizer = dns.tokenizer.Tokenizer(sources.text(path).decode("utf-8"), filename=path)
        transaction: Any = collector
        dns.zonefile.Reader(tokenizer, dns.rdataclass.IN, transaction, allow_include=True).read()
    except (dns.exception.DNSException, UnicodeDecodeError, OSError, ValueError) as error:
        return Reading(trouble=f"{type(error).__name__}: {error}")
    return reading(collector.records)


def reading(found: Iterable[Found]) -> Reading:
    """Records as a set, with one TTL an RRset: the first."""
    ttls: dict[tuple[str, int, int], int] = {}
    records = set()
    serial = None
    for name, ttl, rdata in found:
        owner = name.to_text().lower()
        first = ttls.setdefault((owner, rdata.rdtype, rdata.covers()), ttl)
        record, of_soa = _record(owner, first, rdata)
        serial = serial if of_soa is None else of_soa
        records.add(record)
    return Reading(frozenset(records), serial)


def _record(owner: str, ttl: int, rdata: dns.rdata.Rdata) -> tuple[Record, int | None]:
    """A record without its serial, and the serial if it is a SOA."""
    wire = rdata.to_digestable()
    serial = None
    if rdata.rdtype == dns.rdatatype.SOA:
        serial = int.from_bytes(wire[-20:-16], "big")
        wire = wire[:-20] + wire[-16:]
    return (owner, dns.rdatatype.to_text(rdata.rdtype), ttl, wire), serial


@lru_cache(maxsize=1 << 18)
def _stored_record(owner: bytes, rtype: int, ttl: int, wire: bytes) -> tuple[Record, int | None]:
    kind = dns.rdatatype.RdataType.make(rtype)
    rdata = dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire))
    return _record(dns.name.from_wire(owner, 0)[0].to_text().lower(), ttl, rdata)


def reading_of_stored(zone: Zone) -> Reading:
    """A zone out of the project's own store; octets are taken apart by dnspython."""
    records = [
        _stored_record(rrset.owner + zone.origin, rrset.rtype, rrset.ttl, wire)
        for rrset in zone.rrsets.values()
        for wire in rrset.rdatas
    ]
    serial = next((serial for _, serial in records if serial is not None), None)
    return Reading(frozenset(record for record, _ in records), serial)


def reading_of_transferred(zone: dns.zone.Zone) -> Reading:
    """A zone that dnspython transferred, names absolute."""
    return reading(zone.iterate_rdatas())
