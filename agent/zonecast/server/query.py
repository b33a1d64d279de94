"""Asking another server for a zone's SOA, and sending it a NOTIFY: one datagram there and back.

Over UDP, sent three times within the timeout; a SOA is asked for over TCP where the answer comes
truncated or is none: Knot answers for catalog zones over TCP alone. Signed with the peer's key
where it has one, and then nothing unsigned is believed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from secrets import randbelow
from typing import TypeVar

from zonecast.errors import WireError, ZonecastError
from zonecast.protocol.notify import build_notify, check_notify_reply
from zonecast.protocol.question import NotAnAnswerError, read_soa_answer, soa_query
from zonecast.protocol.tsig import Checker, Key, TsigError, sign_request
from zonecast.zone.names import to_text
from zonecast.zone.rrset import RRset

_SENDS = 3
_SEE_LOG = "see its log for why"

_T = TypeVar("_T")


class QueryError(ZonecastError):
    """A server did not answer, or not as it should."""


class SilentError(QueryError):
    """Nothing came from a server: it is down, or the way to it is."""


async def ask_soa(origin: bytes, address: str, port: int, key: Key | None, timeout: float) -> RRset:
    """The SOA that the server at `address` serves for `origin`, within `timeout` seconds.

    Raises QueryError (SilentError where nothing came), TsigError.
    """
    query_id = randbelow(65536)

    def read(message: bytes) -> RRset | None:
        return read_soa_answer(message, query_id, origin)

    where = f"{address} port {port}, {to_text(origin)}"
    query = soa_query(query_id, origin)
    try:
        async with asyncio.timeout(timeout):
            try:
                soa = await _over_udp(query, key, (address, port), read, timeout)
            except (WireError, TsigError) as error:
                soa = await _instead(error, _over_tcp(query, key, (address, port), read))
            else:
                if soa is None:
                    soa = await _over_tcp(query, key, (address, port), read)
    except (OSError, WireError, asyncio.IncompleteReadError, NotAnAnswerError) as error:
        raise _failed(error, timeout, where) from None
    if soa is None:
        raise QueryError("answered truncated over TCP", where=where, remedy=_SEE_LOG)
    return soa


async def send_notify(
    origin: bytes, soa: RRset | None, address: str, port: int, key: Key | None, timeout: float
) -> None:
    """Tell the server at `address` that `origin` changed, `soa` being the hint, and wait for its
    answer.

    Raises SilentError where none comes within `timeout` seconds, QueryError where it refuses,
    TsigError.
    """
    query_id = randbelow(65536)
    request = build_notify(query_id, origin, soa)
    try:
        async with asyncio.timeout(timeout):
            await _over_udp(
                request,
                key,
                (address, port),
                lambda message: check_notify_reply(message, query_id),
                timeout,
            )
    except (OSError, WireError) as error:
        where = f"{address} port {port}, {to_text(origin)}"
        raise _failed(error, timeout, where) from None


async def _instead(error: ZonecastError, over_tcp: Awaitable[_T]) -> _T:
    """What comes over TCP; `error`, which came over UDP, where nothing listens there."""
    try:
        return await over_tcp
    except ConnectionError:
        raise error from None


def _failed(error: Exception, timeout: float, where: str) -> QueryError:
    kind = SilentError if isinstance(error, OSError) else QueryError
    return kind(_reason(error, timeout), where=where, remedy=_remedy(error))


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {timeout:g} seconds"
    if isinstance(error, asyncio.IncompleteReadError):
        return "closed the connection"
    return str(error) or type(error).__name__


def _remedy(error: Exception) -> str:
    """What to do; "" where the reason says it."""
    if isinstance(error, ZonecastError):
        return "" if error.remedy else _SEE_LOG
    if isinstance(error, asyncio.IncompleteReadError | NotAnAnswerError):
        return _SEE_LOG
    return "see that it runs, that its address and port are right, and that nothing filters them"


def _sign(request: bytes, key: Key | None) -> tuple[bytes, Checker | None]:
    if key is None:
        return request, None
    return sign_request(request, key, time.time())


class _Socket(asyncio.DatagramProtocol):
    """A connected datagram socket as a queue of what arrives; an error arrives as itself."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.arrived.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.arrived.put_nowait(exc)


async def _over_udp(
    request: bytes,
    key: Key | None,
    peer: tuple[str, int],
    read: Callable[[bytes], _T],
    timeout: float,
) -> _T:
    """What `read` makes of the first datagram that answers. Datagrams that answer something
    else are dropped."""
    signed, checker = _sign(request, key)
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Socket, remote_addr=peer)
    try:
        for _ in range(_SENDS):
            transport.sendto(signed)
            try:
                async with asyncio.timeout(timeout / _SENDS):
                    return await _first_answer(protocol, request[:2], checker, read)
            except TimeoutError:
                continue
        raise TimeoutError
    finally:
        transport.close()


async def _first_answer(
    protocol: _Socket, query_id: bytes, checker: Checker | None, read: Callable[[bytes], _T]
) -> _T:
    while True:
        message = await protocol.arrived.get()
        if isinstance(message, Exception):
            raise message
        if len(message) < 12 or message[:2] != query_id:
            continue
        if checker is not None:
            message = checker.check(message, time.time())
        try:
            return read(message)
        except NotAnAnswerError:
            continue


async def _over_tcp(
    request: bytes, key: Key | None, peer: tuple[str, int], read: Callable[[bytes], _T]
) -> _T:
    signed, checker = _sign(request, key)
    reader, writer = await asyncio.open_connection(*peer)
    try:
        writer.write(len(signed).to_bytes(2, "big") + signed)
        message = await read_message(reader)
    finally:
        writer.close()
    if checker is not None:
        message = checker.check(message, time.time())
    return read(message)


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """The next message of a TCP stream (RFC 1035 §4.2.2). Raises IncompleteReadError at its end."""
    size = int.from_bytes(await reader.readexactly(2), "big")
    return await reader.readexactly(size)
