"""A real history pushed commit by commit into a bare repository's hook-less branch: after each
commit a real primary serves exactly what it should and says what it holds back and why, and a real
secondary, which knows the catalog's name alone, serves the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from agents import CATALOG, Agent, Secret, Zones, peer, primary_config, run, secondary_config
from expected import Expected, same_ids
from histories import WHOLE, Commit
from independent import Reading, reading_of_transferred
from peers import free_port

pytestmark = pytest.mark.timeout(7200 if WHOLE else 120)

# In short, the commits where most happens: zones that break, change, come and go.
SHORT = {
    "ffhl-dns": slice(113, 123),
    "skopjehacklab": slice(0, 10),
    "m-lab": slice(121, None),
}

# Zones with more records than this are transferred only after a commit that says something of
# them; otherwise their serials are compared.
LARGE = 1000


class Pair:
    """A primary of a bare repository, and its secondary."""

    def __init__(self, zones: Zones, secret: Secret, ns1: Agent, ns2: Agent) -> None:
        run(["git", "init", "-q", "--bare", "-b", "main", str(zones.bare)])
        self.bare = zones.bare
        self.secret = secret
        self.primary = ns1.configure(*primary_config(zones, secret, ns2)).start()
        # A secondary that never answers gives this test the right to transfer from there.
        reader = peer("secondary", "reader", f"{ns2.host}:{free_port()}")
        self.secondary = ns2.configure(*secondary_config(secret, ns1), *reader).start()
        self.transfers: Counter[str] = Counter()

    def push(self, source: Path, commit: str) -> dict[str, Any]:
        """Push a commit of another repository and wait until both serve it; the report."""
        push = ["git", "-C", str(source), "push", "-q", "--force", str(self.bare)]
        run([*push, f"{commit}:refs/heads/main"])

        def settled(report: dict[str, Any]) -> bool:
            return report["repositories"][0]["commit"] == commit and all(
                secondary["has-it"] for zone in report["zones"] for secondary in zone["secondaries"]
            )

        try:
            return self.primary.status_when(settled, f"commit {commit} on both servers")
        except AssertionError as error:
            raise AssertionError(f"{error}; the secondary's log:\n{self.secondary.log}") from None

    def assert_equal(self, zone: str) -> None:
        """Both serve the same zone, whatever it is."""
        readings = [
            reading_of_transferred(agent.transfer(zone, self.secret.keyring))
            for agent in (self.primary, self.secondary)
        ]
        assert readings[0] == readings[1]


@pytest.mark.parametrize("name", ["ffhl-dns", "skopjehacklab", "m-lab"])
def test_both_servers_serve_what_each_commit_says(
    expect: Callable[[str, str], Expected],
    tmp_path: Path,
    secret: Secret,
    new_agent: Callable[[str], Agent],
    name: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    expected = expect(name, "enforce")
    pair = Pair(Zones(tmp_path), secret, new_agent("ns1"), new_agent("ns2"))
    commits = expected.rewritten.commits[slice(None) if WHOLE else SHORT[name]]
    kept: dict[str, Reading] = {}
    for commit in commits:
        before = dict(expected.served)
        report = pair.push(expected.rewritten.path, commit.commit)
        expected.advance(commit)
        assert_status(report, expected, commit)
        if len(before) > 1 and not expected.served:
            kept = before
        if kept:
            assert not expected.served, "a zone came back: this test does not know what then"
            assert_members_stay(pair, kept)
        else:
            assert_zones(pair, expected, before)
    if WHOLE:
        with capsys.disabled():
            transfers = ", ".join(f"{how} {count}" for how, count in pair.transfers.items())
            print(f"\n{name}, served: {expected.figures}; {transfers}", end=" ")


def assert_status(report: dict[str, Any], expected: Expected, commit: Commit) -> None:
    """The primary says what it serves, and what it holds back and why."""
    (repository,) = report["repositories"]
    assert (repository["commit"], repository["trouble"]) == (commit.commit, "")
    serials = {zone["zone"]: zone["serial"] for zone in report["zones"] if zone["zone"] != CATALOG}
    assert serials == {zone: reading.serial for zone, reading in expected.served.items()}
    held = {held["what"]: held["findings"] for held in report["held"]}
    assert held.keys() == expected.held.keys(), commit
    for zone, findings in held.items():
        assert same_ids({finding["id"] for finding in findings}, expected.held[zone]), commit


def assert_zones(pair: Pair, expected: Expected, before: dict[str, Reading]) -> None:
    """Both serve every zone with exactly the records expected, and no other."""
    status = pair.secondary.status_when(
        lambda report: {z["zone"] for z in report["zones"]} == {CATALOG, *expected.served},
        "the secondary to have these zones alone",
    )
    zones = {zone["zone"]: zone for zone in status["zones"]}
    for name, reading in expected.served.items():
        assert zones[name]["serial"] == reading.serial
        if name in expected.changed:
            how = zones[name]["refresh"]["last-transfer"]["how"]
            assert how == "axfr" or name in before
            pair.transfers[how] += 1
        if len(reading.records) > LARGE and not {name} & (expected.changed | expected.held.keys()):
            continue
        for agent in (pair.primary, pair.secondary):
            served = agent.transfer(name, pair.secret.keyring)
            assert reading_of_transferred(served) == reading, (agent.name, name)
    for name in expected.removed:
        for agent in (pair.primary, pair.secondary):
            assert agent.query(name, "SOA").rcode() == 5
    pair.assert_equal(CATALOG)


def assert_members_stay(pair: Pair, kept: dict[str, Reading]) -> None:
    """After a commit that removed all of several zones: the primary serves none of them, and the
    secondary takes that for an accident, keeps them as they were and says so (RFC 9432 has no word
    on it; losing a fleet is worse than an answer too many)."""
    status = pair.secondary.status_when(
        lambda report: report["catalogs"][CATALOG]["trouble"], "the catalog's trouble"
    )
    assert "members at once" in status["catalogs"][CATALOG]["trouble"]
    for name, reading in kept.items():
        assert pair.primary.query(name, "SOA").rcode() == 5
        served = pair.secondary.transfer(name, pair.secret.keyring)
        assert reading_of_transferred(served) == reading
    pair.assert_equal(CATALOG)
