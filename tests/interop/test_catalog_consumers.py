"""BIND, Knot and PowerDNS serve what our catalogs list: a push alone adds a zone there, removes one,
has one transferred anew, puts one into a group and moves one to another catalog.

NSD knows catalogs from 4.9 on only.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import dns.exception
import dns.message
import dns.name
import dns.query
import dns.rcode
import pytest
from agents import CATALOG, KEY, POLICY, Agent, Secret, Zones, await_value, peer, zone_text
from peers import require
from real_secondaries import knotd, named, pdns_server
from real_servers import RealServer
from transfers import axfr

SECOND = "second.catalog.zonecast.invalid."
CATALOGS = (CATALOG, SECOND)


def _named(server: RealServer, primary: int) -> list[str]:
    primaries = f'{{ 127.0.0.1 port {primary} key "{KEY}"; }}'
    catalogs = "".join(
        f'zone "{name}" default-primaries {primaries} in-memory yes min-update-interval 0;'
        for name in CATALOGS
    )
    zones = "".join(
        f'zone "{name}" {{ type secondary; file "{name}db"; primaries {primaries}; }};'
        for name in CATALOGS
    )
    return named(server, zones, f"catalog-zones {{ {catalogs} }};")


def _knotd(server: RealServer, primary: int) -> list[str]:
    catalogs = "".join(
        f"""
  - domain: {name}
    template: member
    catalog-role: interpret
    catalog-template: [member, closed]
"""
        for name in CATALOGS
    )
    # A zone in this group is not transferred to anybody.
    closed = f"""
acl:
  - id: hears
    key: {KEY}
    action: notify
template:
  - id: closed
    storage: "{server.directory}"
    zonefile-sync: -1
    zonefile-load: none
    master: primary
    acl: hears
