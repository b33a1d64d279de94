"""One pull: which primary is asked in which way, and what is done with its answer.

IXFR where a serial is known, AXFR with the same primary where the IXFR does not lead to a version
that fits or comes to a halt, then the next primary. One that says nothing at all to an IXFR is left
for the next primary, and asked for an AXFR by the next job (`Job.stalled`). Changesets of two
primaries never mix. A primary that has nothing newer does not end the search: the job was given
because some primary has.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping
from random import random
from typing import Any, NamedTuple

from zonecast.errors import ChangesetError, StoreError, ZonecastError
from zonecast.protocol.expiry import NoEdnsError
from zonecast.protocol.sections import FORMERR, NOTIMP
from zonecast.protocol.transfer_in import TransferError, UpToDate, WholeZone
from zonecast.server.peers import Primary, from_message
from zonecast.server.pulling.fetch import (
    Fetched,
    MuteError,
    SlowError,
    UnreachableError,
    fetch,
    over_limit,
)
from zonecast.server.pulling.readers import Readers
from zonecast.server.pulling.refusing import fault_after, refused
from zonecast.server.pulling.slots import Slots
from zonecast.server.pulling.write_queue import Write
from zonecast.store.writer import WriteTransaction
from zonecast.zone.names import from_text, to_text
from zonecast.zone.rrset import RRset, soa_serial, soa_timers
from zonecast.zone.serial import is_greater

# (write, records): commit it, together with others.
Store = Callable[[Write, int], Awaitable[None]]

# A primary's answer after which AXFR may do what IXFR could not; 0: the stream itself was wrong.
_AXFR_MAY_HELP = (0, FORMERR, NOTIMP)


class BackwardsError(ZonecastError):
    """A primary serves a version that is not newer than ours; `serial` is its serial."""

    exit_code = 1

    def __init__(self, origin: bytes, primary: str, serial: int, ours: int) -> None:
        super().__init__(
            f"{primary} serves serial {serial}, which is not greater than our {ours}",
            where=to_text(origin),
            remedy="raise the serial there, or take its version with retransfer",
        )
        self.serial = serial


class Job(NamedTuple):
    """A pull as asked for: `serial` is ours, None without data; `force` takes a primary's version
    whatever its serial; of a primary in `whole`, whose history may be another, no IXFR is asked, nor
    of one in `stalled`, for the reason there."""

    origin: bytes
    serial: int | None
    force: bool
    primaries: list[Primary]
    whole: frozenset[str]
    stalled: Mapping[str, str]


class Outcome(NamedTuple):
    """How a pull ended well; `how` is "ixfr", "axfr" or "unchanged". `no_ixfr` is why an IXFR that
    was tried first did not do."""

    how: str
    soa: RRset
    primary: str
    octets: int
    records: int
    expire: int | None
    secure: bool
    no_ixfr: str | None = None


def read_job(fields: dict[str, Any]) -> Job:
    """A job from its JSON. Raises ConfigError, BadNameError."""
    return Job(
        from_text(fields["zone"]),
        fields["serial"],
        bool(fields.get("force")),
        [from_message(primary) for primary in fields["primaries"]],
        frozenset(fields.get("whole", ())),
        fields.get("stalled", {}),
    )


class Pull:
    """Carries out one job, writing through `store`; `readers` help with a big zone; into `errors` goes, by name, what was wrong
    with each primary that led nowhere; in `stalled` stands which said nothing to an IXFR."""

    def __init__(
        self,
        job: Job,
        store: Store,
        slots: Slots,
        readers: Readers,
        errors: dict[str, ZonecastError],
    ) -> None:
        self._job = job
        self._store = store
        self._slots = slots
        self._readers = readers
        self._errors = errors
        self.stalled: dict[str, str] = {}
        self._without_edns: list[Primary] = []

    async def run(self) -> Outcome:
        """Try each primary in turn. Raises the error of the only primary, or one that tells
        every primary's; BackwardsError where that was the last word of any."""
        unchanged = None
        now = time.time()
        for primary in sorted(
            self._job.primaries, key=lambda primary: self._slots.standing(primary).rests(now)
        ):
            outcome = await self._try(primary)
            if outcome is not None and outcome.how != "unchanged":
                return outcome
            unchanged = unchanged or outcome
        if unchanged is not None:
            return unchanged
        errors = list(self._errors.values())
        for error in errors:
            if isinstance(error, BackwardsError):
                raise error
        if len(errors) == 1:
            raise errors[0]
        raise TransferError(
            " | ".join(map(str, errors)) or "no primary is configured",
            where=to_text(self._job.origin),
        )

    async def _try(self, primary: Primary) -> Outcome | None:
        """This primary's version, stored; None where that led nowhere, which is noted."""
        job = self._job
        incremental = job.serial is not None and not job.force and primary.name not in job.whole
        no_ixfr = job.stalled.get(primary.name) if incremental else None
        tried: ZonecastError | None = None
        try:
            if incremental and no_ixfr is None:
                try:
                    return await self._transfer(primary, self._job.serial)
                except MuteError as error:
                    self.stalled[primary.name] = str(error)
                    raise
                except (ChangesetError, SlowError, TransferError) as error:
                    if isinstance(error, TransferError) and error.rcode not in _AXFR_MAY_HELP:
                        raise
                    tried, no_ixfr = error, str(error)
            return (await self._transfer(primary, None))._replace(no_ixfr=no_ixfr)
        except StoreError:
            raise  # another primary would not make room on our disk
        except ZonecastError as error:
            if tried is not None and tried.message != error.message:
                error.message += f" (and by IXFR before: {tried.message})"
            # Its traceback would keep all that was transferred.
            error.__context__ = None
            self._errors[primary.name] = error.with_traceback(None)
            return None

    async def _transfer(self, primary: Primary, serial: int | None) -> Outcome:
        try:
            fetched = await self._fetch(primary, serial, edns=primary not in self._without_edns)
        except NoEdnsError:
            self._without_edns.append(primary)
            fetched = await self._fetch(primary, serial, edns=False)
        soa = _soa(fetched)
        how = "unchanged"
        if self._is_news(primary, soa):
            how = "axfr" if isinstance(fetched.result, WholeZone) else "ixfr"
            await self._store(self._write(fetched, primary), fetched.records)
        return Outcome(
            how,
            soa,
            primary.name,
            fetched.octets,
            fetched.records,
            fetched.expire,
            fetched.secure,
        )

    async def _fetch(self, primary: Primary, serial: int | None, *, edns: bool) -> Fetched:
        origin, longest, limits = self._job.origin, primary.longest, primary.limits
        standing = self._slots.standing(primary)
        rested = standing.rests(time.time())
        async with self._slots.of(primary):
            if len(self._job.primaries) > 1 and not rested and standing.rests(time.time()):
                raise UnreachableError(
                    "did not answer for other zones just now", where=primary.name
                )
            try:
                with self._readers.lend() as helpers:
                    fetched = await fetch(
                        origin, primary, serial, longest, limits, edns=edns, helpers=helpers
                    )
            except UnreachableError as error:
                if _is_silent(error):
                    standing.silent(time.time(), random())
                raise
            standing.answered()
            return fetched

    def _is_news(self, primary: Primary, soa: RRset) -> bool:
        """Whether a version is to be stored. Raises BackwardsError where it must not be."""
        ours, theirs = self._job.serial, soa_serial(soa.rdatas[0])
        if ours is None or self._job.force or is_greater(theirs, ours):
            return True
        if theirs != ours:
            raise BackwardsError(self._job.origin, primary.name, theirs, ours)
        return False

    def _write(self, fetched: Fetched, primary: Primary) -> Write:
        """What is to be done in the store. Raises TransferError, as what it gives does, for a version
        that no server may serve: it never becomes visible."""
        result = fetched.result
        origin, serial = self._job.origin, soa_serial(_soa(fetched).rdatas[0])
        if isinstance(result, WholeZone) and result.contents.fault is not None:
            raise refused(origin, primary.name, serial, result.contents.fault)

        def write(transaction: WriteTransaction) -> None:
            if not isinstance(result, WholeZone):
                assert not isinstance(result, UpToDate)
                for changeset in result.changesets:
                    record = transaction.apply(changeset, source=primary.name)
                if record.records > primary.limits.records:
                    text = f"the changes make more than {primary.limits.records} records"
                    raise over_limit(text, to_text(origin), primary, "max-records")
                fault = fault_after(transaction.snapshot, record, result.changesets)
                if fault is not None:
                    raise refused(origin, primary.name, serial, fault)
                return
            stored = transaction.snapshot.record(result.contents.origin.lower())
            # The store may be ahead of the job: another writer, or a job without a serial.
            if stored is not None and not self._job.force:
                if stored.serial == serial:
                    return
                if not is_greater(serial, stored.serial):
                    raise BackwardsError(origin, primary.name, serial, stored.serial)
            transaction.replace(result.contents, source=primary.name)

        return write


