"""TLS connections of a real stream worker: none stays open longer than it may."""

from __future__ import annotations

import os
import select
import socket
import ssl
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.message
import pytest
from agents import await_value
from loading import query
from pairs import Pair
from workers import PATIENCE, Store, Worker, worker

ZONE = f"""\
$TTL 60
@ 900 SOA ns admin 1 3600 600 86400 300
@ NS ns
ns A 192.0.2.53
long TXT {" ".join(["x" * 250] * 245)}
"""


def tls_settings(pair: Pair) -> dict[str, str]:
    files = {"certificate-file": str(pair.certificate), "key-file": str(pair.key)}
    return {**files, "oldest": "1.3"}


@contextmanager
def tls_worker(store: Store, pair: Pair, **limits: Any) -> Iterator[tuple[Worker, int]]:
    """A worker that speaks TLS, and the port where it does."""
    with socket.create_server(("127.0.0.1", 0)) as encrypted:
        fd = encrypted.fileno()
        settings = {"tls-sockets": [fd], "tls": tls_settings(pair), "limits": limits}
        with worker("stream", store, inherited=[fd], **settings) as (running, _):
            yield running, encrypted.getsockname()[1]


def connect(port: int, *, narrow: bool = False) -> ssl.SSLSocket:
    """`narrow`: kernels keep next to nothing of what is on its way to this client."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    sock = socket.socket()
    sock.settimeout(PATIENCE)
    if narrow:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    sock.connect(("127.0.0.1", port))
    return context.wrap_socket(sock)


def ask(client: ssl.SSLSocket, name: str, times: int = 1) -> None:
    packet = query(name, "TXT")
    client.sendall((struct.pack(">H", len(packet)) + packet) * times)


def rcode(client: ssl.SSLSocket) -> int:
    stream = client.makefile("rb")
    (size,) = struct.unpack(">H", stream.read(2))
    return int(dns.message.from_wire(stream.read(size)).rcode())


def test_who_made_room_is_gone_without_a_farewell(store: Store, pair: Pair) -> None:
    with tls_worker(store, pair, connections_per_client=1, query=60.0) as (_, port):
        first = connect(port)
        ask(first, "example.")
        assert rcode(first) == 0
        # It hears what the server says, but answers nothing.
        with socket.socket(fileno=os.dup(first.fileno())) as below, connect(port) as second:
            ask(second, "example.")
            assert rcode(second) == 0
            below.settimeout(PATIENCE)
            while below.recv(4096):
                pass


def test_who_says_farewell_and_takes_nothing_is_dropped(store: Store, pair: Pair) -> None:
    with tls_worker(store, pair, reply=0.3, query=60.0) as (running, port):
        client = connect(port, narrow=True)
        ask(client, "long.example.", 6)
        select.select([client], [], [], PATIENCE)
        client.setblocking(False)
        with pytest.raises(ssl.SSLError):
            client.unwrap()  # says so; what comes instead of an answer is the first reply
        gone = select.poll()
        gone.register(client, 0)  # for errors alone
        assert gone.poll(PATIENCE / 2 * 1000)
        assert running.quiet()


def test_who_is_idle_for_long_is_dropped_at_once(store: Store, pair: Pair) -> None:
    with tls_worker(store, pair, idle=0.3, reply=60.0) as (_, port):
        client = connect(port)
        ask(client, "long.example.")
        assert rcode(client) == 0
        assert client.recv(1) == b""


def test_without_a_certificate_clients_are_closed_until_there_is_one(
    store: Store, tmp_path: Path
) -> None:
    missing = Pair(tmp_path / "missing")
    with socket.create_server(("127.0.0.1", 0)) as encrypted:
        port, fd = encrypted.getsockname()[1], encrypted.fileno()
        sockets: dict[str, Any] = {"tls-sockets": [fd]}
        with worker("stream", store, inherited=[fd], **sockets) as (running, _):
            settings = {**running.settings, "tls": tls_settings(missing)}
            running.channel.send({"settings": settings})
            told = running.hear()
            assert told is not None
            assert "without a certificate no TLS is spoken" in told["fault"]
            for _ in range(3):
                assert not speaks(port)
            # It says so once.
            assert running.quiet()
            missing.certificate.parent.mkdir()
            missing.make("late")
            await_value(lambda: speaks(port), "the certificate")
            assert running.end() == ""


def speaks(port: int) -> bool:
    """Whether TLS is answered; the worker closes if not."""
    try:
        with connect(port) as client:
            ask(client, "example.")
            return rcode(client) == 0
    except (ssl.SSLError, ConnectionResetError):
        return False
