"""Asks one server without pause and notes which versions each reply is made of.

    python versions_client.py PORT FILE QUERY…

Each QUERY is a packet in hexadecimal. They are asked over UDP in small bursts, and each in its
turn over one TCP connection; until standard input ends. FILE gets a line a reply: when the query
was sent, the query's number, the transport, and the TTLs in the reply, which are its versions.
Times are of CLOCK_MONOTONIC, in nanoseconds.
"""

from __future__ import annotations

import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

from wire import read_reply

BURST = 16


def main() -> None:
    port, file, packets = (
        int(sys.argv[1]),
        Path(sys.argv[2]),
        [bytes.fromhex(a) for a in sys.argv[3:]],
    )
    with (
        file.open("w") as log,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        socket.create_connection(("127.0.0.1", port)) as tcp,
    ):
        udp.connect(("127.0.0.1", port))
        tcp.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        print("ready", flush=True)
        turn = 0
        while not select.select([0], [], [], 0)[0]:
            turn += 1
            for line in [*burst(udp, packets, turn), one(tcp, packets, turn)]:
                log.write(line)
        os.fsync(log.fileno())


def burst(sock: socket.socket, packets: list[bytes], turn: int) -> list[str]:
    """Some queries at once over UDP; the lines for what comes back within a second."""
    sent = time.monotonic_ns()
    waiting = {}
    for place in range(BURST):
        number = (turn + place) % len(packets)
        waiting[place] = number
        sock.send(struct.pack(">H", (turn << 4 | place) & 0xFFFF) + packets[number][2:])
    lines = []
    while waiting and select.select([sock], [], [], 1)[0]:
        reply = sock.recv(65536)
        identifier = int.from_bytes(reply[:2], "big")
        if identifier >> 4 == turn & 0xFFF and identifier & 15 in waiting:
            lines.append(line(sent, waiting.pop(identifier & 15), "udp", reply))
    return lines


def one(sock: socket.socket, packets: list[bytes], turn: int) -> str:
    """One query over TCP, and its line."""
    number = turn % len(packets)
    sent = time.monotonic_ns()
    sock.sendall(struct.pack(">H", len(packets[number])) + packets[number])
    stream = b""
    while len(stream) < 2 or len(stream) < 2 + int.from_bytes(stream[:2], "big"):
        more = sock.recv(65536)
        if not more:
            raise ConnectionError("the server has closed the connection")
        stream += more
    return line(sent, number, "tcp", stream[2:])


def line(sent: int, number: int, transport: str, octets: bytes) -> str:
    reply = read_reply(octets)
    ttls = {record.ttl for record in reply.answer + reply.authority + reply.additional}
    return f"{sent} {number} {transport} {reply.rcode} {' '.join(map(str, sorted(ttls)))}\n"


if __name__ == "__main__":
    main()
