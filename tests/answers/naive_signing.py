"""A signer that forges: real chains of NSEC and NSEC3, signatures that only look like some.

Zones of dnspython; what a signer has to leave out, it leaves out (RFC 4035 §2, RFC 5155 §7.1).
"""

from __future__ import annotations

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataset
import dns.rdatatype as t
import dns.zone

NSEC, NSEC3, OPT_OUT = "nsec", "nsec3", "opt-out"
SALT, ITERATIONS = "C0FFEE", 3


def sign(zone: dns.zone.Zone, chain: str) -> None:
    """Add a chain of this kind, and a signature for every RRset that wants one."""
    origin = zone.origin
    assert origin is not None
    if chain != NSEC:
        put(zone, origin, 0, t.NSEC3PARAM, f"1 0 {ITERATIONS} {SALT}")
    held = {
        name: sorted({int(rdataset.rdtype) for rdataset in zone.nodes[name]})
        for name in authoritative(zone)
    }
    if chain == NSEC:
        owners = sorted(held)
        for owner, following in zip(owners, owners[1:] + owners[:1], strict=True):
            types = [*held[owner], t.NSEC, t.RRSIG]
            put(zone, owner, 300, t.NSEC, f"{following} {texts(kept(types, owner, origin))}")
    else:
        add_nsec3(zone, held, chain == OPT_OUT)
    for owner in list(zone.nodes):
        for rdataset in list(zone.nodes[owner]):
            if owner in held and rdataset.rdtype in kept(held[owner] + [t.NSEC], owner, origin):
                if is_cut(zone, owner) and rdataset.rdtype == t.NS:
                    continue
            elif rdataset.rdtype != t.NSEC3:
                continue
            put_signature(zone, owner, rdataset.ttl, rdataset.rdtype)


def add_nsec3(zone: dns.zone.Zone, held: dict[dns.name.Name, list[int]], opt_out: bool) -> None:
    origin = zone.origin
    assert origin is not None
    named = [
        owner
        for owner, types in held.items()
        if not opt_out or not is_cut(zone, owner) or t.DS in types
    ]
    wanted: dict[dns.name.Name, list[int]] = {}
    for owner in named:
        while owner != origin:  # the empty non-terminals above it too
            owner = owner.parent()
            wanted[owner] = []
    for owner in named:
        unsigned = is_cut(zone, owner) and t.DS not in held[owner]
        wanted[owner] = kept([*held[owner], *([] if unsigned else [t.RRSIG])], owner, origin)
    hashed = sorted((nsec3_hash(owner), owner) for owner in wanted)
    following = [digest for digest, _ in hashed[1:] + hashed[:1]]
    for (digest, owner), after in zip(hashed, following, strict=True):
        rdata = f"1 {int(opt_out)} {ITERATIONS} {SALT} {after} {texts(wanted[owner])}"
        put(zone, dns.name.from_text(digest, origin), 300, t.NSEC3, rdata)


def nsec3_hash(name: dns.name.Name) -> str:
    return dns.dnssec.nsec3_hash(name, SALT, ITERATIONS, 1)


def authoritative(zone: dns.zone.Zone) -> list[dns.name.Name]:
    """The names that the zone answers for, cuts included."""
    hiding = [n for n in zone.nodes if is_cut(zone, n) or zone.get_rdataset(n, t.DNAME)]
    return [n for n in zone.nodes if not any(n != h and n.is_subdomain(h) for h in hiding)]


def is_cut(zone: dns.zone.Zone, name: dns.name.Name) -> bool:
    return name != zone.origin and zone.get_rdataset(name, t.NS) is not None


def kept(types: list[int], owner: dns.name.Name, origin: dns.name.Name) -> list[int]:
    """What a cut's NSEC or NSEC3 speaks of: not of glue."""
    if owner != origin and t.NS in types:
        return [rtype for rtype in types if rtype in (t.NS, t.DS, t.NSEC, t.RRSIG)]
    return types


def texts(types: list[int]) -> str:
    return " ".join(t.to_text(rtype) for rtype in sorted(set(types)))


def put_signature(zone: dns.zone.Zone, owner: dns.name.Name, ttl: int, covered: int) -> None:
    """What looks like a signature over the RRset of this type."""
    labels = len(owner) - 1 - owner.is_wild()
    text = f"{t.to_text(covered)} 13 {labels} {ttl} 20400101000000 20200101000000 1"
    put(zone, owner, ttl, t.RRSIG, f"{text} {zone.origin} AAAA")


def strip_signatures(zone: dns.zone.Zone) -> None:
    """Take all signatures away."""
    for node in zone.nodes.values():
        node.rdatasets = [rdataset for rdataset in node if rdataset.rdtype != t.RRSIG]


def put(zone: dns.zone.Zone, owner: dns.name.Name, ttl: int, rtype: int, text: str) -> None:
    rdata = dns.rdata.from_text("IN", rtype, text, relativize=False)
    covers = rdata.covers()
    rdataset = zone.find_rdataset(owner, rtype, covers, create=True)
    rdataset.update(dns.rdataset.from_rdata(ttl, rdata))
