"""One transfer of one zone from one primary, over TCP or TLS: received and verified to the last
message.

A primary cannot hold us for ever: connecting, each message and the whole have a time, and a
transfer that has run for a while must have reached a least rate.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from secrets import randbelow
from typing import NamedTuple

from zonecast.protocol.expiry import read_expire, refuse_edns, with_expire
from zonecast.protocol.question import axfr_query, ixfr_query
from zonecast.protocol.transfer_in import Limits, Result, TransferError, TransferIn
from zonecast.protocol.transfer_shared import Helpers
from zonecast.protocol.tsig import Checker, sign_request
from zonecast.server.peers import Primary
from zonecast.server.pulling.connecting import Stream, TlsError, UnreachableError, connect, said
from zonecast.server.query import read_message
from zonecast.zone.names import to_text

__all__ = ["Fetched", "MuteError", "Primary", "SlowError", "UnreachableError", "fetch"]

# Seconds for each message to arrive whole.
SILENCE = 30.0
# Octets a second that a transfer must reach on average once it has run for SILENCE seconds.
LEAST_RATE = 1000

_SLOW = "see how busy the primary is, and the network between"


class SlowError(UnreachableError):
    """A primary that began to send, and did not end in time."""


class MuteError(UnreachableError):
    """A primary that took the query, and sent no whole message in time."""


class Fetched(NamedTuple):
    """A transfer that is complete, with the octets and records it took, and whether it was
    `secure`, over TLS; `expire` as the primary says it (RFC 7314 §4: seconds), None where it does
    not."""

    result: Result
    octets: int
    records: int
    expire: int | None
    secure: bool


async def fetch(
    origin: bytes,
    primary: Primary,
    serial: int | None,
    timeout: float,
    limits: Limits,
    *,
    edns: bool = False,
    helpers: Helpers | None = None,
) -> Fetched:
    """Transfer `origin`: what changed since `serial`, or all of it where that is None. `timeout`
    is in seconds, for the whole. With `edns`, it is asked when the zone expires there. `helpers`
    read parts of a big zone.

    Raises UnreachableError, TlsError, TransferError, TsigError, NoEdnsError; nothing of a transfer
    that raises may be used.
    """
    where = f"transfer of {to_text(origin)} from {primary.name}"
    stream = await connect(primary, timeout)
    query_id = randbelow(65536)
    query = axfr_query(query_id, origin) if serial is None else ixfr_query(query_id, origin, serial)
    transfer = TransferIn(origin, query_id, serial, limits, helpers)
    try:
        async with asyncio.timeout(timeout):
            return await _transfer(stream, query, transfer, primary, limits, edns)
    except TimeoutError:
        kind = SlowError if transfer.octets else MuteError
        raise kind(
            f"no message within {SILENCE:g} seconds, or no end within {timeout:g}",
            where=where,
            remedy=f"{_SLOW}; 'max-time' of [[primary]] {primary.name} is for the whole",
        ) from None
    except ssl.SSLError as error:
        raise TlsError(
            f"TLS ended: {said(error)}",
            where=where,
            remedy="see in the primary's log which certificate it wants",
        ) from None
    except (OSError, asyncio.IncompleteReadError):
        # It may close so fast that what TLS has to say about our certificate is lost.
        shown = ", and which certificate it wants" if stream.secure else ""
        raise TransferError(
            "the primary closed the connection before the end",
            where=where,
            remedy=f"see in its log whether it allows this server the transfer{shown}",
        ) from None
    finally:
        stream.writer.close()


async def _transfer(
    stream: Stream,
    query: bytes,
    transfer: TransferIn,
    primary: Primary,
    limits: Limits,
    edns: bool,
) -> Fetched:
    if edns:
        query = with_expire(query)
    checker: Checker | None = None
    if primary.key is not None:
        query, checker = sign_request(query, primary.key, time.time())
    stream.writer.write(len(query).to_bytes(2, "big") + query)
    started = time.monotonic()
    result, expire, first = None, None, True
    while result is None:
        async with asyncio.timeout(SILENCE):
            message = await read_message(stream.reader)
        if edns and first:
            refuse_edns(message)
            expire = read_expire(message)
        first = False
        if checker is not None:
            message = checker.check(message, time.time())
        result = _feed(transfer, message, primary, limits)
        elapsed = time.monotonic() - started
        if elapsed > SILENCE and transfer.octets < LEAST_RATE * elapsed:
            raise SlowError(
                f"the primary sends less than {LEAST_RATE} octets a second",
                where=primary.name,
                remedy=_SLOW,
            )
    if checker is not None:
        checker.finish()
    return Fetched(result, transfer.octets, transfer.records, expire, stream.secure)


def _feed(transfer: TransferIn, message: bytes, primary: Primary, limits: Limits) -> Result | None:
    """The same as `transfer.feed`; what is over a limit is said with its remedy."""
    try:
        return transfer.feed(message)
    except TransferError as error:
        if transfer.octets > limits.octets:
            raise over_limit(error.message, error.where, primary, "max-octets") from None
        if transfer.records > limits.records:
            raise over_limit(error.message, error.where, primary, "max-records") from None
        raise


def over_limit(message: str, where: str, primary: Primary, key: str) -> TransferError:
    """The error for a transfer that is over a limit of `primary`'s."""
    return TransferError(
        message,
        where=where,
        remedy=f"raise '{key}' of [[primary]] {primary.name} if the zone is meant to be so large",
    )
