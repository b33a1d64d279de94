"""One secondary is told of zones, and asked for them until it has them: what
`protocol.convergence` says, as datagrams."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from zonecast.errors import ZonecastError
from zonecast.protocol.convergence import Convergence, Pace, Step
from zonecast.protocol.notify import build_notify, check_notify_reply
from zonecast.protocol.question import read_soa_answer, soa_query
from zonecast.protocol.tsig import TsigError
from zonecast.server.line import Line
from zonecast.server.query import QueryError, SilentError, ask_soa, failure
from zonecast.zone.names import to_text
from zonecast.zone.rrset import RRset, soa_serial

if TYPE_CHECKING:
    from zonecast.config.tables import SecondaryConfig
    from zonecast.protocol.tsig import Key

# Seconds that an answer is waited for.
TIMEOUT = 1.5
# Where the answer over UDP is none, at most so many in a second of those that may go are asked for
# over TCP, which costs both sides more.
OVER_TCP = 0.1


class Teller:
    """`soa_of` gives a zone's SOA as published, None for one not served; `note` takes what is new
    of a zone there: `told` with `told_at`, `seen` with `seen_at`, or `error`."""

    def __init__(
        self,
        secondary: SecondaryConfig,
        key: Key | None,
        soa_of: Callable[[bytes], RRset | None],
        note: Callable[..., None],
    ) -> None:
        self._secondary = secondary
        self._key = key
        self._soa_of = soa_of
        self._note = note
        self._wake = asyncio.Event()
        self._line: Line[Step] = Line(secondary.address, key, TIMEOUT, self._wake.set)
        self._convergence = Convergence(secondary.notify_rate)
        self._tcp_pace = Pace(max(secondary.notify_rate * OVER_TCP, 1.0))
        self._over_tcp: dict[asyncio.Task[RRset], Step] = {}
        # Since when it says nothing at all, POSIX seconds, and how that was found out.
        self.silent_since: float | None = None
        self.silence = ""

    def announce(self, origin: bytes, serial: int, *, tell: bool = True) -> None:
        """It is to have this version."""
        self._convergence.announce(origin, serial, time.monotonic(), tell=tell)
        self._wake.set()

    @property
    def behind(self) -> int:
        """How many zones it is to be seen with yet."""
        return len(self._convergence)

    def forget(self, origin: bytes) -> None:
        """The zone is gone."""
        self._convergence.forget(origin)

    async def run(self) -> None:
        """Do what is due, for ever; cancel it to stop."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                self._wake.clear()
                for step, result in self._line.results(loop.time()):
                    self._take(step, result)
                for step in self._convergence.due(time.monotonic()):
                    self._do(step)
                if not self.behind:
                    self._line.rest()
                pause = self._pause(loop.time())
                timer = None if pause is None else loop.call_later(pause, self._wake.set)
                await self._wake.wait()
                if timer is not None:
                    timer.cancel()
        finally:
            for task in self._over_tcp:
                task.cancel()
            self._line.close()

    def _pause(self, now: float) -> float | None:
        due, late = self._convergence.deadline(), self._line.deadline()
        pauses = [] if due is None else [due - time.monotonic()]
        pauses += [] if late is None else [late - now]
        return max(min(pauses), 0.0) if pauses else None

    def _do(self, step: Step) -> None:
        origin = step.origin
        if not step.notify:
            self._line.send(
                step,
                lambda query_id: soa_query(query_id, origin),
                lambda answer, query_id: read_soa_answer(answer, query_id, origin),
            )
            return
        soa = self._soa_of(origin)
        self._line.send(
            step, lambda query_id: build_notify(query_id, origin, soa), check_notify_reply
        )

    def _take(self, step: Step, result: Any) -> None:
        """What became of a step: an exception, or what was read."""
        if step.notify and result is None:
            self._convergence.answered(step, time.monotonic())
            self._heard()
            self._note(step.origin, told=step.serial, told_at=time.time(), error="")
        elif isinstance(result, RRset):
            serial = soa_serial(result.rdatas[0])
            self._convergence.seen(step, serial, time.monotonic())
            self._heard()
            self._note(step.origin, seen=serial, seen_at=time.time(), error="")
        elif step.notify or isinstance(result, OSError) or not self._ask_over_tcp(step):
            self._failed(step, result)

    def _ask_over_tcp(self, step: Step) -> bool:
        """Whether it is asked in another way: what came over UDP was truncated, or no SOA."""
        if not self._tcp_pace.take(time.monotonic()):
            return False
        host, port = self._secondary.address
        asking = ask_soa(step.origin, host, port, self._key, TIMEOUT)
        task = asyncio.get_running_loop().create_task(asking)
        self._over_tcp[task] = step
        task.add_done_callback(self._came_over_tcp)
        return True

    def _came_over_tcp(self, task: asyncio.Task[RRset]) -> None:
        step = self._over_tcp.pop(task)
        if task.cancelled():
            return
        self._take_late(step, task.exception() or task.result())
        self._wake.set()

    def _take_late(self, step: Step, result: BaseException | RRset) -> None:
        if isinstance(result, RRset):
            self._take(step, result)
        elif isinstance(result, ZonecastError | OSError):
            self._failed(step, result)
        else:
            raise result

    def _failed(self, step: Step, error: Any) -> None:
        where = f"{self._secondary.address.host} port {self._secondary.address.port}"
        if not isinstance(error, QueryError | TsigError):
            error = failure(error, TIMEOUT, f"{where}, {to_text(step.origin)}")
        silent = isinstance(error, SilentError)
        self._convergence.failed(step, time.monotonic(), silent=silent)
        said = f"NOTIFY: {error}" if step.notify else f"asked for its SOA: {error}"
        if not silent:
            self._heard()
            self._note(step.origin, error=said)
        elif self._convergence.silent:
            self.fell_silent(said)
            self._note(step.origin)

    def fell_silent(self, said: str) -> None:
        """Nothing comes from it; how that was found out."""
        self.silent_since = self.silent_since or time.time()
        self.silence = said

    def _heard(self) -> None:
        self.silent_since = None
        self.silence = ""
