"""Records as master-file text (RFC 1035 §5.1), for people: differences, messages, listings."""

from __future__ import annotations

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset

_ONE_NAME = frozenset((rd.NS, rd.CNAME, rd.PTR, rd.DNAME, rd.MB, rd.MG, rd.MR))


def rdata_text(rtype: int, rdata: bytes) -> str:
    """Rdata as a master file writes it; in the form of RFC 3597 §5 where it cannot be taken apart."""
    if rtype == rd.A and len(rdata) == 4:
        return ".".join(map(str, rdata))
    if rtype in _ONE_NAME:
        return names.to_text(rdata)
    import dns.exception
    import dns.rdata
    import dns.rdataclass
    import dns.rdatatype

    try:
        found = dns.rdata.from_wire(
            dns.rdataclass.IN, dns.rdatatype.RdataType.make(rtype), rdata, 0, len(rdata)
        )
        return found.to_text().rstrip()  # of what has no key, dnspython ends in a blank
    except (dns.exception.DNSException, ValueError):
        return f"\\# {len(rdata)} {rdata.hex()}".rstrip()


def record_texts(rrset: RRset, origin: bytes) -> list[str]:
    """Each record of an RRset as a line of a master file, with its absolute owner."""
    head = f"{names.owner_text(rrset.owner, origin)} {rrset.ttl} IN {rd.type_to_text(rrset.rtype)}"
    return [f"{head} {rdata_text(rrset.rtype, rdata)}" for rdata in rrset.rdatas]
