"""Denial of existence: the records that prove what an answer says is not there.

RFC 4035 §3.1.3 and RFC 5155 §7.2, for zones signed elsewhere. Whether a zone proves anything, and
by which chain, is decided when a version is stored: the flags of its negative SOA say so, and an
unsigned zone is asked nothing.

A zone that has both, since it changes from one to the other, proves with NSEC3 as soon as its
NSEC3PARAM has a chain (RFC 5155 §4).
"""

from __future__ import annotations

from zonecast.protocol.answer_find import Place
from zonecast.protocol.compiled import CHAINS, NEGATIVE_KEY, NSEC3_CHAIN, NSEC_CHAIN
from zonecast.protocol.denial_nsec import NsecDenial
from zonecast.protocol.denial_nsec3 import nsec3_denial
from zonecast.protocol.denial_proof import Denial, Proof
from zonecast.protocol.sections import NXDOMAIN
from zonecast.protocol.view import View, ZoneRef


def find_proofs(
    view: View, zone: ZoneRef, name: bytes, rcode: int | None, encloser: Place | None
) -> list[Proof]:
    """The NSECs or NSEC3s that show why `name` is answered as it is: with NXDOMAIN, with NODATA (as
    is a delegation without DS), or, with None, by a wildcard's records. None where the zone has no
    chain; one may come twice.

    `encloser` is the MISSING place where the walk for a name that is not there ended. Raises
    HashCollisionError.
    """
    entry = view.get(zone.prefix + NEGATIVE_KEY)
    if entry is None or not entry[0] & CHAINS:
        return []
    denial = _denial(view, zone, entry[0])
    if denial is None:
        return []
    if encloser is None:
        return denial.no_data(name)
    if rcode is None:
        return denial.wildcard_answer(name, encloser)
    if rcode == NXDOMAIN:
        return denial.name_error(name, encloser)
    return denial.wildcard_no_data(name, encloser)


def _denial(view: View, zone: ZoneRef, flags: int) -> Denial | None:
    if flags & NSEC3_CHAIN:
        found = nsec3_denial(view, zone)
        if found is not None:
            return found
    return NsecDenial(view, zone) if flags & NSEC_CHAIN else None
