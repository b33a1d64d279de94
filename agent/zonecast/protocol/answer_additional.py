"""The additional section: addresses of the hosts that an answer names (RFC 1034 §4.3.2 step 6).

A referral's in-domain glue has to be there for the referral to be of use (RFC 9471 §3.1); every
other address may be left out. Addresses come from the zone that named the host, glue and siblings'
glue included (RFC 9471 §3.2), never through CNAME, DNAME or wildcard.
"""

from __future__ import annotations

from typing import NamedTuple

from zonecast.protocol.answer import Answer, Answered
from zonecast.protocol.answer_find import CUT, FOUND, walk
from zonecast.protocol.compiled import read_entry
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import ROOT, node_key, relative


class Address(NamedTuple):
    """One address RRset of the additional section; `required` where it is in-domain glue."""

    owner: bytes
    tails: list[bytes]
    required: bool


def addresses(view: View, answer: Answer, dnssec: bool) -> list[Address]:
    """The address RRsets that go along, required ones first."""
    found: list[Address] = []
    told = {(item.owner.lower(), item.rtype) for item in answer.answer}
    for item in answer.answer + answer.authority:
        if item.rtype not in rd.TARGET_TYPES:
            continue
        for target in _targets(item):
            required = item.cut is not None and relative(target, item.cut) is not None
            for rtype in (rd.A, rd.AAAA):
                if (target.lower(), rtype) in told:
                    continue
                told.add((target.lower(), rtype))
                tails = address_tails(view, item.zone, target, rtype, dnssec=dnssec)
                if tails:
                    found.append(Address(target, tails, required))
    found.sort(key=lambda address: not address.required)
    return found


def _targets(item: Answered) -> list[bytes]:
    """The hosts that an RRset names; "." is no host, but for SVCB the owner (RFC 9460 §2.5.2)."""
    targets = []
    for tail in item.tails:
        rtype = tail[0] << 8 | tail[1]
        for name in rd.names(rtype, tail[10:]) if rtype == item.rtype else ():
            if name != ROOT:
                targets.append(name)
            elif rtype in (rd.SVCB, rd.HTTPS) and tail[10:12] != b"\x00\x00":
                targets.append(item.owner)
    return targets


def address_tails(
    view: View, zone: ZoneRef, host: bytes, rtype: int, *, dnssec: bool = False
) -> list[bytes]:
    """A host's address records of a type in a zone, from their types onward, with `dnssec` their
    signatures too."""
    owner = relative(host, zone.origin)
    if owner is None:
        return []
    key = zone.prefix + node_key(owner) + b"\x00" + rtype.to_bytes(2, "big")
    octets = view.get(key)
    if octets is None or walk(view, zone, host).kind not in (FOUND, CUT):
        return []
    entry = read_entry(octets)
    return entry.records + entry.signatures if dnssec and entry.records else entry.records
