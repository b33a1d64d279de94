"""The store is lost: secondaries with older versions get the changes, from git's history."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from agents import (
    POLICY,
    Agent,
    Secret,
    Zones,
    peer,
    primary_config,
    run,
    secondary_config,
    zone_text,
)

from zonecast.protocol.compiled import read_transfer_records, transfer_records
from zonecast.protocol.view import ZoneRef
from zonecast.repository import Repository
from zonecast.server.publishing import history, past
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.store.schema import prepare
from zonecast.store.writer import JournalLimits, ZonesWriter
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import read_zone

MakeAgent = Callable[[str], Agent]

COM = "zones/example.com.zone"
ORG = "zones/example.org.zone"
ORIGIN = names.from_text("example.com.")
FILLER = [f"host{number} A 192.0.2.{number}" for number in range(200)]
MANAGED = '[serial]\nmode = "managed"\n'


class Branch:
    """A branch, and what publishing it into an empty store leaves for secondaries."""

    def __init__(self, zones: Zones, state: Path) -> None:
        self.zones = zones
        self.state = state

    def commit(self, content: str, path: str = COM) -> str:
        self.zones.write(path, content)
        return self.zones.push()

    def chains(self, *served: int, limits: JournalLimits | None = None) -> dict[int, list[bytes]]:
        """The changesets to the newest version, by the serial that they begin at."""
        prepare(self.state)
        writer = ZonesWriter(self.state, limits)
        commit = run(["git", "rev-parse", "HEAD"], self.zones.clone).strip()
        job = Job("zones", commit, 1_000, served={ORIGIN: served})
        result = publish(job, Repository.open(self.zones.bare), writer, 1_000.0)
        assert [zone["zone"] for zone in result["published"]] == ["example.com."]
        with writer.snapshot() as snapshot:
            record = snapshot.record(ORIGIN)
            assert record is not None
            found = {s: snapshot.journal(ZoneRef(ORIGIN, record.prefix), s) for s in range(10)}
            chains = {serial: list(chain) for serial, chain in found.items() if chain is not None}
        writer.close()
        return chains


@pytest.fixture
def branch(zones: Zones, tmp_path: Path) -> Branch:
    return Branch(zones, tmp_path / "state")


def records(zone: Zone) -> set[object]:
    return set(read_transfer_records(b"".join(map(transfer_records, zone))))


def read(content: str) -> Zone:
    return read_zone(content.encode(), path=COM, origin=ORIGIN, include=None).zone


def applied(content: str, chain: list[bytes]) -> set[object]:
    """What a secondary with this version has after these changesets (RFC 1995 §4)."""
    found = records(read(content))
    for changeset in chain:
        come = False
        for number, record in enumerate(read_transfer_records(changeset)):
            come = come or (number > 0 and record[1] == rd.SOA)
            assert (record in found) != come
            (found.add if come else found.remove)(record)
    return found


def test_each_known_version_leads_to_the_next_one(branch: Branch) -> None:
    contents = {n: zone_text(n, f"www A 192.0.2.{n}", f"v{n} 60 TXT x") for n in range(1, 6)}
    for content in contents.values():
        branch.commit(content)
    chains = branch.chains(1, 3, 4, 77)
    assert {serial: len(chain) for serial, chain in chains.items()} == {1: 3, 3: 2, 4: 1}
    for serial, chain in chains.items():
        assert applied(contents[serial], chain) == records(read(contents[5]))


def test_a_serial_of_two_contents_is_left_out(branch: Branch) -> None:
    branch.commit(zone_text(1))
    branch.commit(zone_text(2, "www A 192.0.2.1"))
    branch.commit(zone_text(2, "www A 192.0.2.2"))
    branch.commit(zone_text(3))
    assert branch.chains(1, 2).keys() == {1}


def test_comments_make_no_other_content(branch: Branch) -> None:
    branch.commit(zone_text(1, "www A 192.0.2.1"))
    branch.commit(zone_text(1, "www A 192.0.2.1 ; the web"))
    branch.commit(zone_text(2))
    assert branch.chains(1).keys() == {1}


def test_a_version_that_the_gate_refuses_is_left_out(branch: Branch) -> None:
    branch.commit(zone_text(1, "www A 192.0.2.1", "www CNAME host"))
    branch.commit(zone_text(2))
    assert branch.chains(1) == {}


def test_serials_of_managed_zones_are_not_in_git(branch: Branch) -> None:
    branch.commit(MANAGED, "zonecast.toml")
    branch.commit(zone_text(1))
    branch.commit(POLICY, "zonecast.toml")
    branch.commit(zone_text(2, "www A 192.0.2.1"))
    branch.commit(zone_text(3))
    assert branch.chains(1, 2).keys() == {2}


def test_what_is_included_counts(branch: Branch) -> None:
    """The serial stands in one include; the other is not included any more."""
    hosts, others, write = "common/hosts", "common/others", branch.zones.write
    write(hosts, zone_text(1))
    write(others, "www A 192.0.2.1\n")
    branch.commit(f"$INCLUDE {hosts}\n$INCLUDE {others}\n")
    branch.commit(zone_text(2), hosts)
    branch.commit("www A 192.0.2.2\n", others)
    write(hosts, zone_text(3))
    branch.commit(f"$INCLUDE {hosts}\n")
    branch.commit(zone_text(4), hosts)
    chains = branch.chains(1, 2, 3)
    assert chains.keys() == {1, 3}
    assert applied(zone_text(1, "www A 192.0.2.1"), chains[1]) == records(read(zone_text(4)))


def test_the_journal_is_bounded(branch: Branch) -> None:
    for serial in range(1, 5):
        branch.commit(zone_text(serial))
    assert branch.chains(1, 2, 3, limits=JournalLimits(changesets=2)).keys() == {2, 3}


@pytest.mark.parametrize(
    ("module", "bound", "value", "kept"),
    [
        (past, "COMMITS", 2, {2, 3}),
        (past, "OCTETS", 700, {2, 3}),
        (history, "LARGEST", 1, set()),
        (history, "SECONDS", -1.0, set()),
    ],
)
def test_so_much_of_git_is_read(
    branch: Branch,
    monkeypatch: pytest.MonkeyPatch,
    module: ModuleType,
    bound: str,
    value: float,
    kept: set[int],
) -> None:
    for serial in range(1, 5):
        branch.commit(zone_text(serial, f'v TXT "{"x" * 200}"'))
    monkeypatch.setattr(module, bound, value)
    assert branch.chains(1, 2, 3).keys() == kept


def test_what_git_has_no_more_stops_nothing(branch: Branch) -> None:
    commit = branch.commit(zone_text(1))
    branch.commit(zone_text(2))
    blob = run(["git", "rev-parse", f"{commit}:{COM}"], branch.zones.clone).strip()
    (branch.zones.bare / "objects" / blob[:2] / blob[2:]).unlink()
    assert branch.chains(1) == {}


def test_a_branch_is_followed_and_not_what_was_merged_into_it(branch: Branch) -> None:
    clone = branch.zones.clone
    branch.commit(zone_text(1))
    run(["git", "checkout", "-q", "-b", "side"], clone)
    branch.zones.write(COM, zone_text(2, "www A 192.0.2.1"))
    run(["git", "commit", "-qam", "x"], clone)
    branch.zones.write(COM, zone_text(2, "www A 192.0.2.2"))
    run(["git", "commit", "-qam", "x"], clone)
    run(["git", "checkout", "-q", "-"], clone)
    run(["git", "merge", "-q", "--no-ff", "--no-edit", "side"], clone)
    branch.commit(zone_text(3))
    assert branch.chains(2).keys() == {2}


def test_a_secondary_with_an_older_version_gets_an_ixfr(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    """One of two: what was served under the other's serial is not known."""
    zones.write(COM, zone_text(1, *FILLER))
    zones.write(ORG, zone_text(1, *FILLER))
    commit = zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(
        *secondary_config(secret, ns1), *peer("secondary", "reader", "127.0.0.1:9")
    ).start()
    assert ns1.ask("wait", commit=commit, timeout=30)["converged"], ns1.log

    ns1.stop()
    shutil.rmtree(ns1.directory / "state")
    (ns1.directory / "state").mkdir()
    zones.write(ORG, zone_text(1, *FILLER, "www A 192.0.2.1"))
    zones.push()
    zones.write(COM, zone_text(2, *FILLER[1:], "www A 192.0.2.1"))
    zones.write(ORG, zone_text(2, *FILLER))
    commit = zones.push()
    ns1.start()
    assert ns1.ask("wait", commit=commit, timeout=30)["converged"], ns1.log
    for zone, how in (("example.com.", "ixfr"), ("example.org.", "axfr")):
        ns2.await_serial(zone, 2)
        report = ns2.status_when(lambda r, zone=zone: _pulled(r, zone)["serial"] == 2, "the news")
        assert _pulled(report, zone)["last-transfer"]["how"] == how, ns2.log
        assert ns1.transfer(zone, secret.keyring) == ns2.transfer(zone, secret.keyring)


def _pulled(report: dict[str, Any], zone: str) -> dict[str, Any]:
    (found,) = (item["refresh"] for item in report["zones"] if item["zone"] == zone)
    assert isinstance(found, dict)
    return found
