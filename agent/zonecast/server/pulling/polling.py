"""Asking a zone's primaries which version they have: as `protocol.primaries` chooses, over UDP, or
over TLS where nothing may be in clear."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Mapping, Sequence

from zonecast.errors import ZonecastError
from zonecast.protocol.primaries import Choice, Standing, Verdict
from zonecast.server.peers import Primary
from zonecast.server.pulling.connecting import UnreachableError, connect
from zonecast.server.pulling.slots import Slots
from zonecast.server.query import SilentError, Version, ask_version
from zonecast.zone.rrset import soa_serial

TIMEOUT = 3.0
# Polls at one time, in all and with one primary: one that is silent holds up no other.
AT_ONCE = 64
WITH_ONE = 16


class Polling:
    """Polls for all zones of one agent. `standings` of the primaries, by name; `timeout` in
    seconds for each question."""

    def __init__(self, primaries: Sequence[Primary], timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._primaries = {primary.name: primary for primary in primaries}
        self.standings: Mapping[str, Standing] = {name: Standing() for name in self._primaries}
        self._slots = Slots(AT_ONCE, WITH_ONE)

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
                    version = await ask(origin, primary, self._timeout)
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


async def ask(origin: bytes, primary: Primary, timeout: float) -> Version:
    """What a primary has of a zone. Raises QueryError, TsigError, UnreachableError, TlsError."""
    host, port, key, tls = primary.host, primary.port, primary.key, primary.tls
    if tls is None or not tls.strict:
        return await ask_version(origin, host, port, key, timeout)

    async def over_tls() -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        stream = await connect(primary, timeout)
        return stream.reader, stream.writer

    return await ask_version(origin, host, tls.port, key, timeout, over_tls)
