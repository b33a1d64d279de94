"""Simulated secondaries: many loopback addresses in one process, that answer NOTIFY and SOA queries
and, told of something new, fetch it by IXFR and only then have it.

For each line on standard input a line of JSON comes back: what they have, and when.
"""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from transfer_client import IXFR, BrokenOffError, Stream, message

# Seconds after which a transfer that failed is tried again.
RETRY = 0.5
_QR_AA = 0x84
_NOTIFY_OPCODE = 4
_SOA_NUMBERS = struct.pack("!IIIII", 0, 7200, 3600, 1209600, 300)


def addresses(count: int) -> list[str]:
    """So many loopback addresses."""
    return [f"127.77.{number // 250}.{number % 250 + 1}" for number in range(count)]


class Secondaries:
    """All of them; `primary` is the port that they fetch from, 0 for having at once
    whatever they are told of."""

    def __init__(self, primary: int) -> None:
        self._primary = primary
        self._serials: dict[tuple[str, bytes], int] = {}
        self._had_at: dict[int, list[float]] = defaultdict(list)
        self._tasks: dict[tuple[str, bytes], asyncio.Task[None]] = {}
        self._again: set[tuple[str, bytes]] = set()
        self._moments: dict[str, list[float]] = defaultdict(list)
        self.queries = self.failures = 0

    def receive(self, sock: socket.socket, where: str) -> None:
        """Answer what came over UDP to the address `where`."""
        while True:
            try:
                packet, sender = sock.recvfrom(4096)
            except BlockingIOError:
                return
            sock.sendto(self._reply(packet, where), sender)

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one message over TCP: so it is that Knot sends NOTIFYs."""
        with suppress(OSError, asyncio.IncompleteReadError):
            size = int.from_bytes(await reader.readexactly(2), "big")
            where = writer.get_extra_info("sockname")[0]
            reply = self._reply(await reader.readexactly(size), where)
            writer.write(len(reply).to_bytes(2, "big") + reply)
            await writer.drain()
        writer.close()

    def _reply(self, packet: bytes, where: str) -> bytes:
        end = packet.index(b"\x00", 12) + 5
        question = packet[12:end]
        origin = question[:-4].lower()
        if packet[2] >> 3 & 15 == _NOTIFY_OPCODE:
            self._moments[where].append(time.time())
            self._told(where, origin, int.from_bytes(packet[-20:-16], "big"))
            return packet[:2] + bytes((_QR_AA | _NOTIFY_OPCODE << 3, 0, 0, 1)) + bytes(6) + question
        self.queries += 1
        serial = self._serials.get((where, origin))
        if serial is None:
            return packet[:2] + bytes((_QR_AA, 2, 0, 1)) + bytes(6) + question
        numbers = serial.to_bytes(4, "big") + _SOA_NUMBERS[4:]
        answer = b"\xc0\x0c\x00\x06\x00\x01\x00\x00\x00\x3c\x00\x16\x00\x00" + numbers
        return packet[:2] + bytes((_QR_AA, 0, 0, 1, 0, 1)) + bytes(4) + question + answer

    def _told(self, where: str, origin: bytes, serial: int) -> None:
        place = (where, origin)
        if not self._primary:
            self._have(place, serial)
        elif place in self._tasks:
            self._again.add(place)
        elif self._serials.get(place) != serial:
            self._tasks[place] = asyncio.get_running_loop().create_task(self._fetch(place))

    def _have(self, place: tuple[str, bytes], serial: int) -> None:
        if self._serials.get(place) != serial:
            self._serials[place] = serial
            self._had_at[serial].append(time.time())

    async def _fetch(self, place: tuple[str, bytes]) -> None:
        """Fetch until the newest is here."""
        while True:
            self._again.discard(place)
            known = self._serials.get(place, 0)
            try:
                self._have(place, await _ixfr(place[0], self._primary, place[1], known))
            except (BrokenOffError, OSError):
                self.failures += 1
                await asyncio.sleep(RETRY)
                continue
            if place not in self._again:
                del self._tasks[place]
                return

    def report(self) -> dict[str, Any]:
        """How many have which serial, and when the last of them got it; NOTIFYs that one of them
        got, in all and in its busiest second at most; SOA queries; transfers that failed."""
        busiest = max((_most_in_a_second(times) for times in self._moments.values()), default=0)
        return {
            "had": {serial: [len(times), max(times)] for serial, times in self._had_at.items()},
            "notifies": sum(map(len, self._moments.values())),
            "busiest": busiest,
            "queries": self.queries,
            "failures": self.failures,
        }


async def _ixfr(where: str, primary: int, origin: bytes, known: int) -> int:
    """The serial that an IXFR from `known`, asked for from the address `where`, ended with."""
    loop = asyncio.get_running_loop()
    query = message(origin, IXFR, serial=known)
    with socket.socket() as sock:
        sock.setblocking(False)
        sock.bind((where, 0))
        await loop.sock_connect(sock, ("127.0.0.1", primary))
        await loop.sock_sendall(sock, len(query).to_bytes(2, "big") + query)
        stream = Stream(1 << 18, known)
        while True:
            readable = loop.create_future()
            loop.add_reader(sock, readable.set_result, None)
            try:
                await readable
            finally:
                loop.remove_reader(sock)
            if stream.take(sock):
                return stream.serial


def _most_in_a_second(times: list[float]) -> int:
    most = start = 0
    for end, moment in enumerate(times):
        while moment - times[start] >= 1.0:
            start += 1
        most = max(most, end - start + 1)
    return most


def serve(port: int, primary: int, count: int) -> None:
    """Be so many secondaries at `port`, until standard input ends."""
    asyncio.run(_serve(port, primary, count))


async def _serve(port: int, primary: int, count: int) -> None:
    loop = asyncio.get_running_loop()
    secondaries = Secondaries(primary)
    with ExitStack() as stack:
        for address in addresses(count):
            sock = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            sock.setblocking(False)
            sock.bind((address, port))
            loop.add_reader(sock, secondaries.receive, sock, address)
        await asyncio.start_server(secondaries.accept, "", port, backlog=count)
        while await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(secondaries.report()), flush=True)


class Simulation:
    """The process, asked for its report."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self._process = process
        self.port = port
        self.pid = process.pid

    def report(self) -> dict[str, Any]:
        """What `Secondaries.report` says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write("report\n")
        self._process.stdin.flush()
        found: dict[str, Any] = json.loads(self._process.stdout.readline())
        return found


@contextmanager
def simulated(primary: int, port: int, count: int, core: int | None = None) -> Iterator[Simulation]:
    """So many secondaries at `port`, on one core where one is given."""
    run = f"from secondaries import serve; serve({port}, {primary}, {count})"
    command = [sys.executable, "-c", run]
    if core is not None:
        command = ["taskset", "--cpu-list", str(core), *command]
    pipe = subprocess.PIPE
    home = Path(__file__).parent
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, cwd=home) as process:
        simulation = Simulation(process, port)
        simulation.report()  # it listens
        yield simulation
        process.communicate()
