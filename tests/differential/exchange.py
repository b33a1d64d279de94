"""Many queries to one server, over UDP or TCP, and what it answered to each."""

from __future__ import annotations

import select
import socket
import struct
from collections.abc import Sequence

HOST = "127.0.0.1"

# Queries under way at once: fewer than any server's socket buffer or pipelining limit holds.
UDP_WINDOW = 48
TCP_WINDOW = 8

# Seconds without any answer after which what is outstanding is asked again; then it is silence.
QUIET = 0.4
TRIES = 4


def ask_udp(port: int, packets: Sequence[bytes]) -> list[bytes | None]:
    """The replies, None for silence. Each packet's identifier is replaced by its own."""
    replies: list[bytes | None] = [None] * len(packets)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        sock.connect((HOST, port))
        sock.setblocking(False)
        waiting: dict[int, int] = {}
        following = 0
        while following < len(packets) or waiting:
            while following < len(packets) and len(waiting) < UDP_WINDOW:
                sock.send(_numbered(packets[following], following))
                waiting[following] = 1
                following += 1
            if not select.select([sock], [], [], QUIET)[0]:
                _again(sock, packets, waiting)
                continue
            reply = sock.recv(65536)
            number = _number(reply, waiting)
            if number is not None:
                replies[number] = reply
                del waiting[number]
    return replies


def _again(sock: socket.socket, packets: Sequence[bytes], waiting: dict[int, int]) -> None:
    for number, tries in list(waiting.items()):
        if tries == TRIES:
            del waiting[number]
        else:
            sock.send(_numbered(packets[number], number))
            waiting[number] = tries + 1


def ask_tcp(port: int, packets: Sequence[bytes]) -> list[bytes | None]:
    """The same over TCP, several queries to a connection; None where it was closed instead."""
    replies: list[bytes | None] = [None] * len(packets)
    for first in range(0, len(packets), 256):
        numbers = list(range(first, min(first + 256, len(packets))))
        _one_connection(port, packets, numbers, replies)
        for number in numbers:
            if replies[number] is None:
                _one_connection(port, packets, [number], replies)
    return replies


def _one_connection(
    port: int, packets: Sequence[bytes], numbers: list[int], replies: list[bytes | None]
) -> None:
    waiting: dict[int, int] = {}
    todo = list(reversed(numbers))
    with socket.create_connection((HOST, port), timeout=5) as sock:
        sock.settimeout(2)
        stream = sock.makefile("rb")
        try:
            while todo or waiting:
                batch = b""
                while todo and len(waiting) < TCP_WINDOW:
                    number = todo.pop()
                    packet = _numbered(packets[number], number)
                    batch += struct.pack(">H", len(packet)) + packet
                    waiting[number] = 1
                if batch:
                    sock.sendall(batch)
                head = stream.read(2)
                if len(head) < 2:
                    return
                reply = stream.read(int.from_bytes(head, "big"))
                found = _number(reply, waiting)
                if found is not None:
                    replies[found] = reply
                    del waiting[found]
        except OSError:
            return


def _numbered(packet: bytes, number: int) -> bytes:
    return (number & 0xFFFF).to_bytes(2, "big") + packet[2:]


def _number(reply: bytes, waiting: dict[int, int]) -> int | None:
    """Which of the queries under way this answers."""
    identifier = int.from_bytes(reply[:2], "big")
    for number in waiting:
        if number & 0xFFFF == identifier:
            return number
    return None
