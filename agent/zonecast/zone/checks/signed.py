"""Zones that were signed before they came here: signatures, chains and the zone's digest."""

from __future__ import annotations

import hashlib
from base64 import b32hexdecode, b32hexencode
from binascii import Error as Base32Error

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import ZONEMD, Facts, Findings
from zonecast.zone.contents import Contents
from zonecast.zone.rrset import SOA_KEY, RRset, node_of

_SHA1_SIZE = 20
_DIGESTS = {1: "sha384", 2: "sha512"}
_ZONEMD_KEY = b"\x00" + ZONEMD.to_bytes(2, "big")
# At the top of a zone that is signed, or is about to be.
_CHAIN = frozenset((rd.NSEC, rd.NSEC3PARAM, rd.RRSIG, rd.DNSKEY))


def stray_signatures(facts: Facts) -> Findings:
    """A signature is over an RRset that is there (RFC 4035 §2.2)."""
    for key, rrset in facts.of_type(rd.RRSIG):
        if facts.contents.get(key[:-4] + key[-2:]) is None:
            what = rd.type_to_text(int.from_bytes(key[-2:], "big"))
            message = f"{facts.owner_text(rrset)} has a signature over {what} and no {what} records"
            yield facts.finding("rrsig-stray", message, "sign the zone again", key)


def keyless_signatures(facts: Facts) -> Findings:
    """A signature is made with a key of the zone (RFC 4035 §2.2). Said once a key that is not
    there, at the first RRset that has no signature of another."""
    found = facts.rrset(b"", rd.DNSKEY)
    keys = {(rdata[3], _key_tag(rdata)) for rdata in (() if found is None else found.rdatas)}
    said: set[tuple[int, int]] = set()
    for key, rrset in facts.of_type(rd.RRSIG):
        made = {(rdata[2], int.from_bytes(rdata[16:18], "big")) for rdata in rrset.rdatas}
        if keys.isdisjoint(made) and said.isdisjoint(made):
            said |= made
            algorithm, tag = min(made)
            message = f"a signature is of the key {tag} (algorithm {algorithm}), no DNSKEY here"
            yield facts.finding("rrsig-without-key", message, "sign the zone again", key)


def _key_tag(rdata: bytes) -> int:
    """The tag of a DNSKEY (RFC 4034 appendix B)."""
    total = sum(rdata[::2]) * 256 + sum(rdata[1::2])
    return (total + (total >> 16)) & 0xFFFF


def unsigned_sets(facts: Facts) -> Findings:
    """In a signed zone every RRset that it answers for is signed (RFC 4035 §2.2)."""
    contents, signature = facts.contents, rd.RRSIG.to_bytes(2, "big")
    if contents.get(SOA_KEY[:-2] + signature + SOA_KEY[-2:]) is None:
        return
    for key, rrset in facts.subject.items():
        if rrset.rtype == rd.RRSIG or contents.get(key[:-2] + signature + key[-2:]) is not None:
            continue
        node = node_of(key)
        if facts.below_cut(node) is not None:
            continue
        if not facts.is_cut(node) or rrset.rtype in (rd.DS, rd.NSEC):
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rrset.rtype)}"
            yield facts.finding("rrsig-missing", f"{what} has no RRSIG", "sign the zone again", key)


def has_chain(contents: Contents) -> bool:
    """Whether a zone has what a chain, or a record of one, is told by at its top."""
    return not _CHAIN.isdisjoint(contents.types_at(b""))


def nsec_chain(facts: Facts) -> Findings:
    """Each NSEC names the next one's owner, the last one the zone (RFC 4034 §4.1.1)."""
    chain = sorted(facts.of_type(rd.NSEC))
    for (key, rrset), (following, _) in zip(chain, chain[1:] + chain[:1], strict=True):
        named = facts.node_inside(rd.names(rd.NSEC, rrset.rdatas[0])[0])
        if named != node_of(following):
            after = names.owner_text(names.owner_of_node(node_of(following)), facts.origin)
            message = f"the NSEC of {facts.owner_text(rrset)} does not name {after}, the next one"
            yield facts.finding("nsec-chain", message, "sign the zone again", key)


