"""The TSIG record itself and its MAC (RFC 8945 §4), below the dialogues of `tsig`.

The MAC is dnspython's, imported when the first signed message comes: workers start without it.
GSS-TSIG, and algorithms weaker than hmac-sha224, are not implemented.
"""

from __future__ import annotations

import struct
from base64 import b64decode
from typing import Any, NamedTuple

from zonecast.errors import ConfigError, WireError
from zonecast.protocol.sections import ADDITIONAL, records
from zonecast.zone import names
from zonecast.zone.rdata import TSIG, read_name

CLASS_ANY = 255
# Type TSIG, class ANY: in every message that has a sound TSIG record.
TSIG_MARK = b"\x00\xfa\x00\xff"
FUDGE = 300  # seconds, the value RFC 8945 §10 recommends

# Octets of each algorithm's MAC.
MAC_SIZES = {"hmac-sha224": 28, "hmac-sha256": 32, "hmac-sha384": 48, "hmac-sha512": 64}
_BY_WIRE = {names.from_text(name + "."): name for name in MAC_SIZES}

# Octets of the longest TSIG record: owner, fixed part, algorithm, times, MAC, server's time.
MAX_SIGNATURE = 255 + 10 + 13 + 16 + 64 + 6


class Key(NamedTuple):
    """A shared secret: `name` in lower-case wire form, `algorithm` in text ("hmac-sha256")."""

    name: bytes
    algorithm: str
    secret: bytes

    def __repr__(self) -> str:
        return f"<key {names.to_text(self.name)} {self.algorithm}>"


def make_key(name: str, algorithm: str, secret: str) -> Key:
    """A key from its settings, the secret in base64. Raises ConfigError, BadNameError."""
    where = f"key {name}"
    if algorithm.lower().rstrip(".") not in MAC_SIZES:
        raise ConfigError(
            f"algorithm '{algorithm}' is not accepted",
            where=where,
            remedy="use " + ", ".join(MAC_SIZES),
        )
    try:
        octets = b64decode(secret, validate=True)
    except ValueError:
        raise ConfigError("the secret is not base64", where=where) from None
    if len(octets) < 16:
        raise ConfigError(
            "the secret is shorter than 128 bits", where=where, remedy="make one with keygen"
        )
    wire = names.from_text(name if name.endswith(".") else name + ".").lower()
    return Key(wire, algorithm.lower().rstrip("."), octets)


class Tsig(NamedTuple):
    """A TSIG record taken apart; `start` is its place, `algorithm` None where it is not ours."""

    start: int
    name: bytes
    algorithm: str | None
    algorithm_name: bytes
    time: int
    fudge: int
    mac: bytes
    original_id: int
    error: int
    other: bytes


def find(message: bytes) -> Tsig | None:
    """The message's TSIG record, None without one. Raises WireError for a malformed one, and for
    one that is not the last record, or not alone (RFC 8945 §5.1)."""
    found = None
    for record in records(message):
        if found is not None:
            raise WireError("a TSIG record that is not the last record")
        if record.rtype == TSIG:
            found = record
    if found is None:
        return None
    if found.section != ADDITIONAL or found.rclass != CLASS_ANY or found.ttl:
        raise WireError("a TSIG record outside the additional section, or with a class or TTL")
    name, _ = read_name(message, found.start)
    algorithm, position = read_name(message, found.rdata)
    try:
        high, low, fudge, size = struct.unpack_from(">HIHH", message, position)
        position += 10 + size
        original_id, error, other = struct.unpack_from(">HHH", message, position)
    except struct.error:
        raise WireError("a TSIG record that is too short") from None
    if position + 6 + other != found.end or found.end != len(message):
        raise WireError("a TSIG record whose lengths do not agree, or octets after it")
    if error > 4095:  # an extended RCODE has twelve bits; dnspython refuses more
        raise WireError("a TSIG record with an error code that cannot be")
    return Tsig(
        found.start,
        name.lower(),
        _BY_WIRE.get(algorithm.lower()),
        algorithm,
        high << 32 | low,
        fudge,
        message[position - size : position],
        original_id,
        error,
        message[position + 6 : found.end],
    )


def strip(message: bytes, tsig: Tsig) -> bytes:
    """The message as it was before it was signed: ARCOUNT lowered, the record gone."""
    count = int.from_bytes(message[10:12], "big") - 1
    return message[:10] + count.to_bytes(2, "big") + message[12 : tsig.start]


def append(message: bytes, tsig: Tsig) -> bytes:
    """The message with the record put last and ARCOUNT raised. `tsig.start` is not looked at."""
    rdata = b"".join(
        (
            tsig.algorithm_name,
            struct.pack(
                ">HIHH", tsig.time >> 32, tsig.time & 0xFFFFFFFF, tsig.fudge, len(tsig.mac)
            ),
            tsig.mac,
            struct.pack(">HHH", tsig.original_id, tsig.error, len(tsig.other)),
            tsig.other,
        )
    )
    count = int.from_bytes(message[10:12], "big") + 1
    head = tsig.name + struct.pack(">HHIH", TSIG, CLASS_ANY, 0, len(rdata))
    return message[:10] + count.to_bytes(2, "big") + message[12:] + head + rdata


def unsigned(key: Key, time: int, message: bytes, error: int = 0, other: bytes = b"") -> Tsig:
    """A TSIG record of ours for `message`, its MAC still empty."""
    wire = names.from_text(key.algorithm + ".")
    original = int.from_bytes(message[:2], "big")
    return Tsig(0, key.name, key.algorithm, wire, time, FUDGE, b"", original, error, other)


class Chain:
    """The MACs of one direction of a dialogue: each covers the one before (RFC 8945 §5.3.1).

    `prior` is the request's MAC, b"" for the request itself.
    """

    def __init__(self, key: Key, prior: bytes = b"") -> None:
        import dns.name
        import dns.rdtypes.ANY.TSIG
        import dns.tsig

        # dnspython leaves these two untyped.
        self._sign: Any = dns.tsig.sign
        self._rdata: Any = dns.rdtypes.ANY.TSIG.TSIG
        self._key = dns.tsig.Key(
            dns.name.from_wire(key.name, 0)[0], key.secret, key.algorithm + "."
        )
        self._prior = prior
        self._context: Any = None
        self._next: Any = None

    def mac(self, message: bytes, tsig: Tsig) -> bytes:
        """The MAC of an unsigned message under `tsig`'s other fields. `accept` moves on."""
        rdata = self._rdata(
            CLASS_ANY,
            TSIG,
            self._key.algorithm,
            tsig.time,
            tsig.fudge,
            b"",
            tsig.original_id,
            tsig.error,
            tsig.other,
        )
        signed, self._next = self._sign(
            message, self._key, rdata, tsig.time, self._prior, self._context, True
        )
        mac: bytes = signed.mac
        return mac

    def accept(self) -> None:
        """The MAC computed last was the right one: the next covers it, and timers only."""
        self._context = self._next

    def skip(self, message: bytes) -> None:
        """Cover an unsigned message that stands between signed ones."""
        self._context.update(message)
