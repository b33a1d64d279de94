"""A secondary under catalogs that are wiped, broken or at odds with each other."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import dns.rcode
import dns.xfr
import pytest
from agents import (
    CATALOG,
    Agent,
    Secret,
    Zones,
    await_value,
    peer,
    primary_config,
    secondary_config,
    zone_text,
)

ONE, TWO = "one.catalog.invalid.", "two.catalog.invalid."
POLICY = (
    '[serial]\nmode = "enforce"\n[rails]\nmax-delete = 1.0\nmax-update = 1.0\nremoval = false\n'
)


class Pair:
    """A primary whose catalogs are zone files, so that they may say anything, and a secondary."""

    def __init__(self, zones: Zones, secret: Secret, ns1: Agent, ns2: Agent) -> None:
        self.zones = zones
        self.ns1 = ns1
        self.ns2 = ns2
        self._serials: dict[str, int] = {}
        zones.write("zonecast.toml", POLICY)
        config = [*secret.config, "[[repository]]", f'path = "{zones.bare}"']
        ns1.configure(*config, *peer("secondary", "ns2", ns2.address))
        config = [*secret.config, *peer("primary", "ns1", ns1.address)]
        # The second one stands first: the order of the configuration decides nothing here.
        for catalog in (TWO, ONE):
            config += ["[[catalog]]", f'name = "{catalog}"', 'primaries = ["ns1"]']
        ns2.configure(*config)

    def catalog(
        self, origin: str, members: Mapping[str, str] | Iterable[str], version: int = 2
    ) -> None:
        """Write a catalog that lists these zones, each with the catalog that it moves to, or ""."""
        serial = self._serials[origin] = self._serials.get(origin, 0) + 1
        lines = [f"$TTL 0\n@ SOA invalid. invalid. {serial} 3600 600 2147483646 0\n@ NS invalid."]
        lines.append(f'version TXT "{version}"')
        moving = members if isinstance(members, Mapping) else dict.fromkeys(members, "")
        for name, coo in moving.items():
            label = name.replace(".", "-")
            lines.append(f"{label}.zones PTR {name}.")
            lines += [f"coo.{label}.zones PTR {coo}"] if coo else []
        self.zones.write(f"{origin}zone", "\n".join(lines) + "\n")

    def push(self) -> None:
        """Push, and wait until the secondary has seen each catalog."""
        self.zones.push()
        for origin, serial in self._serials.items():
            self.ns2.await_serial(origin, serial)

    def state(self, origin: str) -> dict[str, Any]:
        """What status says of a catalog."""
        found: dict[str, Any] = self.ns2.ask("status")["catalogs"][origin]
        return found

    def owner(self, zone: str) -> str | None:
        """The catalog by which the secondary has a zone."""
        for found in self.ns2.ask("status")["zones"]:
            if found["zone"] == f"{zone}." and found["serial"] and found["refresh"]:
                return str(found["refresh"]["catalog"])
        return None

    def served(self, zone: str) -> bool:
        """Whether the secondary answers for a zone."""
        return self.ns2.query(zone, "SOA").rcode() == dns.rcode.NOERROR

    def restart(self) -> None:
        """Start the secondary again."""
        self.ns2.stop()
        self.ns2.start()


@pytest.fixture
def pair(zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]) -> Pair:
    return Pair(zones, secret, new_agent("ns1"), new_agent("ns2"))


def test_a_wiped_catalog_takes_nothing_until_somebody_says_so(pair: Pair) -> None:
    names = [f"z{number}.example" for number in range(12)]
    for name in names:
        pair.zones.write(f"{name}.zone", zone_text(1))
    pair.catalog(ONE, names)
    pair.zones.push()
    pair.ns1.start()
    pair.ns2.start()
    await_value(lambda: all(map(pair.served, names)), "the members")

    # A third of them, which is more than 30 %.
    pair.catalog(ONE, names[4:])
    pair.push()
    trouble = "removes or resets 4 of its 12 members at once (max-removal is 0.3)"
    await_value(lambda: trouble in (pair.state(ONE)["trouble"] or ""), "status to say so")
    pair.restart()
    await_value(lambda: pair.state(ONE)["trouble"], "status to say so again")
    assert all(map(pair.served, names))

    shown = cli(pair.ns2, "status")
    assert trouble in shown
    assert f"zonecast follow {ONE}" in shown
    assert "8 members" in cli(pair.ns2, "follow", ONE)
    await_value(lambda: not any(map(pair.served, names[:4])), "four to go")
    assert all(map(pair.served, names[4:]))
    assert pair.state(ONE)["trouble"] is None

    # Broken: nothing at all happens, not even what is new.
    pair.catalog(ONE, [*names[5:], names[0]], version=3)
    pair.push()
    await_value(lambda: "version" in (pair.state(ONE)["trouble"] or ""), "status to say so")
    assert all(map(pair.served, names[4:]))
    assert not pair.served(names[0])
    pair.catalog(ONE, [*names[5:], names[0]])
    pair.push()
    await_value(lambda: pair.served(names[0]) and not pair.served(names[4]), "the mended one")


def test_a_member_moves_only_where_its_catalog_gives_it_away(pair: Pair) -> None:
    pair.zones.write("x.example.zone", zone_text(1))
    pair.catalog(ONE, ["x.example"])
    pair.catalog(TWO, [])
    pair.zones.push()
    pair.ns1.start()
    pair.ns2.start()
    await_value(lambda: pair.owner("x.example") == ONE, "the member")
    first = transferred_at(pair.ns2, "x.example.")

    pair.catalog(TWO, ["X.Example"])
    pair.push()
    await_value(lambda: pair.state(TWO)["clashes"] or None, "status to name the clash")
    assert list(pair.state(TWO)["clashes"]) == ["x.example."]
    assert f"stays with {ONE}" in cli(pair.ns2, "status")
    pair.restart()
    assert pair.owner("x.example") == ONE

    pair.catalog(ONE, {"x.example": TWO})
    pair.push()
    await_value(lambda: pair.owner("x.example") == TWO, "the change of ownership")
    assert pair.state(TWO)["clashes"] == {}
    pair.catalog(ONE, [])
    pair.push()
    pair.catalog(TWO, ["x.example"])
    pair.push()
    assert pair.owner("x.example") == TWO
    assert pair.served("x.example")
    assert transferred_at(pair.ns2, "x.example.") in (None, first), "with its data"


def test_a_group_says_which_secondaries_a_zone_is_for(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    zones.write("zonecast.toml", '[zone."inner.example"]\ngroup = "inner"\n')
    for name in ("outer.example", "inner.example"):
        zones.write(f"{name}.zone", zone_text(1))
    zones.push()
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    config = secondary_config(secret, ns1)
    config += ["[[catalog.group]]", 'name = "inner"', "secondaries = []"]
    ns2.configure(*config, *peer("secondary", "ns3", "127.0.0.1:9")).start()
    ns2.await_serial("outer.example.", 1)
    ns2.await_serial("inner.example.", 1)

    def told() -> dict[str, list[str]]:
        zones = ns2.ask("status")["zones"]
        return {z["zone"]: [peer["name"] for peer in z.get("secondaries", ())] for z in zones}

    for _ in range(2):
        assert ns2.transfer("outer.example.", secret.keyring)
        with pytest.raises(dns.xfr.TransferError, match="REFUSED"):
            ns2.transfer("inner.example.", secret.keyring)
        assert (told()["outer.example."], told()["inner.example."]) == (["ns3"], [])
        ns2.stop()
        ns2.start()

    zones.write("zonecast.toml", "")
    zones.push()
    await_value(lambda: told()["inner.example."] == ["ns3"], "the group to go")
    assert ns2.transfer("inner.example.", secret.keyring)


def test_a_group_says_in_which_order_its_primaries_are_asked(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    zones.write("inner.example.zone", zone_text(1))
    zones.push()
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    config = [
        *secret.config,
        *peer("primary", "a", ns1.address),
        *peer("primary", "b", ns1.address),
    ]
    config += ["[[catalog]]", f'name = "{CATALOG}"', 'primaries = ["a", "b"]']
    config += ["[[catalog.group]]", 'name = "inner"', 'primaries = ["b", "a"]']
    ns2.configure(*config).start()
    ns2.await_serial("inner.example.", 1)

    def order() -> list[str]:
        zones = {zone["zone"]: zone["refresh"] for zone in ns2.ask("status")["zones"]}
        return [peer["name"] for peer in zones["inner.example."]["primaries"]]

    assert order() == ["a", "b"]
    for policy, expected in (
        ('[zone."inner.example"]\ngroup = "inner"\n', ["b", "a"]),
        ("", ["a", "b"]),
    ):
        zones.write("zonecast.toml", policy)
        zones.push()
        await_value(lambda expected=expected: order() == expected, "the other order")


def transferred_at(agent: Agent, zone: str) -> float | None:
    """When a zone was last transferred since the agent's start."""
    for found in agent.ask("status")["zones"]:
        if found["zone"] == zone and found["refresh"]["last-transfer"]:
            return float(found["refresh"]["last-transfer"]["at"])
    return None


def cli(agent: Agent, *words: str) -> str:
    """What a command prints."""
    command = [sys.executable, "-m", "zonecast", *words, "--config", str(agent.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