def _is_silent(error: ZonecastError) -> bool:
    """Whether nothing at all came from a primary."""
    return isinstance(error, UnreachableError) and not isinstance(error, SlowError)


def _soa(fetched: Fetched) -> RRset:
    result = fetched.result
    if isinstance(result, UpToDate):
        return result.soa
    if isinstance(result, WholeZone):
        return result.contents.soa
    return result.changesets[-1].new_soa


async def pull(
    fields: dict[str, Any], store: Store, slots: Slots, readers: Readers
) -> dict[str, Any]:
    """Carry out a job from its JSON; the reply's JSON without the job's number."""
    started = time.monotonic()
    reply: dict[str, Any] = {
        "ok": False, "zone": fields["zone"], "how": None, "serial": None, "primary": None,
        "bytes": 0, "records": 0, "error": None, "timers": None, "backwards": None,
        "expire": None, "secure": False, "no-ixfr": None, "errors": {}, "silent": [],
        "stalled": {},
    }  # fmt: skip
    errors: dict[str, ZonecastError] = {}
    stalled: dict[str, str] = {}
    try:
        work = Pull(read_job(fields), store, slots, readers, errors)
        stalled = work.stalled
        outcome = await work.run()
    except ZonecastError as error:
        reply["error"] = str(error)
        if isinstance(error, BackwardsError):
            reply["backwards"] = error.serial
    else:
        rdata = outcome.soa.rdatas[0]
        reply |= {
            "ok": True,
            "how": outcome.how,
            "serial": soa_serial(rdata),
            "primary": outcome.primary,
            "bytes": outcome.octets,
            "records": outcome.records,
            "timers": list(soa_timers(rdata)),
            "expire": outcome.expire,
            "secure": outcome.secure,
            "no-ixfr": outcome.no_ixfr,
        }
    reply["errors"] = {name: str(error) for name, error in errors.items()}
    reply["silent"] = [name for name, error in errors.items() if _is_silent(error)]
    reply["stalled"] = stalled
    reply["seconds"] = round(time.monotonic() - started, 4)
    return reply
