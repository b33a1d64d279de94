"""What proves that something is not there (RFC 4034 §4, RFC 5155), name by name: each name has its
proof, and the proof has the name's types. That proofs follow on each other is `signed`'s."""

from __future__ import annotations

import hashlib
from base64 import b32hexencode

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.names import node_key
from zonecast.zone.rrset import RRset, node_of

_REMEDY = "sign the zone again"
# What a delegation has in its proof: the rest of its node is the child's (RFC 4035 §2.3).
_AT_A_CUT = frozenset((rd.NS, rd.DS, rd.NSEC))
# More rounds than this are too many for a validator (RFC 9276 §3.2), and for us.
_MOST_ROUNDS = 150


def types(facts: Facts) -> Findings:
    """An NSEC has the types of its name (RFC 4034 §4.1.2)."""
    for key, rrset in facts.of_type(rd.NSEC):
        node = node_of(key)
        own = set(facts.contents.types_at(node)) - {rd.RRSIG}
        if facts.is_cut(node):
            own &= _AT_A_CUT
        rdata = rrset.rdatas[0]
        claimed = _bitmap(rdata[rd.fields(rd.NSEC, rdata)[-1][2] :]) - {rd.RRSIG}
        if claimed != own and facts.below_cut(node) is None:
            shown = ", ".join(map(rd.type_to_text, sorted(claimed ^ own)))
            message = f"the NSEC of {facts.owner_text(rrset)} and the name differ in {shown}"
            yield facts.finding("nsec-types", message, _REMEDY, key)


def _bitmap(octets: bytes) -> set[int]:
    """The types in a bitmap (RFC 4034 §4.1.2)."""
    found: set[int] = set()
    position = 0
    while position + 1 < len(octets):
        window, size = octets[position], octets[position + 1]
        for place, octet in enumerate(octets[position + 2 : position + 2 + size]):
            found.update(window << 8 | place << 3 | bit for bit in range(8) if octet & 128 >> bit)
        position += 2 + size
    return found


def missing(facts: Facts) -> Findings:
    """Every name that the zone answers for has an NSEC or NSEC3 (RFC 4035 §2.3, RFC 5155 §7.1);
    with NSEC3, delegations without DS may go without. Said once a name."""
    parameters = facts.rrset(b"", rd.NSEC3PARAM)
    rounds = None if parameters is None else parameters.rdatas[0]
    if rounds is not None and (rounds[0] != 1 or int.from_bytes(rounds[2:4], "big") > _MOST_ROUNDS):
        return
    if rounds is None and facts.rrset(b"", rd.NSEC) is None:
        return
    for key, rrset in facts.subject.items():
        if rrset.rtype in (rd.RRSIG, rd.NSEC3):
            continue
        node = node_of(key)
        proof = _nsec3_key(facts, rrset, rounds) if rounds else key[:-2] + _NSEC
        if facts.contents.get(proof) is not None or facts.below_cut(node) is not None:
            continue
        insecure = rounds and facts.is_cut(node) and facts.rrset(node, rd.DS) is None
        if not insecure and facts.contents.types_at(node)[0] == rrset.rtype:
            what = "NSEC3" if rounds else "NSEC"
            message = f"{facts.owner_text(rrset)} has no {what}"
            yield facts.finding("nsec-missing", message, _REMEDY, key)


_NSEC, _NSEC3 = rd.NSEC.to_bytes(2, "big"), rd.NSEC3.to_bytes(2, "big")


def _nsec3_key(facts: Facts, rrset: RRset, parameters: bytes) -> bytes:
    """The key of the NSEC3 RRset of an RRset's owner (RFC 5155 §5)."""
    salt = parameters[5 : 5 + parameters[4]]
    digest = rrset.owner.lower() + facts.lowered_origin
    for _ in range(int.from_bytes(parameters[2:4], "big") + 1):
        digest = hashlib.sha1(digest + salt, usedforsecurity=False).digest()
    label = b32hexencode(digest).lower()
    return node_key(bytes((len(label),)) + label) + b"\x00" + _NSEC3
