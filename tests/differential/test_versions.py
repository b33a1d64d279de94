"""Across many publishes under load no answer mixes two versions, and none is old once a publish
is acknowledged.

Every TTL of both zones is the version's number, so that any reply with more than one record, of
whichever section or zone, shows a mix. A commit changes both zones, and answers that lead from
one into the other are of one version too. `make test-differential` publishes a thousand times.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.name
import pytest
from agents import POLICY, Agent, Zones
from peers import free_port
from queries import make_query
from workers import Store, worker

from zonecast.server.visibility import wait_for_readers

WHOLE = os.environ.get("ZONECAST_DIFFERENTIAL") == "whole"
PUSHES = 1000 if WHOLE else 6
PUBLISHES = 1000 if WHOLE else 100

RAILS = "[rails]\nmax-update = 1.0\nmax-delete = 1.0\n"

HEAD = (
    "@ {v} SOA ns.other.test. admin.other.test. {v} 3600 600 864000 {v}\n@ {v} NS ns.other.test.\n"
)
ONE = (
    HEAD
    + """\
txt {v} TXT "{v}"
txt {v} TXT "again {v}"
mx {v} MX 10 mail
mail {v} A 192.0.2.1
*.wild {v} MX 10 mail
sub {v} NS ns.sub
ns.sub {v} A 192.0.2.2
alias {v} CNAME on.other.test.
graft {v} DNAME other.test.
only{v} {v} A 192.0.2.3
nothing {v} CNAME gone.other.test.
"""
)
OTHER = (
    HEAD
    + """\
ns {v} A 192.0.2.4
on {v} CNAME txt.one.test.
mx {v} MX 10 ns
"""
)
ASKED = [
    ("txt.one.test.", 16), ("mx.one.test.", 15), ("a.wild.one.test.", 15), ("one.test.", 6),
    ("x.sub.one.test.", 1), ("none.one.test.", 1), ("txt.one.test.", 1), ("only1.one.test.", 1),
    # into or about the other zone
    ("alias.one.test.", 16), ("mx.graft.one.test.", 15), ("nothing.one.test.", 1),
    ("other.test.", 255),
]  # fmt: skip
OF_ONE = 8


@contextmanager
def asking(port: int, file: Path, asked: list[tuple[str, int]]) -> Iterator[None]:
    """A client that asks all the time, in a process of its own."""
    packets = [make_query(dns.name.from_text(name), rtype).packet for name, rtype in asked]
    command = [sys.executable, str(Path(__file__).with_name("versions_client.py")), str(port)]
    with subprocess.Popen(
        [*command, str(file), *(packet.hex() for packet in packets)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as client:
        assert client.stdin is not None
        assert client.stdout is not None
        assert client.stdout.readline() == b"ready\n"
        try:
            yield
        finally:
            client.stdin.close()
            client.wait(30)
    assert client.returncode == 0


def judge(file: Path, acknowledged: list[int]) -> None:
    """`acknowledged` is when version 1, 2, … was. No reply mixes, or is of a version before the
    last one that was acknowledged when its query was sent."""
    replies = [line.split() for line in file.read_text().splitlines()]
    seen = set()
    for sent, number, transport, _, *versions in replies:
        what = f"{ASKED[int(number)]} over {transport}"
        assert len(versions) == 1, f"{what}: a mix of versions {versions}"
        version = int(versions[0])
        seen.add(version)
        least = bisect_right(acknowledged, int(sent))
        assert version >= least, f"{what}: version {version} after {least} was acknowledged"
    assert len(replies) > 10 * len(acknowledged)
    assert len(seen) > len(acknowledged) // 2, "publishing was faster than asking"


@pytest.mark.timeout(3600 if WHOLE else 120)
def test_pushes_to_an_agent(tmp_path: Path, new_agent: Callable[[str], Agent]) -> None:
    zones = Zones(tmp_path).make(POLICY + RAILS)
    agent = new_agent("ns1").configure("[[repository]]", f'path = "{zones.bare}"')
    acknowledged: list[int] = []

    def publish(version: int) -> None:
        zones.write("one.test.zone", ONE.format(v=version))
        zones.write("other.test.zone", OTHER.format(v=version))
        report = agent.ask("wait", commit=zones.push(), timeout=60)
        acknowledged.append(time.monotonic_ns())
        assert report["converged"], report["held"]

    agent.start()
    publish(1)
    with asking(agent.port, tmp_path / "replies", ASKED):
        for version in range(2, PUSHES + 1):
            publish(version)
    judge(tmp_path / "replies", acknowledged)


@pytest.mark.timeout(3600 if WHOLE else 120)
def test_a_store_and_its_workers(tmp_path: Path) -> None:
    store = Store(tmp_path / "state")
    store.publish(ONE.format(v=1), "one.test.")
    acknowledged = [time.monotonic_ns()]
    port = free_port()
    with (
        worker("datagram", store, port=port) as (datagram, _),
        worker("stream", store, port=port) as (stream, _),
        asking(port, tmp_path / "replies", ASKED[:OF_ONE]),
    ):
        for version in range(2, PUBLISHES + 1):
            number = store.publish(ONE.format(v=version), "one.test.")
            assert asyncio.run(wait_for_readers(store, {datagram.process.pid}, number))
            assert stream.quiet()
            acknowledged.append(time.monotonic_ns())
    store.close()
    judge(tmp_path / "replies", acknowledged)
