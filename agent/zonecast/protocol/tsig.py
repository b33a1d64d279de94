"""TSIG dialogues, sans-IO: the server's side and the client's (RFC 8945 §5).

The server checks in the order key, MAC, time, and signs every message of its answer. It takes MACs
as short as they may be; a policy of longer ones (BADTRUNC, §5.2.4) and truncated answers to us are
not implemented.
The client accepts up to 99 unsigned messages between signed ones; the first and the last must
be signed, and nothing may be used before `Checker.finish` agreed.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import NamedTuple

from zonecast.errors import WireError, ZonecastError
from zonecast.protocol.message import error_reply
from zonecast.protocol.sections import FORMERR, NOTAUTH, RCODES, read_header, records
from zonecast.protocol.tsig_record import (
    MAC_SIZES,
    MAX_SIGNATURE,
    TSIG_MARK,
    Chain,
    Key,
    Tsig,
    append,
    find,
    make_key,
    strip,
    unsigned,
)
from zonecast.zone.names import to_text
from zonecast.zone.rdata import TSIG

__all__ = [
    "MAX_SIGNATURE",
    "TSIG_MARK",
    "Checker",
    "Failure",
    "Key",
    "Signer",
    "TsigError",
    "Verified",
    "answers_signed",
    "has_tsig",
    "make_key",
    "sign_request",
    "verify",
]

BADSIG, BADKEY, BADTIME, BADTRUNC = 16, 17, 18, 22
MAX_UNSIGNED = 99

_ERRORS = {
    BADSIG: "the primary says that our signature is wrong (BADSIG): the secrets differ",
    BADKEY: "the primary does not know the key or its algorithm (BADKEY)",
    BADTIME: "the primary says that our clock is wrong (BADTIME)",
    BADTRUNC: "the primary wants a longer MAC (BADTRUNC)",
}


class TsigError(ZonecastError):
    """A peer's answer that is not signed as it must be."""


def has_tsig(message: bytes) -> bool:
    """Whether a TSIG record stands anywhere in the message; False for what cannot be walked."""
    try:
        return any(record.rtype == TSIG for record in records(message))
    except WireError:
        return False


def answers_signed(reply: bytes) -> bool:
    """Whether our reply is to a query whose signature verified: one to another has a TSIG record as
    well, with an error in it (RFC 8945 §5.2)."""
    try:
        # The mark first: of a flood, hardly a reply has one.
        tsig = find(reply) if TSIG_MARK in reply else None
    except WireError:
        return False
    return tsig is not None and not tsig.error


class Signer:
    """Signs the messages of one answer, in order."""

    def __init__(self, key: Key, request_mac: bytes) -> None:
        self._key = key
        self._chain = Chain(key, request_mac)

    @property
    def room(self) -> int:
        """How many octets a signature takes."""
        return len(self._key.name) + 10 + len(self._key.algorithm) + 2 + 16 + self._mac_size

    @property
    def _mac_size(self) -> int:
        return MAC_SIZES[self._key.algorithm]

    def sign(self, message: bytes, now: float, error: int = 0, other: bytes = b"") -> bytes:
        """The next message of the answer, signed at `now` (POSIX seconds)."""
        tsig = unsigned(self._key, int(now), message, error, other)
        mac = self._chain.mac(message, tsig)
        self._chain.accept()
        return append(message, tsig._replace(mac=mac))


class Verified(NamedTuple):
    """A request that is what its key's holder sent: `message` without the TSIG record."""

    message: bytes
    key: Key
    signer: Signer


class Failure(NamedTuple):
    """A request to be answered with `reply`: RCODE `rcode`, and `error` inside the TSIG record
    (0 with FORMERR, whose answer carries none)."""

    rcode: int
    error: int
    tsig: Tsig | None = None
    signer: Signer | None = None
    now: float = 0.0

    def reply(self, request: bytes) -> bytes:
        """The whole answer to the `request` that failed. BADKEY and BADSIG go unsigned, BADTIME
        signed (RFC 8945 §5.3.2)."""
        answer = error_reply(request, self.rcode)
        if self.tsig is None:
            return answer
        if self.signer is None:
            original = int.from_bytes(request[:2], "big")
            return append(
                answer,
                self.tsig._replace(mac=b"", error=self.error, other=b"", original_id=original),
            )
        # The client's own time in the record and the server's in other data (RFC 8945 §5.2.3).
        server_time = int(self.now).to_bytes(6, "big")
        return self.signer.sign(answer, self.tsig.time, self.error, server_time)


