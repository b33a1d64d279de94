"""What a primary can make us take is bounded, by its configuration: the version before stays."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest
from agents import Agent, Secret, Zones, peer, primary_config, zone_text
from puller_support import PullerProcess, scripted
from transfer_support import BASE, ORIGIN, DictSource, content, zone

from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_in import Limits
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff

MakeAgent = Callable[[str], Agent]

OLD = zone(5)
MORE = zone(6, [*BASE, *((f"more{n}", "A", 60, f"192.0.2.{n}") for n in range(4))])
RECORDS = sum(len(rrset.rdatas) for rrset in MORE)


def serve(source: DictSource) -> Callable[[bytes], Iterable[bytes]]:
    def script(query: bytes) -> Iterable[bytes]:
        asked = read_question(query)
        number, question = int.from_bytes(query[:2], "big"), query[12 : asked.end]
        if asked.qtype == rd.AXFR:
            return axfr_messages(number, question, source)
        return ixfr_messages(number, question, client_serial(query), source)

    return script


@pytest.mark.parametrize(
    ("limits", "key", "says"),
    [
        (Limits(records=RECORDS), "max-records", f"more than {RECORDS} records"),
        (Limits(octets=400), "max-octets", "more than 400 octets"),
    ],
)
def test_a_transfer_over_a_limit_is_refused_whole(
    puller: PullerProcess, limits: Limits, key: str, says: str
) -> None:
    with scripted(serve(DictSource(OLD))) as primary:
        assert puller.pull([primary.fields()])["ok"]
    with scripted(serve(DictSource(MORE))) as primary:
        # The last SOA counts as well: a zone of so many records is a transfer of one more.
        reply = puller.pull([primary.fields(limits=limits)], serial=5)
        assert not reply["ok"]
        assert says in reply["error"]
        assert f"raise '{key}' of [[primary]] ns1" in reply["error"]
        held = puller.zone(ORIGIN)
        assert held is not None
        assert content(held) == content(OLD)
        enough = Limits(records=RECORDS + 1, octets=100_000)
        assert puller.pull([primary.fields(limits=enough)], serial=5)["ok"]


def test_a_zone_does_not_grow_over_its_limit_by_small_changes(puller: PullerProcess) -> None:
    """Each IXFR is small; it is what they make of the zone that counts, and the AXFR instead too."""
    with scripted(serve(DictSource(OLD))) as primary:
        assert puller.pull([primary.fields()])["ok"]
    queries = []
    with scripted(serve(DictSource(MORE, [diff(OLD, MORE)]))) as primary:
        reply = puller.pull([primary.fields(limits=Limits(records=RECORDS - 1))], serial=5)
        assert not reply["ok"]
        queries = [read_question(query).qtype for query in primary.queries]
        assert queries == [rd.IXFR, rd.AXFR]
        held = puller.zone(ORIGIN)
        assert held is not None
        assert content(held) == content(OLD)
        reply = puller.pull([primary.fields(limits=Limits(records=RECORDS))], serial=5)
        assert (reply["ok"], reply["how"]) == (True, "ixfr")


def test_status_says_what_is_over_and_the_old_version_is_served(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    hosts = [f"host{number} A 192.0.2.{number}" for number in range(20)]
    zones.write("example.com.zone", zone_text(1, *hosts))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    primary = [*secret.config, *peer("primary", "ns1", ns1.address)]
    pulled = ["[[zone]]", 'name = "example.com"', 'primaries = ["ns1"]']
    ns2.configure(*primary, "max-records = 24", *pulled).start()
    ns2.await_serial("example.com.", 1)
    hosts += [f"more{number} A 192.0.2.{number}" for number in range(5)]
    zones.write("example.com.zone", zone_text(2, *hosts))
    zones.push()
    report = ns2.status_when(lambda r: r["zones"][0]["refresh"]["trouble"], "the refusal")
    refresh = report["zones"][0]["refresh"]
    assert "more than 24 records" in refresh["trouble"]
    assert "raise 'max-records' of [[primary]] ns1" in refresh["primaries"][0]["error"]
    assert refresh["primaries"][0]["serial"] == 2, "what it has, though it is not taken"
    assert ns2.serial("example.com.") == 1
    ns2.stop()
    ns2.configure(*primary, "max-records = 30", *pulled).start()
    ns2.await_serial("example.com.", 2)
