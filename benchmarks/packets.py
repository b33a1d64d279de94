"""Queries as packets: with EDNS, with DO, with cookies of many clients."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

import dns.rdatatype
from servers import COOKIE_SECRET

from zonecast.protocol.cookies import Cookies

_CLIENT = bytes((127, 0, 0, 1))


def packets(lines: Sequence[str], opts: Sequence[bytes] = ()) -> list[bytes]:
    """Queries "name TYPE" as packets with the identifier 0, the OPT records taking turns."""
    plain = b"\x00" * 4 + b"\x00\x01" + b"\x00" * 6
    if not opts:
        return [plain + _question(line) for line in lines]
    head = plain[:11] + b"\x01"
    return [head + _question(line) + opts[number % len(opts)] for number, line in enumerate(lines)]


def _question(line: str) -> bytes:
    name, rtype = line.split()
    labels = name.rstrip(".").encode().split(b".")
    question = b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"
    return question + int(dns.rdatatype.from_text(rtype)).to_bytes(2, "big") + b"\x00\x01"


def opt(*, dnssec: bool, rdata: bytes = b"\x00\x00") -> bytes:
    """An OPT record of 1232 octets; `rdata` with its length."""
    flags = b"\x80\x00" if dnssec else b"\x00\x00"
    return b"\x00\x00\x29\x04\xd0\x00\x00" + flags + rdata


def cookies(count: int, seed: int = 7) -> list[bytes]:
    """OPT records with DO and so many clients' cookies, which verify."""
    chance = random.Random(seed)
    giving = Cookies((bytes.fromhex(COOKIE_SECRET),))
    found = []
    for _ in range(count):
        rdata = giving.answer(chance.randbytes(8), _CLIENT, time.time())
        assert rdata is not None
        found.append(opt(dnssec=True, rdata=rdata))
    return found
