"""One transfer of one zone from one primary, over TCP: received and verified to the last message.

A primary cannot hold us for ever: connecting, each message and the whole have a time, and a
transfer that has run for a while must have reached a least rate.
"""

from __future__ import annotations

import asyncio
import time
from secrets import randbelow
from typing import NamedTuple

from zonecast.errors import ZonecastError
from zonecast.protocol.expiry import read_expire, refuse_edns, with_expire
from zonecast.protocol.question import axfr_query, ixfr_query
from zonecast.protocol.transfer_in import Limits, Result, TransferError, TransferIn
from zonecast.protocol.tsig import Checker, Key, sign_request
from zonecast.server.query import read_message
from zonecast.zone.names import to_text

# Seconds for connecting, and for each message to arrive whole.
CONNECT = 5.0
SILENCE = 30.0
# Octets a second that a transfer must reach on average once it has run for SILENCE seconds.
LEAST_RATE = 1000

_SLOW = "see how busy the primary is, and the network between"


class Primary(NamedTuple):
    """A primary as a job names it; `host` and `port` from its address."""

    name: str
    host: str
    port: int
    key: Key | None


class UnreachableError(ZonecastError):
    """A primary that cannot be connected to, or is too slow: asking it again would not help."""


class Fetched(NamedTuple):
    """A transfer that is complete, with the octets and records it took; `expire` as the primary
    says it (RFC 7314 §4: seconds), None where it does not."""

    result: Result
    octets: int
    records: int
    expire: int | None


async def fetch(
    origin: bytes,
    primary: Primary,
    serial: int | None,
    timeout: float,
    limits: Limits,
    *,
    edns: bool = False,
) -> Fetched:
    """Transfer `origin`: what changed since `serial`, or all of it where that is None. `timeout`
    is in seconds, for the whole. With `edns`, it is asked when the zone expires there.

    Raises UnreachableError, TransferError, TsigError, NoEdnsError; nothing of a transfer that
    raises may be used.
    """
    where = f"transfer of {to_text(origin)} from {primary.name}"
    try:
        async with asyncio.timeout(min(CONNECT, timeout)):
            reader, writer = await asyncio.open_connection(primary.host, primary.port)
    except (OSError, TimeoutError) as error:
        reason = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise UnreachableError(
            f"{primary.host} port {primary.port} cannot be reached: {reason}",
            where=where,
            remedy="see that it runs, that address and port are right, and that TCP gets through",
        ) from None
    try:
        async with asyncio.timeout(timeout):
            return await _transfer(reader, writer, origin, primary, serial, limits, edns)
    except TimeoutError:
        raise UnreachableError(
            f"no message within {SILENCE:g} seconds, or no end within {timeout:g}",
            where=where,
            remedy=_SLOW,
        ) from None
    except (OSError, asyncio.IncompleteReadError):
        raise TransferError(
            "the primary closed the connection before the end",
            where=where,
            remedy="see in its log whether it allows this server the transfer",
        ) from None
    finally:
        writer.close()


async def _transfer(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    origin: bytes,
    primary: Primary,
    serial: int | None,
    limits: Limits,
    edns: bool,
) -> Fetched:
    query_id = randbelow(65536)
    query = axfr_query(query_id, origin) if serial is None else ixfr_query(query_id, origin, serial)
    if edns:
        query = with_expire(query)
    checker: Checker | None = None
    if primary.key is not None:
        query, checker = sign_request(query, primary.key, time.time())
    writer.write(len(query).to_bytes(2, "big") + query)
    transfer = TransferIn(origin, query_id, serial, limits)
    started = time.monotonic()
    result, expire, first = None, None, True
    while result is None:
        async with asyncio.timeout(SILENCE):
            message = await read_message(reader)
        if edns and first:
            refuse_edns(message)
            expire = read_expire(message)
        first = False
        if checker is not None:
            message = checker.check(message, time.time())
        result = transfer.feed(message)
        elapsed = time.monotonic() - started
        if elapsed > SILENCE and transfer.octets < LEAST_RATE * elapsed:
            raise UnreachableError(
                f"the primary sends less than {LEAST_RATE} octets a second",
                where=f"transfer of {to_text(origin)} from {primary.name}",
                remedy=_SLOW,
            )
    if checker is not None:
        checker.finish()
    return Fetched(result, transfer.octets, transfer.records, expire)
