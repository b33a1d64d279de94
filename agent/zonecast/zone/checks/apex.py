"""What the top of a zone must and must not have. That there is one SOA is the reader's finding."""

from __future__ import annotations

import hashlib

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import NS_KEY, SOA_KEY

_CDS, _CDNSKEY = 59, 60
_DIGESTS = {1: "sha1", 2: "sha256", 4: "sha384"}


def ns_missing(facts: Facts) -> Findings:
    """A zone without NS records cannot be delegated to (RFC 1035 §5.2)."""
    if SOA_KEY in facts.subject and facts.contents.get(NS_KEY) is None:
        message = f"the zone {facts.origin_text} has no NS records at its top"
        remedy = "name its servers: @ NS ns1.…"
        yield facts.finding("ns-missing", message, remedy, SOA_KEY)


def ds_at_apex(facts: Facts) -> Findings:
    """The DS of a zone belongs to its parent (RFC 4035 §2.4)."""
    for key, rrset in facts.of_type(rd.DS):
        if not rrset.owner:
            message = f"DS record at the top of the zone {facts.origin_text}"
            yield facts.finding("ds-at-apex", message, "it belongs in the parent zone", key)


def child_keys(facts: Facts) -> Findings:
    """CDS and CDNSKEY are of keys that the zone has, or ask to remove all (RFC 7344 §4, RFC 8078
    §4). Digests that are not known here are not judged."""
    found = facts.rrset(b"", rd.DNSKEY)
    keys = () if found is None else found.rdatas
    origin = facts.origin.lower()
    for rtype in (_CDS, _CDNSKEY):
        place = b"\x00" + rtype.to_bytes(2, "big")
        rrset = facts.subject.get(place)
        for rdata in () if rrset is None else rrset.rdatas:
            if rtype == _CDNSKEY:
                fits = rdata[3] == 0 or rdata in keys
            else:
                kind = _DIGESTS.get(rdata[3])
                fits = (
                    rdata[2] == 0
                    or kind is None
                    or rdata[4:] in [hashlib.new(kind, origin + key).digest() for key in keys]
                )
            if not fits:
                message = f"a {rd.type_to_text(rtype)} record is of no DNSKEY of the zone"
                remedy = "publish the key with it, or remove it"
                yield facts.finding("cds-without-key", message, remedy, place, rdata)


def child_key_pairs(facts: Facts) -> Findings:
    """Where there are both, CDS and CDNSKEY are of the same keys (RFC 7344 §4). Those of no key
    of the zone are said already."""
    place = b"\x00" + _CDNSKEY.to_bytes(2, "big")
    keys, digests = facts.subject.get(place), facts.rrset(b"", _CDS)
    if keys is None or digests is None or next(child_keys(facts), None) is not None:
        return
    wanted = {rdata[3:] for rdata in digests.rdatas if rdata[2]}
    origin = facts.origin.lower()
    found = [
        {
            bytes((number,)) + hashlib.new(name, origin + key).digest()
            for number, name in _DIGESTS.items()
        }
        for key in keys.rdatas
        if key[3]
    ]
    known = {digest for digest in wanted if digest[0] in _DIGESTS}
    if known != wanted:
        return  # a digest that is not known here
    if any(made.isdisjoint(wanted) for made in found) or not wanted <= set().union(*found):
        message = "the CDS and CDNSKEY records are of different keys"
        yield facts.finding("cds-differs", message, "publish both for the same keys", place)


def signing_parameters(facts: Facts) -> Findings:
    """DNSKEY and NSEC3PARAM stand at the top (RFC 4035 §2.1, RFC 5155 §4), and hold what a
    validator or a server can use."""
    for rtype, problem in ((rd.DNSKEY, _key_problem), (rd.NSEC3PARAM, _nsec3_problem)):
        for key, rrset in facts.of_type(rtype):
            for rdata in rrset.rdatas:
                wrong = "stands below the top of the zone" if rrset.owner else problem(rdata)
                if wrong:
                    what = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
                    remedy = "mend or remove it"
                    yield facts.finding("dnssec-parameters", f"{what} {wrong}", remedy, key, rdata)


def _key_problem(rdata: bytes) -> str | None:
    if rdata[2] != 3:
        return f"has the protocol {rdata[2]}, not 3"
    return None if rdata[0] & 1 else "is no zone key (flag 256)"


def _nsec3_problem(rdata: bytes) -> str | None:
    if rdata[0] != 1:
        return f"has the hash algorithm {rdata[0]}, not 1 (SHA-1)"
    return f"has the flags {rdata[1]}, not 0" if rdata[1] else None
