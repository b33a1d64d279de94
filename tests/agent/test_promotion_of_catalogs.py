"""A promoted secondary publishes the catalogs that it followed; what it cannot keep of them is said."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dns.name
import dns.rdatatype
from agents import Agent, Secret, Zones, peer, run, zone_text

from zonecast.zone import names
from zonecast.zone.policy import Policy

ONE, TWO = "one.catalog.invalid.", "two.catalog.invalid."
HEAD = "$TTL 0\n@ SOA invalid. invalid. 1 3600 600 86400 0\n@ NS invalid.\nversion TXT 2\n"
MEMBERS = ("a.example", "b.example", "c.example")


def followers(*primaries: str) -> list[str]:
    """Two catalogs: of the first one the group "internal" is for nobody."""
    among = f"primaries = [{', '.join(map(repr, primaries))}]"
    lines = ["[[catalog]]", f'name = "{ONE}"', among]
    lines += ["[[catalog.group]]", 'name = "internal"', "secondaries = []"]
    lines += ["[[catalog]]", f'name = "{TWO}"', among]
    return [*lines, "[[zone]]", 'name = "alone.example"', among]


def test_groups_and_catalogs_are_kept_and_the_rest_is_said(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent], tmp_path: Path
) -> None:
    zones.write("zonecast.toml", '[serial]\nmode = "enforce"\n')
    for name in (*MEMBERS, "alone.example"):
        zones.write(f"{name}.zone", zone_text(7))
    one = 'x.zones PTR a.example.\ngroup.x.zones TXT "inter" "nal"\ngroup.x.zones TXT internal\n'
    zones.write(f"{ONE}zone", HEAD + one + "y.zones PTR b.example.\n")
    zones.write(f"{TWO}zone", HEAD + "x.zones PTR c.example.\ngroup.x.zones TXT öffentlich\n")
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(
        *secret.config,
        "[[repository]]",
        f'path = "{zones.bare}"',
        *peer("secondary", "2", ns2.address),
    ).start()
    reader = peer("secondary", "reader", "127.0.0.1:9")
    from_ns1 = [*secret.config, *peer("primary", "ns1", ns1.address)]
    ns2.configure(*from_ns1, *reader, *followers("ns1")).start()
    for name in (*MEMBERS, "alone.example"):
        ns2.await_serial(f"{name}.", 7)
    ns1.stop()
    ns2.stop()

    new = Zones(tmp_path / "new")
    done = subprocess.run(
        [sys.executable, "-m", "zonecast", "promote", "--config", str(ns2.config), str(new.bare)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    kept_not = [line for line in done.stderr.splitlines() if line.startswith("not kept: ")]
    assert len(kept_not) == 4
    assert f"alone.example.: in no catalog until now; {ONE} lists them from now on" in kept_not[0]
    assert f"{ONE}: 2 of its 2 members get another label than they had" in kept_not[1]
    assert f"zonecast follow {ONE}" in kept_not[1]
    assert f"{TWO}: 1 of its 1 members get another label" in kept_not[2]
    assert "a.example.: for no secondary until now" in kept_not[3]

    lines = [line for line in done.stdout.splitlines() if not line.startswith("#")]
    ns2.configure(*secret.config, *lines, *reader).start()
    ns2.status_when(lambda r: r["repositories"][0]["commit"], "the repository to be published")
    assert said(ns2, secret, ONE) == {
        "a.example.": {b"internal"}, "b.example.": set(), "alone.example.": set()
    }  # fmt: skip
    assert said(ns2, secret, TWO) == {"c.example.": {"öffentlich".encode()}}
    policy = run(["git", "-C", str(new.bare), "show", "HEAD:zonecast.toml"])
    read = Policy.from_toml(policy.encode(), "zonecast.toml")
    assert read.zone(names.from_text("a.example.")).groups == ("internal",)


def said(agent: Agent, secret: Secret, catalog: str) -> dict[str, set[bytes]]:
    """The members of a catalog as it is published, with their groups."""
    zone = agent.transfer(catalog, secret.keyring)
    found: dict[str, set[bytes]] = {}
    for name, _, rdata in zone.iterate_rdatas(dns.rdatatype.PTR):
        groups = zone.get_rdataset(dns.name.Name((b"group", *name.labels)), "TXT") or ()
        found[str(rdata.target)] = {b"".join(one.strings) for one in groups}
    return found
