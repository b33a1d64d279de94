"""Zones for the answer tests, read by dnspython and not by our own reader."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import dns.name
import dns.rdatatype
import dns.zone

from zonecast.zone.names import relative
from zonecast.zone.rrset import Zone, make_rrset


def zone_from_text(text: str, origin: str) -> Zone:
    """A zone value with what dnspython reads from a master file."""
    return zone_from_dnspython(
        dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False)
    )


def zone_from_dnspython(source: dns.zone.Zone) -> Zone:
    """A zone value with a dnspython zone's records."""
    assert source.origin is not None
    origin = source.origin.to_wire()
    zone = Zone(origin)
    for name, rdataset in source.iterate_rdatasets():
        owner = relative(name.to_wire(), origin)
        assert owner is not None
        rdatas = [rdata.to_wire() for rdata in rdataset]
        rrset = make_rrset(owner, int(rdataset.rdtype), rdataset.ttl, rdatas)
        zone.rrsets[rrset.key] = rrset
    return zone


def query(
    name: str | dns.name.Name,
    qtype: int | str,
    *,
    qclass: int = 1,
    flags: int = 0,
    edns: int | None = None,
    dnssec: bool = False,
    version: int = 0,
    options: Iterable[tuple[int, bytes]] = (),
    identifier: int = 4711,
) -> bytes:
    """A query built from its fields, so that wrong ones can be built too."""
    wire = (dns.name.from_text(name) if isinstance(name, str) else name).to_wire()
    rtype = qtype if isinstance(qtype, int) else int(dns.rdatatype.from_text(qtype))
    opt = b""
    if edns is not None:
        rdata = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
        ttl = version << 16 | (0x8000 if dnssec else 0)
        opt = struct.pack(">BHHIH", 0, 41, edns, ttl, len(rdata)) + rdata
    header = struct.pack(">HHHHHH", identifier, flags, 1, 0, 0, 1 if opt else 0)
    return header + wire + struct.pack(">HH", rtype, qclass) + opt
