"""Asking another server for a zone's SOA: one datagram there and back.

Over UDP, sent three times within the timeout; it is asked for over TCP where the answer comes
truncated or is none: Knot answers for catalog zones over TCP alone. Signed with the peer's key
where it has one, and then nothing unsigned is believed. A primary is asked for EXPIRE as well, and
again without EDNS where it knows none.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from secrets import randbelow
from typing import Generic, NamedTuple, TypeVar

from zonecast.errors import WireError, ZonecastError
from zonecast.protocol.expiry import NoEdnsError, read_expire, refuse_edns, with_expire
from zonecast.protocol.question import NotAnAnswerError, read_soa_answer, soa_query
from zonecast.protocol.tsig import Checker, Key, TsigError, sign_request
from zonecast.server.pulling.connecting import said
from zonecast.zone.names import to_text
from zonecast.zone.rrset import RRset

_SENDS = 3
_SEE_LOG = "see its log for why"

_T = TypeVar("_T")
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
# A connection for one question; whether it serves another one after it, is the context's.
Connect = Callable[[], AbstractAsyncContextManager[Streams]]


class QueryError(ZonecastError):
    """A server did not answer, or not as it should."""


class SilentError(QueryError):
    """Nothing came from a server: it is down, or the way to it is."""


class Version(NamedTuple):
    """What a server has of a zone: its SOA, and in how many seconds the zone expires there (RFC
    7314; None where it does not say)."""

    soa: RRset
    expire: int | None


class _Request(NamedTuple, Generic[_T]):
    """A message, the key to sign it with, and what makes something of its answer."""

    message: bytes
    key: Key | None
    read: Callable[[bytes], _T]
    edns: bool = False

    def signed(self) -> tuple[bytes, Checker | None]:
        if self.key is None:
            return self.message, None
        return sign_request(self.message, self.key, time.time())

    def take(self, answer: bytes, checker: Checker | None) -> _T:
        """What `read` makes of an answer that is signed as it must be."""
        if self.edns:
            refuse_edns(answer)
        if checker is not None:
            answer = checker.check(answer, time.time())
        return self.read(answer)


async def ask_soa(origin: bytes, address: str, port: int, key: Key | None, timeout: float) -> RRset:
    """The SOA that the server at `address` serves for `origin`, within `timeout` seconds.

    Raises QueryError (SilentError where nothing came), TsigError.
    """
    where = f"{address} port {port}, {to_text(origin)}"
    async with _named(where, timeout):
        return (await _ask(origin, (address, port), key, timeout, edns=False)).soa


async def ask_version(
    origin: bytes,
    address: str,
    port: int,
    key: Key | None,
    timeout: float,
    connect: Connect | None = None,
) -> Version:
    """The same of a primary, with when the zone expires there where it says so. With `connect`,
    over such a connection alone.

    Raises QueryError (SilentError where nothing came), TsigError, and what `connect` raises.
    """
    where = f"{address} port {port}, {to_text(origin)}"
    async with _named(where, timeout):
        try:
            return await _ask(origin, (address, port), key, timeout, edns=True, connect=connect)
        except NoEdnsError:
            return await _ask(origin, (address, port), key, timeout, edns=False, connect=connect)


@asynccontextmanager
async def _named(where: str, timeout: float) -> AsyncIterator[None]:
    """At most `timeout` seconds; what goes wrong is said of the server that it goes wrong with."""
    try:
        async with asyncio.timeout(timeout):
            yield
    except (OSError, WireError, asyncio.IncompleteReadError, NotAnAnswerError) as error:
        raise failure(error, timeout, where) from None


async def _ask(
    origin: bytes,
    peer: tuple[str, int],
    key: Key | None,
    timeout: float,
    *,
    edns: bool,
    connect: Connect | None = None,
) -> Version:
    query_id = randbelow(65536)
    query = soa_query(query_id, origin)

    def read(message: bytes) -> Version | None:
        soa = read_soa_answer(message, query_id, origin)
        return None if soa is None else Version(soa, read_expire(message) if edns else None)

    request = _Request(with_expire(query) if edns else query, key, read, edns)
    tcp = connect or (lambda: _once(peer))
    version = None
    try:
        if connect is None:
            version = await _over_udp(request, peer, timeout)
    except (WireError, TsigError) as error:
        version = await _instead(error, _over_stream(request, tcp))
    else:
        if version is None:
            version = await _over_stream(request, tcp)
    if version is None:
        raise WireError("answered truncated over TCP")
    return version


async def _instead(error: ZonecastError, over_tcp: Awaitable[_T]) -> _T:
    """What comes over TCP; `error`, which came over UDP, where nothing listens there."""
    try:
        return await over_tcp
    except ConnectionError:
        raise error from None


def failure(error: Exception, timeout: float, where: str) -> QueryError:
    """What went wrong with a server asked for `timeout` seconds, in words."""
    silent = isinstance(error, OSError) and not isinstance(error, ssl.SSLError)
    kind = SilentError if silent else QueryError
    return kind(_reason(error, timeout), where=where, remedy=_remedy(error))


def _reason(error: Exception, timeout: float) -> str:
    if isinstance(error, TimeoutError):
        return f"did not answer within {timeout:g} seconds"
    if isinstance(error, asyncio.IncompleteReadError):
        return "closed the connection"
    if isinstance(error, ssl.SSLError):
        return f"ended TLS: {said(error)}"
    return str(error) or type(error).__name__


def _remedy(error: Exception) -> str:
    """What to do; "" where the reason says it."""
    if isinstance(error, ZonecastError):
        return "" if error.remedy else _SEE_LOG
    if isinstance(error, asyncio.IncompleteReadError | NotAnAnswerError | ssl.SSLError):
        return _SEE_LOG
    return "see that it runs, that its address and port are right, and that nothing filters them"


class _Socket(asyncio.DatagramProtocol):
    """A connected datagram socket as a queue of what arrives; an error arrives as itself."""

    def __init__(self) -> None:
        self.arrived: asyncio.Queue[bytes | Exception] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.arrived.put_nowait(data)

    def error_received(self, exc: Exception) -> None:
        self.arrived.put_nowait(exc)


async def _over_udp(request: _Request[_T], peer: tuple[str, int], timeout: float) -> _T:
    """What is made of the first datagram that answers. Datagrams that answer something else are
    dropped."""
    signed, checker = request.signed()
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(_Socket, remote_addr=peer)
    try:
        for _ in range(_SENDS):
            transport.sendto(signed)
            try:
                async with asyncio.timeout(timeout / _SENDS):
                    return await _first_answer(protocol, request, checker)
            except TimeoutError:
                continue
        raise TimeoutError
    finally:
        transport.close()


async def _first_answer(protocol: _Socket, request: _Request[_T], checker: Checker | None) -> _T:
    while True:
        message = await protocol.arrived.get()
        if isinstance(message, Exception):
            raise message
        if len(message) < 12 or message[:2] != request.message[:2]:
            continue
        try:
            return request.take(message, checker)
        except NotAnAnswerError:
            continue


async def _over_stream(request: _Request[_T], connect: Connect) -> _T:
    signed, checker = request.signed()
    async with connect() as (reader, writer):
        writer.write(len(signed).to_bytes(2, "big") + signed)
        return request.take(await read_message(reader), checker)


@asynccontextmanager
async def _once(peer: tuple[str, int]) -> AsyncIterator[Streams]:
    """A connection that is closed after its question."""
    reader, writer = await asyncio.open_connection(*peer)
    try:
        yield reader, writer
    finally:
        writer.close()


async def read_message(reader: asyncio.StreamReader) -> bytes:
    """The next message of a TCP stream (RFC 1035 §4.2.2). Raises IncompleteReadError at its end."""
    size = int.from_bytes(await reader.readexactly(2), "big")
    return await reader.readexactly(size)
