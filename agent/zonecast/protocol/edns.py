"""EDNS(0): the OPT record of a query and of its answer (RFC 6891).

Unknown options are ignored (§6.1.2); what comes in is kept as octets, what goes out is a list of
(code, octets), so that NSID, COOKIE and extended errors have their place.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from zonecast.errors import WireError

# What we say we take and the most we send over UDP: one unfragmented packet everywhere.
UDP_SIZE = 1232
PLAIN_SIZE = 512  # RFC 1035 §4.2.1, for a query without EDNS

BADVERS = 16
DO = 0x8000

_OPT = struct.Struct(">BHHBBHH")


class Edns(NamedTuple):
    """A query's OPT record: the client's UDP payload `size` in octets, the EDNS `version`, the
    DO bit (RFC 3225) and the options as they came."""

    size: int
    version: int
    dnssec: bool
    options: bytes

    @property
    def limit(self) -> int:
        """The most octets that an answer over UDP may have (RFC 6891 §6.2.3, §6.2.5)."""
        return max(PLAIN_SIZE, min(self.size, UDP_SIZE))


def read_opt(rclass: int, ttl: int, rdata: bytes) -> Edns:
    """The OPT record with these fields. Raises WireError where its options overrun it."""
    position = 0
    size = len(rdata)
    while position < size:
        if position + 4 > size:
            raise WireError("EDNS option cut short")
        position += 4 + int.from_bytes(rdata[position + 2 : position + 4], "big")
        if position > size:
            raise WireError("EDNS option runs past the end of the OPT record")
    return Edns(rclass, ttl >> 16 & 0xFF, bool(ttl & DO), rdata)


def write_opt(dnssec: bool, rcode: int = 0, options: Iterable[tuple[int, bytes]] = ()) -> bytes:
    """Our OPT record: version 0, the query's DO bit, the upper eight bits of `rcode`."""
    rdata = b"".join(struct.pack(">HH", code, len(value)) + value for code, value in options)
    return _OPT.pack(0, 41, UDP_SIZE, rcode >> 4, 0, DO if dnssec else 0, len(rdata)) + rdata
