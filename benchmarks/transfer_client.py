"""A client of transfers that takes them as fast as they come: it counts records by the messages'
headers and looks at nothing else but for the end, which is the SOA that a transfer began with."""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Sequence
from contextlib import ExitStack
from typing import NamedTuple

AXFR, IXFR, SOA = 252, 251, 6
_NOTIFY = 0x2400
_MOST = 65537
_SILENCE = 60.0


class BrokenOffError(Exception):
    """A transfer that did not come to its end."""


class Transfer(NamedTuple):
    """What came: the serial, records (both SOAs among them), messages, octets; seconds from the
    query to the first octet and to the last."""

    serial: int
    records: int
    messages: int
    octets: int
    first: float
    seconds: float


def _name(origin: str | bytes) -> bytes:
    if isinstance(origin, bytes):
        return origin
    labels = origin.rstrip(".").encode().split(b".")
    return b"".join(bytes((len(label),)) + label for label in labels) + b"\x00"


def message(origin: str | bytes, rtype: int, *, flags: int = 0, serial: int | None = None) -> bytes:
    """A query for a name as text or as it is sent; with `serial` one for what came after it (RFC 1995 §3)."""
    head = (1).to_bytes(2, "big") + flags.to_bytes(2, "big") + b"\x00\x01\x00\x00"
    head += b"\x00\x00\x00\x00" if serial is None else b"\x00\x01\x00\x00"
    question = _name(origin) + rtype.to_bytes(2, "big") + b"\x00\x01"
    if serial is None:
        return head + question
    rdata = b"\x00\x00" + serial.to_bytes(4, "big") + bytes(16)
    return head + question + b"\xc0\x0c\x00\x06\x00\x01" + bytes(5) + b"\x16" + rdata


class Stream:
    """One transfer's octets as they come, in a buffer of `size` that is used again and again. Who
    has the serial `known` is told no more than that."""

    def __init__(self, size: int = 1 << 20, known: int | None = None) -> None:
        self._known = known
        self._buffer = memoryview(bytearray(size))
        self._start = self._end = 0
        self._last = b""
        self._asked = time.perf_counter()
        self._first = 0.0
        self.serial = 0
        self.records = self.messages = self.octets = 0

    def take(self, sock: socket.socket) -> bool:
        """Receive once; whether that was the end. Raises BrokenOffError."""
        got = sock.recv_into(self._buffer[self._end :])
        if not got:
            raise BrokenOffError(f"the transfer broke off after {self.records} records")
        if not self._first:
            self._first = time.perf_counter() - self._asked
        self.octets += got
        self._end += got
        ended = False
        while self._end - self._start >= 2:
            size = self._buffer[self._start] << 8 | self._buffer[self._start + 1]
            if self._end - self._start < 2 + size:
                break
            ended = self._message(self._buffer[self._start + 2 : self._start + 2 + size])
            self._start += 2 + size
        if self._start == self._end:
            self._start = self._end = 0
        elif len(self._buffer) - self._end < _MOST:
            kept = bytes(self._buffer[self._start : self._end])
            self._buffer[: len(kept)] = kept
            self._start, self._end = 0, len(kept)
        return ended

    def _message(self, octets: memoryview) -> bool:
        if octets[3] & 0x0F:
            raise BrokenOffError(f"a transfer was answered with RCODE {octets[3] & 0x0F}")
        count = octets[6] << 8 | octets[7]
        self.messages += 1
        self.records += count
        if not self._last:
            self._last = _soa_numbers(bytes(octets))
            self.serial = int.from_bytes(self._last[:4], "big")
            if count == 1:
                return self.serial == self._known
        return octets[-20:] == self._last

    def done(self) -> Transfer:
        """What it was, at its end."""
        seconds = time.perf_counter() - self._asked
        return Transfer(self.serial, self.records, self.messages, self.octets, self._first, seconds)


def _soa_numbers(octets: bytes) -> bytes:
    """The last 20 octets of the SOA that a first message begins with: its five numbers."""
    position = 12
    while octets[position]:
        position += 1 + octets[position]
    position += 5
    while octets[position] and octets[position] < 0xC0:
        position += 1 + octets[position]
    position += 1 if not octets[position] else 2
    end = position + 10 + int.from_bytes(octets[position + 8 : position + 10], "big")
    return octets[end - 20 : end]


def axfr(port: int, origin: str) -> Transfer:
    """A whole zone from the server at `port` on 127.0.0.1."""
    with socket.create_connection(("127.0.0.1", port), timeout=_SILENCE) as sock:
        query = message(origin, AXFR)
        stream = Stream()
        sock.sendall(len(query).to_bytes(2, "big") + query)
        while not stream.take(sock):
            pass
        return stream.done()


def together(port: int, origin: str, serial: int, sources: Sequence[str]) -> list[Transfer]:
    """An IXFR from `serial` for each of the addresses `sources`, all at once."""
    query = message(origin, IXFR, serial=serial)
    framed = len(query).to_bytes(2, "big") + query
    found = []
    with ExitStack() as stack:
        selector = stack.enter_context(selectors.DefaultSelector())
        for source in sources:
            sock = stack.enter_context(socket.socket())
            sock.setblocking(False)
            sock.bind((source, 0))
            selector.register(sock, selectors.EVENT_WRITE)
        streams = {}
        for key in list(selector.get_map().values()):
            sock = _socket(key)
            streams[sock] = Stream(2 * _MOST)
            sock.connect_ex(("127.0.0.1", port))
        while streams:
            ready = selector.select(_SILENCE)
            if not ready:
                raise BrokenOffError(f"{len(streams)} of {len(sources)} transfers do not go on")
            for key, events in ready:
                sock = _socket(key)
                if events & selectors.EVENT_WRITE:
                    sock.send(framed)
                    selector.modify(sock, selectors.EVENT_READ)
                elif streams[sock].take(sock):
                    found.append(streams.pop(sock).done())
                    selector.unregister(sock)
    return found


def _socket(key: selectors.SelectorKey) -> socket.socket:
    assert isinstance(key.fileobj, socket.socket)
    return key.fileobj


def serial_at(port: int, origin: str) -> int | None:
    """The serial that a server answers with over UDP, None where it does not answer."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(0.5)
        try:
            sock.connect(("127.0.0.1", port))
            sock.send(message(origin, SOA))
            answer = sock.recv(65535)
        except OSError:
            return None
    if answer[3] & 0x0F or answer[6:8] == b"\x00\x00":
        return None
    return int.from_bytes(_soa_numbers(answer)[:4], "big")


def tell(port: int, origin: str) -> None:
    """A NOTIFY, and its answer (RFC 1996)."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_SILENCE)
        sock.bind(("127.0.0.1", 0))
        sock.connect(("127.0.0.1", port))
        sock.send(message(origin, SOA, flags=_NOTIFY))
        answer = sock.recv(65535)
    if answer[3] & 0x0F:
        raise BrokenOffError(f"a NOTIFY was answered with RCODE {answer[3] & 0x0F}")
