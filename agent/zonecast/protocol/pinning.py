"""What is read of a certificate that is known by its key: the pin and the days it is good for.

A pin is the SHA-256 of the SubjectPublicKeyInfo, in base64 (RFC 7858 §4.2, RFC 7469 §2.4), as
`openssl` and `kdig +tls-pin` have it. Of the certificate (RFC 5280 §4.1) nothing else is read: no
chain, no names, no extensions. Where no authority is asked, OpenSSL leaves the days unchecked.
"""

from __future__ import annotations

from base64 import b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import NamedTuple

from zonecast.errors import WireError

_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18
_TIMES = {_UTC_TIME: "%y%m%d%H%M%SZ", _GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}


class Pinned(NamedTuple):
    """A certificate's pin, and from when until when it is good, in POSIX seconds."""

    pin: str
    begins: float
    ends: float


def read_certificate(der: bytes) -> Pinned:
    """Raises WireError for what is no certificate."""
    fields = _fields(der, _enter(der, _enter(der, 0)[0]))
    if fields and fields[0][0] == _VERSION:
        del fields[0]
    # serialNumber, signature, issuer, validity, subject, subjectPublicKeyInfo
    if len(fields) < 6:
        raise WireError("a certificate without a key")
    times = [_time(der, *field) for field in _fields(der, _enter(der, fields[3][3]))]
    if len(times) != 2:
        raise WireError("a certificate without the days it is good for")
    _, _, end, start = fields[5]
    return Pinned(b64encode(sha256(der[start:end]).digest()).decode(), times[0], times[1])


def _element(der: bytes, start: int) -> tuple[int, int, int]:
    """The element at `start`: its tag, where its contents begin, and where they end."""
    position = start + 2
    if position > len(der):
        raise WireError("a certificate cut short")
    length = der[start + 1]
    if length >= 0x80:
        octets = length & 0x7F
        length = int.from_bytes(der[position : position + octets], "big")
        position += octets
    if position + length > len(der):
        raise WireError("a certificate cut short")
    return der[start], position, position + length


def _enter(der: bytes, start: int) -> tuple[int, int]:
    """Where the contents of the sequence at `start` begin and end."""
    tag, begin, end = _element(der, start)
    if tag != _SEQUENCE:
        raise WireError("not a certificate")
    return begin, end


def _fields(der: bytes, within: tuple[int, int]) -> list[tuple[int, int, int, int]]:
    """The elements there: tag, where the contents begin and end, where the element begins."""
    found = []
    position, end = within
    while position < end:
        tag, begin, stop = _element(der, position)
        found.append((tag, begin, stop, position))
        position = stop
    return found


def _time(der: bytes, tag: int, begin: int, end: int, _start: int) -> float:
    try:
        read = datetime.strptime(der[begin:end].decode("ascii"), _TIMES[tag]).replace(tzinfo=UTC)
    except (ValueError, KeyError):
        raise WireError("a certificate with days that cannot be read") from None
    # Two digits mean 1950 to 2049 (RFC 5280 §4.1.2.5.1); strptime takes 1969 to 2068.
    if tag == _UTC_TIME and read.year >= 2050:
        read = read.replace(year=read.year - 100)
    return read.timestamp()