def nsec3_chain(facts: Facts) -> Findings:
    """Each NSEC3 has the hash that its owner says, and names the next one (RFC 5155 §3)."""
    chains: dict[bytes, list[tuple[bytes, bytes, bytes, RRset]]] = {}
    for key, rrset in facts.of_type(rd.NSEC3):
        own = _hash_of(rrset.owner)
        for rdata in rrset.rdatas:
            salt_end = 5 + rdata[4]
            following = rdata[salt_end + 1 : salt_end + 1 + rdata[salt_end]]
            if not own or (rdata[0] == 1 and {len(own), len(following)} != {_SHA1_SIZE}):
                message = f"the NSEC3 of {facts.owner_text(rrset)} holds no hashes"
                yield facts.finding("nsec3-hash", message, "sign the zone again", key, rdata)
                return
            parameters = rdata[:1] + rdata[2:salt_end]
            chains.setdefault(parameters, []).append((own, following, key, rrset))
    for chain in chains.values():
        chain.sort(key=lambda link: link[0])
        for link, after in zip(chain, chain[1:] + chain[:1], strict=True):
            if link[1] != after[0]:
                message = f"the NSEC3 of {facts.owner_text(link[3])} does not name the next one"
                yield facts.finding("nsec-chain", message, "sign the zone again", link[2])


def _hash_of(owner: bytes) -> bytes:
    labels = names.labels(owner)
    label = labels[0].upper() if len(labels) == 1 else b""
    try:
        octets = b32hexdecode(label + b"=" * (-len(label) % 8))
    except Base32Error:
        return b""
    return octets if b32hexencode(octets).rstrip(b"=") == label else b""


def has_zonemd(contents: Contents) -> bool:
    """Whether a zone has a digest."""
    return contents.get(_ZONEMD_KEY) is not None


def zonemd(facts: Facts) -> Findings:
    """The zone's digest is the zone's (RFC 8976 §4). Schemes and hashes that are not known here
    are not judged."""
    found = facts.contents.get(_ZONEMD_KEY)
    soa = facts.zone.serial
    for rdata in () if found is None else found.rdatas:
        algorithm = _DIGESTS.get(rdata[5])
        if rdata[4] != 1 or algorithm is None:
            continue
        if int.from_bytes(rdata[:4], "big") != soa:
            message = f"the ZONEMD is of serial {int.from_bytes(rdata[:4], 'big')}, not {soa}"
        elif _digest(facts, algorithm) != rdata[6:]:
            message = "the ZONEMD is not the digest of this zone"
        else:
            continue
        remedy = "make it again, last of all"
        yield facts.finding("zonemd-wrong", message, remedy, _ZONEMD_KEY, rdata)


def _digest(facts: Facts, algorithm: str) -> bytes:
    """The digest of the SIMPLE scheme (RFC 8976 §3.3): every RRset in canonical order, the ZONEMD
    and its signature left out."""
    hashed = hashlib.new(algorithm)
    left_out = ZONEMD.to_bytes(2, "big")
    signature = rd.RRSIG.to_bytes(2, "big") + left_out
    for key in sorted(facts.zone.rrsets):
        if key in (b"\x00" + left_out, b"\x00" + signature):
            continue
        rrset = facts.zone.rrsets[key]
        head = (rrset.owner + facts.origin).lower() + rrset.rtype.to_bytes(2, "big")
        head += b"\x00\x01" + rrset.ttl.to_bytes(4, "big")
        for data in sorted(rd.canonical(rrset.rtype, rdata) for rdata in rrset.rdatas):
            hashed.update(head + len(data).to_bytes(2, "big") + data)
    return hashed.digest()
