"""What no server may serve, however well it was transferred: the rules without which a zone is none.

There are NS records at the apex, and nothing stands beside a CNAME (RFC 1034 §3.6.2, §4.2.1) but what
signs and proves it (RFC 4034 §§3, 4). A version that breaks one would take the zone away from those
who ask for it; named refuses the same. DNAME's rules are not judged here: what such a zone answers
is well defined (RFC 6672).
"""

from __future__ import annotations

from collections.abc import Collection

from zonecast.zone import rdata as rd
from zonecast.zone.names import owner_text


def alias_fault(origin: bytes, owner: bytes, types: Collection[int], aliases: int) -> str | None:
    """What is wrong with a node that holds so many CNAME records, and RRsets of these types; None
    for nothing."""
    others = sorted(set(types) - rd.BESIDE_CNAME)
    if others:
        shown = ", ".join(map(rd.type_to_text, others))
        return f"{owner_text(owner, origin)} has a CNAME and other data ({shown})"
    if aliases > 1:
        return f"{owner_text(owner, origin)} has {aliases} CNAME records"
    return None


def apex_fault(origin: bytes, has_servers: bool, records: int) -> str | None:
    """What is wrong with a zone of so many records, the SOA among them, and with NS records at its
    apex or not; None for nothing."""
    if has_servers:
        return None
    if records == 1:
        return f"{owner_text(b'', origin)} has no records but its SOA"
    return f"{owner_text(b'', origin)} has no NS records"