def verify(message: bytes, keys: Mapping[bytes, Key], now: float) -> Verified | Failure:
    """Check a request for which `has_tsig` said yes. `keys` by lower-case name, `now` in POSIX
    seconds. A request without a TSIG record fails with FORMERR.

    A truncated MAC is one where it is as long as RFC 8945 §5.2.2.1 demands; answers are signed with
    the whole hash all the same, which is right for whatever length a client wants."""
    try:
        tsig = find(message)
    except WireError:
        tsig = None
    if tsig is None:
        return Failure(FORMERR, 0)
    key = keys.get(tsig.name)
    if key is None or key.algorithm != tsig.algorithm:
        return Failure(NOTAUTH, BADKEY, tsig)
    full = MAC_SIZES[key.algorithm]
    if not max(10, full // 2) <= len(tsig.mac) <= full:
        return Failure(FORMERR, 0)
    plain = strip(message, tsig)
    expected = Chain(key).mac(plain, tsig)
    if not hmac.compare_digest(expected[: len(tsig.mac)], tsig.mac):
        return Failure(NOTAUTH, BADSIG, tsig)
    signer = Signer(key, tsig.mac)
    if abs(now - tsig.time) > tsig.fudge:
        return Failure(NOTAUTH, BADTIME, tsig, signer, now)
    return Verified(plain, key, signer)


class Checker:
    """Checks the messages of one answer, in order, against the request's MAC."""

    def __init__(self, key: Key, request_mac: bytes) -> None:
        self._key = key
        self._chain = Chain(key, request_mac)
        self._first = True
        self._unsigned = 0

    def check(self, message: bytes, now: float) -> bytes:
        """The message without its TSIG record. Raises TsigError, after which nothing of the
        answer may be used; a single forged datagram leaves the checker as it was."""
        try:
            tsig = find(message)
        except WireError as error:
            raise TsigError(f"answer with a malformed TSIG record: {error}") from None
        if tsig is None:
            return self._check_unsigned(message)
        if tsig.error:
            text = _ERRORS.get(tsig.error, f"the primary answered TSIG error {tsig.error}")
            raise TsigError(text, where=f"key {to_text(self._key.name)}")
        if tsig.name != self._key.name or tsig.algorithm != self._key.algorithm:
            raise TsigError("the answer is signed with another key")
        plain = strip(message, tsig)
        if not hmac.compare_digest(self._chain.mac(plain, tsig), tsig.mac):
            raise TsigError("the answer's signature is wrong")
        if abs(now - tsig.time) > tsig.fudge:
            raise TsigError(
                f"the answer was signed {int(now) - tsig.time} seconds ago",
                remedy="set the clocks of both hosts",
            )
        self._chain.accept()
        self._first = False
        self._unsigned = 0
        return plain

    def _check_unsigned(self, message: bytes) -> bytes:
        if self._first:
            rcode = read_header(message).rcode
            says = f" ({RCODES.get(rcode, rcode)})" if rcode else ""
            raise TsigError(f"the answer{says} is not signed")
        self._unsigned += 1
        if self._unsigned > MAX_UNSIGNED:
            raise TsigError(f"more than {MAX_UNSIGNED} unsigned messages in a row")
        self._chain.skip(message)
        return message

    def finish(self) -> None:
        """Say that the message checked last was the answer's last. Raises TsigError if it was
        not signed, or if there was none."""
        if self._first or self._unsigned:
            raise TsigError("the answer's last message is not signed")


def sign_request(message: bytes, key: Key, now: float) -> tuple[bytes, Checker]:
    """A request signed at `now` (POSIX seconds), and what checks its answer."""
    tsig = unsigned(key, int(now), message)
    mac = Chain(key).mac(message, tsig)
    return append(message, tsig._replace(mac=mac)), Checker(key, mac)
