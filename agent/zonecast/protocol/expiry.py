"""The EXPIRE option as a secondary asks for it: in how long a zone expires at its primary (RFC 7314).

Without it, secondaries that pull from one another keep a zone alive for ever whose primary is gone.
"""

from __future__ import annotations

from zonecast.errors import WireError, ZonecastError
from zonecast.protocol.edns import EXPIRE, option, read_opt, write_opt
from zonecast.protocol.sections import ADDITIONAL, FORMERR, records
from zonecast.zone.rdata import OPT

_ASKING = write_opt(dnssec=False, options=option(EXPIRE, b""))


class NoEdnsError(ZonecastError):
    """A server answered FORMERR to a query with EDNS: ask it again without (RFC 6891 §7)."""


def with_expire(query: bytes) -> bytes:
    """A query without EDNS, not yet signed, that asks for EXPIRE as well (RFC 7314 §2)."""
    count = int.from_bytes(query[10:12], "big") + 1
    return query[:10] + count.to_bytes(2, "big") + query[12:] + _ASKING


def refuse_edns(message: bytes) -> None:
    """Raises NoEdnsError where the answer to a query with EDNS says that its sender knows none. To
    be asked before the signature is: who knows no EDNS may know no TSIG either, and whoever forges
    this gains nothing but the same question again."""
    if len(message) >= 12 and message[3] & 15 == FORMERR:
        raise NoEdnsError("answered FORMERR to a query with EDNS")


def read_expire(message: bytes) -> int | None:
    """In how many seconds the zone expires at the sender of an answer; None where it does not
    say so, or not as RFC 7314 §2 writes it."""
    try:
        for record in records(message):
            if record.section == ADDITIONAL and record.rtype == OPT:
                octets = message[record.rdata : record.end]
                return _find(read_opt(record.rclass, record.ttl, octets).options)
    except WireError:
        return None
    return None


def _find(options: bytes) -> int | None:
    position = 0
    while position < len(options):
        code = int.from_bytes(options[position : position + 2], "big")
        length = int.from_bytes(options[position + 2 : position + 4], "big")
        position += 4 + length
        if code == EXPIRE:
            value = options[position - length : position]
            return int.from_bytes(value, "big") if length == 4 else None
    return None
