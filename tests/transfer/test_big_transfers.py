"""Big zones come in through several processes, and whatever becomes of these, they come in whole."""

from __future__ import annotations

import gc
import os
import signal
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
from transfer_support import BASE, ORIGIN, DictSource, question, zone

from zonecast.protocol import transfer_in, transfer_shared
from zonecast.protocol.assembly import AssembledZone
from zonecast.protocol.transfer_in import TransferIn, WholeZone
from zonecast.protocol.transfer_out import axfr_messages
from zonecast.protocol.transfer_run import run_octets
from zonecast.server.pulling.readers import Lent, Readers

HOSTS = [(f"host{n}", "A", 300, f"192.0.2.{n % 256}") for n in range(20_000)]
CUTS = [(f"sub{n}", "NS", 300, f"ns.sub{n}") for n in range(2000)]
GLUE = [(f"ns.sub{n}", "A", 300, "192.0.2.1") for n in range(2000)]


@pytest.fixture(scope="module")
def stream() -> list[bytes]:
    big = zone(1, [*BASE, *HOSTS, *CUTS, *GLUE])
    return list(axfr_messages(7, question("AXFR"), DictSource(big)))


@pytest.fixture(scope="module")
def alone(stream: list[bytes]) -> AssembledZone:
    """What the stream is without help."""
    return fed(TransferIn(ORIGIN, 7, None), stream)


def fed(transfer: TransferIn, stream: list[bytes]) -> AssembledZone:
    """The zone that a stream comes to, its runs as one: where they end is nobody's matter."""
    for message in stream[:-1]:
        assert transfer.feed(message) is None
    return joined(transfer.feed(stream[-1]))


def joined(result: object) -> AssembledZone:
    assert isinstance(result, WholeZone)
    runs = b"".join(run_octets(run) for _, run in result.contents.runs)
    return result.contents._replace(runs=[(b"", runs)])


@pytest.fixture(autouse=True)
def _short_stretches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer_in, "SHARED_FROM", 1 << 14)
    monkeypatch.setattr(transfer_shared, "STRETCH", 1 << 14)


@pytest.fixture
def lent() -> Iterator[Lent]:
    with Readers(2).lend() as lent:
        yield lent


def children() -> set[int]:
    """The processes that this one started and that have not ended."""
    me = os.getpid()
    return {int(word) for word in Path(f"/proc/{me}/task/{me}/children").read_text().split()}


def test_it_comes_in_whole_and_the_processes_end(alone: AssembledZone, stream: list[bytes]) -> None:
    before = children()
    with Readers(2).lend() as lent:
        found = fed(TransferIn(ORIGIN, 7, None, None, lent), stream)
        assert len(children() - before) == 2
    assert children() <= before
    assert found == alone


def test_nothing_keeps_what_was_read(stream: list[bytes], lent: Lent) -> None:
    """No cycle of references: memory is free again with the transfer, not when somebody looks."""
    gc.disable()
    try:
        for end in (len(stream) // 2, len(stream)):
            transfer = TransferIn(ORIGIN, 7, None, None, lent)
            for message in stream[:end]:
                transfer.feed(message)
            left = weakref.ref(transfer)
            del transfer
            assert left() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("killed", [1, 2])
def test_processes_that_die_leave_their_part_to_others(
    alone: AssembledZone, stream: list[bytes], lent: Lent, killed: int
) -> None:
    before = children()
    transfer = TransferIn(ORIGIN, 7, None, None, lent)
    middle = len(stream) // 2
    for message in stream[:middle]:
        assert transfer.feed(message) is None
    started = sorted(children() - before)
    assert len(started) == 2
    for pid in started[:killed]:
        os.kill(pid, signal.SIGKILL)
    assert fed(transfer, stream[middle:]) == alone


def test_one_transfer_has_them_at_a_time(alone: AssembledZone, stream: list[bytes]) -> None:
    readers = Readers(1)
    with readers.lend() as first, readers.lend() as second:
        assert first.start(b"") is not None
        assert second.start(b"") is None
        assert fed(TransferIn(ORIGIN, 7, None, None, second), stream) == alone
    with readers.lend() as third:
        assert third.start(b"") is not None
