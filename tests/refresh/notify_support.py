"""Secondaries as real sockets, that answer as a test says, and what tells them."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from zonecast.config import load
from zonecast.protocol.notify import notify_reply, parse_notify
from zonecast.protocol.sections import AA, HEADER, QR
from zonecast.server.notifying import Notifying
from zonecast.store.control import ControlStore
from zonecast.store.schema import prepare
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset

_SO_TIMESTAMPNS = 35
_NUMBERS = struct.Struct("!IIIII")


def soa(serial: int) -> RRset:
    """A SOA with that serial."""
    host = names.from_text("ns1.example.net.")
    rdata = host + host + _NUMBERS.pack(serial, 3600, 600, 86400, 300)
    return RRset(b"", rd.SOA, 300, (rdata,))


def is_notify(packet: bytes) -> bool:
    """Whether it is a NOTIFY, and no query."""
    return packet[2] >> 3 & 15 == 4


class Secondary:
    """One port of 127.0.0.1. It has what it was told of; `answer` may say something else, None for
    silence."""

    def __init__(self, receive_buffer: int | None = None) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        if receive_buffer is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
        self.socket.setblocking(False)
        self.socket.bind(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.has: dict[bytes, int] = {}
        # When the kernel received NOTIFYs, and queries.
        self.notified_at: list[float] = []
        self.asked_at: list[float] = []
        self.answer: Callable[[bytes], bytes | None] = self.usual

    def listen(self) -> None:
        """Answer from now on, in the running event loop."""
        asyncio.get_running_loop().add_reader(self.socket, self.receive)

    def close(self) -> None:
        """Take no more."""
        asyncio.get_running_loop().remove_reader(self.socket)
        self.socket.close()

    def receive(self) -> None:
        """Answer what has come."""
        while True:
            try:
                packet, control, _, sender = self.socket.recvmsg(4096, 64)
            except BlockingIOError:
                return
            seconds, nanoseconds = struct.unpack("=qq", control[0][2])
            times = self.notified_at if is_notify(packet) else self.asked_at
            times.append(seconds + nanoseconds / 1e9)
            reply = self.answer(packet)
            if reply is not None:
                self.socket.sendto(reply, sender)

    def usual(self, packet: bytes) -> bytes:
        """What a secondary says that has at once what it is told of."""
        if is_notify(packet):
            notify = parse_notify(packet)
            assert notify.serial is not None
            self.has[notify.origin] = notify.serial
            return notify_reply(packet)
        end = packet.index(b"\x00", 12) + 5
        rdata = soa(self.has.get(packet[12 : end - 4], 0)).rdatas[0]
        head = HEADER.pack(int.from_bytes(packet[:2], "big"), QR | AA, 1, 1, 0, 0)
        record = b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x01\x2c" + len(rdata).to_bytes(2, "big") + rdata
        return head + packet[12:end] + record

    @property
    def dropped(self) -> int:
        """Datagrams that found no room in the socket's buffer."""
        inode = str(Path(f"/proc/self/fd/{self.socket.fileno()}").readlink())[8:-1]
        for line in Path("/proc/net/udp").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[9] == inode:
                return int(fields[12])
        raise AssertionError("the kernel knows no such socket")


def notifying(
    directory: Path, secondaries: dict[str, Secondary], zones: dict[bytes, int], *more: str
) -> Notifying:
    """The notifier of an agent that serves `zones`, with `more` under each [[secondary]] and, after
    an empty one, at the end of the configuration."""
    state = directory / "state"
    state.mkdir(exist_ok=True)
    prepare(state)
    lines = [f'state-dir = "{state}"', 'listen = ["127.0.0.1:5399"]']
    split = more.index("") if "" in more else len(more)
    for name, secondary in secondaries.items():
        lines += ["[[secondary]]", f'name = "{name}"']
        lines += [f'address = "127.0.0.1:{secondary.port}"', *more[:split]]
    config = directory / "zonecast.toml"
    config.write_text("\n".join([*lines, *more[split:]]) + "\n")

    def soa_of(origin: bytes) -> RRset | None:
        return soa(zones[origin]) if origin in zones else None

    return Notifying(load(config), ControlStore(state), soa_of, lambda: None)


def peers(made: Notifying, origin: bytes, serial: int) -> dict[str, dict[str, Any]]:
    """What status says of each secondary."""
    return {peer["name"]: peer for peer in made.status(origin, serial)}


Until = Callable[[Callable[[], object]], Awaitable[None]]


@asynccontextmanager
async def running(made: Notifying, patience: float = 60.0) -> AsyncIterator[Until]:
    """While it runs; gives what waits until something holds."""
    task = asyncio.create_task(made.run())

    async def until(condition: Callable[[], object]) -> None:
        async with asyncio.timeout(patience):
            while not condition():
                assert not task.done(), task.result()
                await asyncio.sleep(0.005)

    try:
        yield until
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