zone:
"""
    return knotd(server, primary, closed + catalogs)


def _pdns_server(server: RealServer, primary: int) -> list[str]:
    commands = []
    for name in CATALOGS:
        commands += [
            f"create-secondary-zone {name} 127.0.0.1:{primary}",
            f"set-kind {name} consumer",
            f"activate-tsig-key {name} {KEY} secondary",
            f"set-meta {name} TSIG-ALLOW-AXFR {KEY}",
        ]
    return pdns_server(server, *commands)


COMMANDS = {"named": _named, "knotd": _knotd, "pdns_server": _pdns_server}

# What each logs once per whole transfer of a zone.
WHOLE = {
    "named": r"'{}/IN' .*got nonincremental response",
    "knotd": r"\[{}\.\] AXFR, incoming, .* finished",
    "pdns_server": r"XFR-in zone: '{}', .*zone committed",
}

# What they log where a member goes to another catalog because its own one gives it away.
MOVED = {
    "named": "zone '{}' change of ownership from",
    "pdns_server": "zone '{}' owner change without state reset",
}

# A zone of which a change is smaller than the whole.
MANY = zone_text(0, *(f"host{n} A 192.0.2.{n}" for n in range(50))).replace(" 0 60", " {} 60")


class Fleet:
    """Our primary with two catalogs and one server that consumes both."""

    def __init__(self, ns1: Agent, server: RealServer, zones: Zones, secret: Secret) -> None:
        self.ns1 = ns1
        self.server = server
        self.zones = zones
        self.secret = secret

    def push(self, policy: str = "", message: str = "change", **contents: str | None) -> str:
        """Publish these zones under .com, None for none, with this added to the policy."""
        self.zones.write("zonecast.toml", POLICY + policy)
        for name, content in contents.items():
            file = self.zones.clone / f"{name}.com.zone"
            if content is None:
                file.unlink()
            else:
                file.write_text(content)
        return self.zones.push(message)

    def await_serial(self, zone: str, serial: int) -> None:
        """Wait until the server serves this version."""
        await_value(lambda: self.give_key(zone) or self.server.serial(zone) == serial, self.log)

    def await_gone(self, zone: str) -> None:
        """Wait until the server does not serve the zone any more."""
        query = dns.message.make_query(zone, "SOA")
        await_value(
            lambda: (
                dns.query.udp(query, "127.0.0.1", port=self.server.port, timeout=5).rcode()
                == dns.rcode.REFUSED
            ),
            f"{zone} to go",
        )

    def give_key(self, zone: str) -> None:
        """PowerDNS gives a member no key: docs/secondaries.md has this as a timer."""
        if self.server.name != "pdns_server" or self.server.serial(zone) is not None:
            return
        name = zone.rstrip(".")
        directory = f"--config-dir={self.server.directory}"
        for program, words in (
            ("pdnsutil", f"activate-tsig-key {name} {KEY} secondary"),
            ("pdnsutil", f"set-meta {name} TSIG-ALLOW-AXFR {KEY}"),
            ("pdns_control", f"retrieve {name}"),
        ):
            command = [require(program), directory, *words.split()]
            subprocess.run(command, check=False, capture_output=True)

    def transferred_whole(self, zone: str) -> int:
        """How often the zone was transferred as a whole."""
        return len(re.findall(WHOLE[self.server.name].format(zone.rstrip(".")), self.server.log))

    def lists(self, catalog: str, member: str) -> bool:
        """Whether our catalog lists a zone."""
        name = dns.name.from_text(member).to_wire()
        return any(one.rdata == name for one in axfr(self.ns1.port, self.secret, catalog))

    def same(self, *zones: str) -> bool:
        """Whether both have the same records of these zones and of the catalogs."""
        ours = [axfr(self.ns1.port, self.secret, zone) for zone in (*zones, *CATALOGS)]
        return ours == [axfr(self.server.port, self.secret, zone) for zone in (*zones, *CATALOGS)]

    @property
    def log(self) -> str:
        return f"the server, whose log is:\n{self.server.log}"


@pytest.fixture(params=COMMANDS)
def fleet(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    zones: Zones,
    secret: Secret,
    new_agent: Callable[[str], Agent],
) -> Iterator[Fleet]:
    """One fleet for each make, with example.com and steady.com served everywhere."""
    name = request.param
    ns1, server = new_agent("ns1"), RealServer(name, tmp_path / name, secret)
    found = Fleet(ns1, server, zones, secret)
    found.push(example=zone_text(1, "www A 192.0.2.1"), steady=MANY.format(5))
    lines = [*secret.config, "[[repository]]", f'path = "{zones.bare}"']
    lines.append(f'catalog = ["{CATALOG}", "{SECOND}"]')
    lines += ['handover = "4s"', 'poll-interval = "1s"']
    ns1.configure(*lines, *peer("secondary", name, f"127.0.0.1:{server.port}")).start()
    ns1.await_serial("example.com.", 1)
    try:
        server.launch(COMMANDS[name](server, ns1.port))
        found.await_serial("example.com.", 1)
        found.await_serial("steady.com.", 5)
        yield found
    finally:
        server.stop()


def test_a_push_alone_adds_resets_moves_and_removes(fleet: Fleet) -> None:
    commit = fleet.push(added=zone_text(7, "www A 192.0.2.7"))
    fleet.await_serial("added.com.", 7)
    assert fleet.same("example.com.", "steady.com.", "added.com.")
    report = fleet.ns1.ask("wait", commit=commit, timeout=20)
    assert report["converged"], report

    # Another label: the data goes and comes anew, of that zone alone.
    before = fleet.transferred_whole("added.com.")
    steady = fleet.transferred_whole("steady.com.")
    reset = '[zone."added.com"]\nreset = "once more"\n'
    fleet.push(reset)
    await_value(
        lambda: fleet.give_key("added.com.") or fleet.transferred_whole("added.com.") > before,
        fleet.log,
    )
    fleet.await_serial("added.com.", 7)
    assert fleet.transferred_whole("steady.com.") == steady

    fleet.push(reset, steady=MANY.format(6))
    fleet.await_serial("steady.com.", 6)
    assert fleet.same("example.com.", "steady.com.", "added.com.")

    fleet.push(reset, "a zone less\n\nZonecast-Allow: zone-removed", example=None)
    fleet.await_gone("example.com.")
    fleet.await_serial("steady.com.", 6)
    fleet.await_serial("added.com.", 7)


@pytest.mark.parametrize("fleet", ["named", "pdns_server"], indirect=True)
def test_a_zone_moves_to_another_catalog(fleet: Fleet) -> None:
    """Knot 3.2 does not follow `coo`; docs/secondaries.md says so."""
    policy = f'[zone."steady.com"]\ncatalog = "{SECOND}"\n'
    fleet.push(policy)
    await_value(lambda: fleet.lists(SECOND, "steady.com."), "the new catalog to list it")
    await_value(lambda: not fleet.lists(CATALOG, "steady.com."), "the old catalog to drop it")
    fleet.push(policy, steady=MANY.format(6))
    fleet.await_serial("steady.com.", 6)
    assert re.search(MOVED[fleet.server.name].format("steady.com"), fleet.server.log)
    assert fleet.same("example.com.", "steady.com.")


@pytest.mark.parametrize("fleet", ["knotd"], indirect=True)
def test_knot_configures_a_zone_by_its_group(fleet: Fleet) -> None:
    assert fleet.same("steady.com.")
    fleet.push(
        '[zone."steady.com"]\ngroup = "closed"\n',
        steady=MANY.format(6),
        example=zone_text(2),
    )
    fleet.await_serial("steady.com.", 6)
    fleet.await_serial("example.com.", 2)

    def closed() -> bool:
        try:
            axfr(fleet.server.port, fleet.secret, "steady.com.")
        except (AssertionError, dns.exception.DNSException):
            return True
        return False

    await_value(closed, "the group's template to count")
    assert axfr(fleet.server.port, fleet.secret, "example.com.")
