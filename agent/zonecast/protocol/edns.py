"""EDNS(0): the OPT record of a query and of its answer (RFC 6891), and the options in it.

Unknown options are ignored (§6.1.2), and so is what a query puts into an option that is empty
there (NSID, EXPIRE, keepalive), but for ZONEVERSION, which is malformed then (RFC 9660 §3.1).

Not implemented: client subnet (RFC 7871), chain queries (RFC 7901), key tags (RFC 8145).
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from zonecast.errors import WireError

# What we say we take and the most we send over UDP: one unfragmented packet everywhere.
UDP_SIZE = 1232
PLAIN_SIZE = 512  # RFC 1035 §4.2.1, for a query without EDNS

BADVERS = 16
BADCOOKIE = 23
DO = 0x8000

NSID = 3  # RFC 5001
EXPIRE = 9  # RFC 7314
COOKIE = 10  # RFC 7873
KEEPALIVE = 11  # RFC 7828
PADDING = 12  # RFC 7830
EXTENDED_ERROR = 15  # RFC 8914
ZONE_VERSION = 19  # RFC 9660

# Extended errors (RFC 8914 §4).
NOT_READY = 14
PROHIBITED = 18
NOT_AUTHORITATIVE = 20
NOT_SUPPORTED = 21
INVALID_DATA = 24

# Padded answers are a multiple of this many octets (RFC 8467 §4.1).
PADDING_BLOCK = 468

_OPT = struct.Struct(">BHHBBHH")
_OPTION = struct.Struct(">HH")


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


class Asked(NamedTuple):
    """What a query's options ask for: `cookie` is the first COOKIE option's value, others are
    ignored (RFC 7873 §5.2)."""

    cookie: bytes | None = None
    nsid: bool = False
    expire: bool = False
    keepalive: bool = False
    padding: bool = False
    zone_version: bool = False


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


def read_options(octets: bytes) -> Asked:
    """What the options in a query's OPT record, as `read_opt` left them, ask for. Raises
    WireError for a COOKIE of a wrong length (RFC 7873 §5.2.2) and a ZONEVERSION that is not
    empty."""
    found: dict[int, bytes] = {}
    position = 0
    while position < len(octets):
        code, length = _OPTION.unpack_from(octets, position)
        position += 4 + length
        found.setdefault(code, octets[position - length : position])
    cookie = found.get(COOKIE)
    if cookie is not None and len(cookie) != 8 and not 16 <= len(cookie) <= 40:
        raise WireError("COOKIE option of a wrong length")
    if found.get(ZONE_VERSION):
        raise WireError("ZONEVERSION option that is not empty")
    return Asked(
        cookie, NSID in found, EXPIRE in found, KEEPALIVE in found, PADDING in found,
        ZONE_VERSION in found,
    )  # fmt: skip


def option(code: int, value: bytes) -> bytes:
    """One option as it stands in an OPT record."""
    return _OPTION.pack(code, len(value)) + value


def split_options(rdata: bytes) -> list[tuple[int, bytes]]:
    """The options of an OPT record that we wrote, each with its code and as it stands there."""
    found = []
    position = 0
    while position < len(rdata):
        code, length = _OPTION.unpack_from(rdata, position)
        found.append((code, rdata[position : position + 4 + length]))
        position += 4 + length
    return found


def extended_error(code: int) -> bytes:
    """An extended error without text (RFC 8914 §2)."""
    return option(EXTENDED_ERROR, code.to_bytes(2, "big"))


def write_opt(dnssec: bool, rcode: int = 0, options: bytes = b"") -> bytes:
    """Our OPT record: version 0, the query's DO bit, the upper eight bits of `rcode`."""
    return _OPT.pack(0, 41, UDP_SIZE, rcode >> 4, 0, DO if dnssec else 0, len(options)) + options


def padding(size: int, most: int) -> bytes:
    """The PADDING option that brings an answer of `size` octets with it to whole blocks (RFC
    8467 §4.1), or to `most` octets; b"" where not even an empty one fits."""
    room = most - size - 4
    return option(PADDING, bytes(min(-(size + 4) % PADDING_BLOCK, room))) if room >= 0 else b""
