"""Asking a zone's primaries which version they have: as `protocol.primaries` chooses, over UDP, or
over TLS where nothing may be in clear."""

from __future__ import annotations

import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from zonecast.errors import ZonecastError
from zonecast.protocol.primaries import Choice, Standing, Verdict
from zonecast.server.peers import Primary
from zonecast.server.pulling.connecting import Stream, UnreachableError, connect
from zonecast.server.pulling.slots import Slots
from zonecast.server.query import SilentError, Streams, Version, ask_version
from zonecast.zone.rrset import soa_serial

TIMEOUT = 3.0
# Polls at one time, in all and with one primary: one that is silent holds up no other.
AT_ONCE = 64
WITH_ONE = 16
# Seconds that a connection over TLS waits for the next poll: less than servers keep idle ones.
KEEP = 5.0


class Polling:
    """Polls for all zones of one agent. `standings` of the primaries, by name; `timeout` in
    seconds for each question."""

    def __init__(self, primaries: Sequence[Primary], timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._primaries = {primary.name: primary for primary in primaries}
        self.standings: Mapping[str, Standing] = {name: Standing() for name in self._primaries}
        self._slots = Slots(AT_ONCE, WITH_ONE)
        self._lines = {primary.name: _Lines(primary, timeout) for primary in primaries}

    async def poll(
        self, origin: bytes, choice: Choice, names: Sequence[str], ours: int | None
    ) -> Verdict:
        """Ask a zone's primaries and say what their answers come to."""
        for name in choice.turns(names, ours, time.time(), self.standings):
            primary, standing = self._primaries[name], self.standings[name]
            rested = standing.rests(time.time())
            try:
                async with self._slots.of(primary):
                    if len(names) > 1 and not rested and standing.rests(time.time()):
                        choice.failed(name, "did not answer for other zones just now")
                        continue
                    version = await self._ask(origin, primary)
            except (SilentError, UnreachableError) as error:
                standing.silent(time.time(), random.random())
                choice.failed(name, str(error))
            except (ZonecastError, OSError) as error:
                standing.answered()
                choice.failed(name, str(error))
            else:
                standing.answered()
                serial = soa_serial(version.soa.rdatas[0])
                choice.answered(name, serial, version.expire, time.time())
        return choice.verdict(names, ours, time.time(), self.standings)

    async def learn(self, origin: bytes, choice: Choice, name: str, ours: int) -> None:
        """Ask one that gave a zone without a poll and did not say when it expires there, whether it
        says so with the SOA, as BIND does. No answer, or one for another version, is none."""
        primary = self._primaries[name]
        try:
            async with self._slots.of(primary):
                version = await self._ask(origin, primary)
        except (ZonecastError, OSError):
            return
        if soa_serial(version.soa.rdatas[0]) == ours:
            choice.answered(name, ours, version.expire, time.time())

    async def _ask(self, origin: bytes, primary: Primary) -> Version:
        """What a primary has of a zone; where TLS is strict, nothing is asked in clear."""
        host, port, key, tls = primary.host, primary.port, primary.key, primary.tls
        if tls is None or not tls.strict:
            return await ask_version(origin, host, port, key, self._timeout)
        lines = self._lines[primary.name]
        return await ask_version(origin, host, tls.port, key, self._timeout, lines.one)


class _Lines:
    """Connections over TLS to one primary, kept for the next poll: a handshake costs more than
    many questions."""

    def __init__(self, primary: Primary, timeout: float) -> None:
        self._primary = primary
        self._timeout = timeout
        self._idle: list[tuple[float, Stream]] = []

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Streams]:
        """A connection; it is kept if what is done with it ends well."""
        stream = self._kept() or await connect(self._primary, self._timeout)
        try:
            yield stream.reader, stream.writer
        except BaseException:
            stream.writer.close()
            raise
        self._idle.append((time.monotonic(), stream))

    def _kept(self) -> Stream | None:
        """One that was used last, unless it is old or closed."""
        while self._idle:
            since, stream = self._idle.pop()
            fresh = time.monotonic() - since < KEEP
            if fresh and not stream.reader.at_eof() and not stream.writer.is_closing():
                return stream
            stream.writer.close()
        return None
