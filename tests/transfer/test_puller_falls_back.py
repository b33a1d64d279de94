"""Which primary the puller process asks next, and for what; wrong streams are in `tests/scenarios`."""

from __future__ import annotations

import time
from collections.abc import Iterable

import pytest
from puller_support import PullerProcess, ScriptedPrimary, scripted
from transfer_support import (
    BASE,
    ORIGIN,
    DictSource,
    content,
    message,
    question,
    soa,
    wire,
    zone,
)

from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff
from zonecast.zone.rrset import Zone

OLD = zone(5)
NEW = zone(6, [*BASE[1:], ("new", "A", 60, "192.0.2.77")])
SOURCE = DictSource(NEW, [diff(OLD, NEW)])


def query_id(query: bytes) -> int:
    return int.from_bytes(query[:2], "big")


def is_axfr(query: bytes) -> bool:
    return read_question(query).qtype == rd.AXFR


def good(query: bytes, source: DictSource = SOURCE) -> Iterable[bytes]:
    if is_axfr(query):
        return axfr_messages(query_id(query), question("AXFR"), source)
    return ixfr_messages(query_id(query), question("IXFR"), client_serial(query), source)


def have_old(puller: PullerProcess) -> None:
    """Let the puller have version 5."""
    with scripted(lambda query: good(query, DictSource(OLD))) as primary:
        reply = puller.pull([primary.fields()])
    assert (reply["ok"], reply["how"], reply["serial"]) == (True, "axfr", 5)


def stored(puller: PullerProcess) -> object:
    held = puller.zone(ORIGIN)
    return None if held is None else content(held)


def kinds(primary: ScriptedPrimary) -> list[str]:
    return ["axfr" if is_axfr(query) else "ixfr" for query in primary.queries]


def test_axfr_then_ixfr_then_nothing_new(puller: PullerProcess) -> None:
    have_old(puller)
    assert stored(puller) == content(OLD)
    with scripted(good) as primary:
        reply = puller.pull([primary.fields()], serial=5)
        assert reply["how"] == "ixfr"
        assert (reply["serial"], reply["primary"], reply["error"]) == (6, "ns1", None)
        assert reply["timers"] == [3600, 600, 86400, 300]
        assert reply["records"] == 6
        assert reply["bytes"] > 200
        assert stored(puller) == content(NEW)
        with puller.reader.begin() as snapshot:
            record = snapshot.record(ORIGIN)
            journal = snapshot.journal(snapshot.zones[ORIGIN], 5)
        assert record is not None
        assert (record.serial, record.source, record.records) == (6, "ns1", 11)
        assert journal is not None
        assert len(journal) == 1
        reply = puller.pull([primary.fields()], serial=6)
        assert (reply["ok"], reply["how"], reply["serial"]) == (True, "unchanged", 6)


@pytest.mark.parametrize("rcode", [2, 5, 9])
def test_a_refusal_leads_to_the_next_primary(puller: PullerProcess, rcode: int) -> None:
    have_old(puller)

    def refuse(query: bytes) -> Iterable[bytes]:
        return [message([], "IXFR", query_id(query), 0x8400 | rcode)]

    with scripted(refuse) as first, scripted(good) as second:
        reply = puller.pull([first.fields(), second.fields("ns2")], serial=5)
        assert kinds(first) == ["ixfr"]
        assert (reply["ok"], reply["how"], reply["primary"]) == (True, "ixfr", "ns2")


def test_where_neither_way_leads_anywhere_both_reasons_are_said(puller: PullerProcess) -> None:
    have_old(puller)

    def wrong(query: bytes) -> Iterable[bytes]:
        if is_axfr(query):
            return [message([], "AXFR", query_id(query), 0x8405)]
        return [message(wire(soa(6), soa(4), soa(6)), "IXFR", query_id(query))]

    with scripted(wrong) as primary:
        reply = puller.pull([primary.fields()], serial=5)
    assert not reply["ok"]
    assert "the primary answered REFUSED" in reply["error"]
    assert "by IXFR before: the changes begin at serial 4, we have 5" in reply["error"]
    assert stored(puller) == content(OLD)


def test_a_primary_that_is_behind_is_named_and_not_followed(puller: PullerProcess) -> None:
    with scripted(good) as primary:
        assert puller.pull([primary.fields()])["serial"] == 6
    behind = DictSource(OLD)
    with scripted(lambda query: good(query, behind)) as primary:
        for serial in (6, None):
            reply = puller.pull([primary.fields()], serial=serial)
            assert not reply["ok"]
            assert reply["backwards"] == 5
            assert "ns1 serves serial 5, which is not greater than our 6" in reply["error"]
            assert stored(puller) == content(NEW)
        reply = puller.pull([primary.fields()], serial=6, force=True)
        assert (reply["ok"], reply["how"], reply["serial"]) == (True, "axfr", 5)
    assert stored(puller) == content(OLD)
    with puller.reader.begin() as snapshot:
        assert snapshot.journal(snapshot.zones[ORIGIN], 6) is None


def test_a_primary_that_is_behind_or_even_does_not_hide_one_that_is_ahead(
    puller: PullerProcess,
) -> None:
    have_old(puller)
    for first_serial in (4, 5):
        lagging = DictSource(zone(first_serial))
        with scripted(lambda q, s=lagging: good(q, s)) as first, scripted(good) as second:
            primaries = [first.fields(), second.fields("ns2")]
            reply = puller.pull(primaries, serial=5)
            assert (reply["ok"], reply["primary"], reply["serial"]) == (True, "ns2", 6)
        with scripted(lambda q: good(q, DictSource(OLD))) as restore:
            assert puller.pull([restore.fields()], force=True)["ok"]


def test_no_primary_answers(puller: PullerProcess) -> None:
    with scripted(good) as gone:
        pass
    with scripted(lambda query: [None]) as silent:
        started = time.monotonic()
        primaries = [gone.fields(longest=0.3), silent.fields("ns2", longest=0.3)]
        reply = puller.pull(primaries)
        assert time.monotonic() - started < 5
    assert not reply["ok"]
    assert "cannot be reached" in reply["error"]
    assert "no end within 0.3" in reply["error"]
    assert "ns1" in reply["error"]
    assert "ns2" in reply["error"]


def test_zones_in_flight_together_and_their_removal(puller: PullerProcess) -> None:
    def any_zone(query: bytes) -> Iterable[bytes]:
        asked = read_question(query)
        held = Zone(asked.name, NEW.rrsets)
        return axfr_messages(query_id(query), query[12 : asked.end], DictSource(held))

    zones = [f"zone{number}.example." for number in range(60)]
    with scripted(any_zone) as primary:
        jobs = {
            puller.send(
                pull={
                    "zone": text,
                    "serial": None,
                    "force": False,
                    "primaries": [primary.fields()],
                }
            ): text
            for text in zones
        }
        replies = [puller.channel.receive() for _ in zones]
    assert {jobs[r["job"]] for r in replies if r is not None and r["ok"]} == set(zones)
    with puller.reader.begin() as snapshot:
        assert len(snapshot.zones) == 60
    number = puller.send(remove={"zones": [*zones[:59], "never.example."]})
    reply = puller.channel.receive()
    assert reply is not None
    assert (reply["job"], reply["ok"]) == (number, True)
    with puller.reader.begin() as snapshot:
        assert list(snapshot.zones) == [b"\x06zone59\x07example\x00"]
