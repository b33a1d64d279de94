"""Denial of existence: the records that prove what an answer says is not there.

RFC 4035 §3.1.3 and RFC 5155 §7.2, for zones signed elsewhere. Whether a zone proves anything, and
by which chain, is decided when a version is stored: the flags of its negative SOA say so, and an
unsigned zone is asked nothing.

A zone that has both, since it changes from one to the other, proves with NSEC3 as soon as its
NSEC3PARAM has a chain (RFC 5155 §4).
"""

from __future__ import annotations

from zonecast.protocol.compiled import NEGATIVE_KEY, NSEC3_CHAIN, NSEC_CHAIN
from zonecast.protocol.denial_nsec import NsecDenial
from zonecast.protocol.denial_nsec3 import nsec3_denial
from zonecast.protocol.denial_proof import Denial
from zonecast.protocol.view import View, ZoneRef


def find_denial(view: View, zone: ZoneRef) -> Denial | None:
    """How `zone` proves; None where it is not signed or has no chain."""
    entry = view.get(zone.prefix + NEGATIVE_KEY)
    flags = 0 if entry is None else entry[0]
    if flags & NSEC3_CHAIN:
        found = nsec3_denial(view, zone)
        if found is not None:
            return found
    return NsecDenial(view, zone) if flags & NSEC_CHAIN else None
