"""Records as nearly all are written: [seconds] [IN] type rdata, without escapes, of a type that
fills zones. Made for speed: whatever is written otherwise, or is wrong, is left to the long way
(`zonefile_reader`), which reads it again and says what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from zonecast.errors import BadNameError
from zonecast.zone import rdata as rd
from zonecast.zone.zonefile_rdata import FAST, TYPES, Names, RdataError, ipv4, ipv6

Plain = Callable[[Sequence[bytes], Names], bytes]

_DS_SIZES = {1: 20, 2: 32, 4: 48}  # octets of SHA-1, SHA-256 and SHA-384 (RFC 4509, RFC 6605)
_AFTER_DIGITS = ord("9") + 1
_MAX_RDATA = 65535


def plain_record(
    words: Sequence[bytes], at: int, quoted: bool, reader: Names
) -> tuple[int, int | None, bytes] | None:
    """(type, TTL or None, rdata) of a record whose owner ends before words[at]; `quoted` is
    whether the last word was a quoted string. None leaves it to the long way."""
    ttl: int | None = None
    try:
        word = words[at]
        if word[0] < _AFTER_DIGITS:
            if len(word) > 9 or not word.isdigit():
                return None
            ttl = int(word)
            at += 1
            word = words[at]
        if word == b"IN":
            at += 1
            word = words[at]
        rtype = TYPES[word]
        at += 1
        if quoted and (rtype not in _ONE_QUOTED or at == len(words)):
            return None
        rdata = PLAIN[rtype](words[at:], reader)
    except (LookupError, ValueError, OverflowError, RdataError, BadNameError):
        return None
    return None if len(rdata) > _MAX_RDATA else (rtype, ttl, rdata)


# Each raises one of the errors above where the words are not what it reads.


def _number(word: bytes) -> bytes:
    if not word.isdigit() or len(word) > 5:
        raise ValueError(word)
    return int(word).to_bytes(2, "big")


def _a(words: Sequence[bytes], reader: Names) -> bytes:
    (address,) = words
    return ipv4(address)


def _aaaa(words: Sequence[bytes], reader: Names) -> bytes:
    (address,) = words
    return ipv6(address)


def _name(words: Sequence[bytes], reader: Names) -> bytes:
    (name,) = words
    return reader.read(name)


def _preference_name(words: Sequence[bytes], reader: Names) -> bytes:
    preference, name = words
    return _number(preference) + reader.read(name)


def _srv(words: Sequence[bytes], reader: Names) -> bytes:
    priority, weight, port, name = words
    return _number(priority) + _number(weight) + _number(port) + reader.read(name)


def _ds(words: Sequence[bytes], reader: Names) -> bytes:
    tag, algorithm, kind = words[:3]
    if not (algorithm.isdigit() and kind.isdigit()):
        raise ValueError("a mnemonic")
    digest = bytes.fromhex(b"".join(words[3:]).decode("ascii"))
    if len(digest) != _DS_SIZES[int(kind)]:
        raise ValueError("another size")
    return _number(tag) + bytes((int(algorithm), int(kind))) + digest


def _caa(words: Sequence[bytes], reader: Names) -> bytes:
    flags, tag, value = words
    if not (flags.isdigit() and tag.isalnum() and value.isascii()):
        raise ValueError("unusual")
    return bytes((int(flags), len(tag))) + tag + value


PLAIN: dict[int, Plain] = {
    rd.A: _a,
    rd.AAAA: _aaaa,
    rd.NS: _name,
    rd.CNAME: _name,
    rd.PTR: _name,
    rd.DNAME: _name,
    rd.MX: _preference_name,
    rd.SRV: _srv,
    rd.TXT: FAST[rd.TXT],
    rd.DS: _ds,
    rd.CAA: _caa,
}

# Types whose last word may be a quoted string.
_ONE_QUOTED = frozenset((rd.TXT, rd.CAA))
