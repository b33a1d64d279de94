"""Datagrams to one other server and their answers, any number at once over one socket.

The socket is another one after a pause and after some seconds: who forges answers has to find the
port anew.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator
from secrets import randbelow
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from zonecast.errors import WireError
from zonecast.protocol.question import NotAnAnswerError
from zonecast.protocol.tsig import Checker, Key, TsigError, sign_request

if TYPE_CHECKING:
    from zonecast.config.values import Endpoint

# Seconds after which a socket is used no more once nothing is under way.
KEEP = 5.0

_Token = TypeVar("_Token")


class _Request(NamedTuple):
    token: Any
    read: Callable[[bytes], Any]
    checker: Checker | None


class Line(Generic[_Token]):
    """`wake` is called when something may have arrived. An answer is waited for `timeout` seconds;
    with a key nothing unsigned is believed. Times are those of the event loop."""

    def __init__(
        self, address: Endpoint, key: Key | None, timeout: float, wake: Callable[[], None]
    ) -> None:
        self._address = address
        self._key = key
        self._timeout = timeout
        self._wake = wake
        self._socket: socket.socket | None = None
        self._opened_at = 0.0
        self._requests: dict[int, _Request] = {}
        self._deadlines: deque[tuple[float, int, _Token]] = deque()
        self._failures: list[tuple[_Token, Exception]] = []

    def send(
        self,
        token: _Token,
        build: Callable[[int], bytes],
        read: Callable[[bytes, int], Any],
    ) -> None:
        """Send what `build` makes for an identifier. `results` will have the token with what
        `read` makes of the answer to that identifier, or why there is none."""
        query_id = randbelow(65536)
        while query_id in self._requests:
            query_id = randbelow(65536)
        request, checker = build(query_id), None
        if self._key is not None:
            request, checker = sign_request(request, self._key, time.time())
        try:
            self._open().send(request)
        except OSError as error:
            self._failures.append((token, error))
            self._wake()
            return
        self._requests[query_id] = _Request(token, lambda answer: read(answer, query_id), checker)
        now = asyncio.get_running_loop().time()
        self._deadlines.append((now + self._timeout, query_id, token))

    def deadline(self) -> float | None:
        """When `results` has something to tell even if nothing comes."""
        return self._deadlines[0][0] if self._deadlines else None

    def results(self, now: float) -> Iterator[tuple[_Token, Any]]:
        """Each token of which there is news, with what was read, or with the exception instead:
        OSError (TimeoutError where nothing came), WireError, TsigError."""
        yield from self._arrived()
        while self._deadlines and (
            self._deadlines[0][0] <= now or not self._is_under_way(self._deadlines[0])
        ):
            late = self._deadlines.popleft()
            if self._is_under_way(late):
                yield self._requests.pop(late[1]).token, TimeoutError()
        failures, self._failures = self._failures, []
        yield from failures
        if now - self._opened_at >= KEEP:
            self.rest()

    def rest(self) -> None:
        """There is a pause: the socket goes, unless something is under way."""
        if self._socket is not None and not self._requests:
            asyncio.get_running_loop().remove_reader(self._socket.fileno())
            self._socket.close()
            self._socket = None

    def close(self) -> None:
        """Forget what is under way."""
        self._requests.clear()
        self._deadlines.clear()
        self.rest()

    def _is_under_way(self, entry: tuple[float, int, _Token]) -> bool:
        request = self._requests.get(entry[1])
        return request is not None and request.token is entry[2]

    def _arrived(self) -> Iterator[tuple[_Token, Any]]:
        while self._socket is not None:
            try:
                message = self._socket.recv(65535)
            except BlockingIOError:
                return
            except OSError as error:
                # Nobody listens there, or no way leads there: that goes for all of them.
                requests, self._requests = self._requests, {}
                yield from ((request.token, error) for request in requests.values())
                return
            yield from self._read(message)

    def _read(self, message: bytes) -> Iterator[tuple[_Token, Any]]:
        query_id = int.from_bytes(message[:2], "big")
        request = self._requests.get(query_id)
        if len(message) < 12 or request is None:
            return
        result: Any
        try:
            if request.checker is not None:
                message = request.checker.check(message, time.time())
            result = request.read(message)
        except NotAnAnswerError:
            return
        except (WireError, TsigError) as error:
            result = error
        del self._requests[query_id]
        yield request.token, result

    def _open(self) -> socket.socket:
        if self._socket is None:
            family = socket.AF_INET6 if ":" in self._address.host else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            try:
                sock.setblocking(False)
                sock.connect(self._address)
            except OSError:
                sock.close()
                raise
            loop = asyncio.get_running_loop()
            # By number: the loop would make a text of the socket, to say that it is new.
            loop.add_reader(sock.fileno(), self._wake)
            self._socket, self._opened_at = sock, loop.time()
        return self._socket
