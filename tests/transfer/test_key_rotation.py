"""Real agents change their TSIG key while changes keep coming: none is missed, none is refused."""

from __future__ import annotations

import base64
import signal
from collections.abc import Callable
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.tsigkeyring
import dns.zone
from agents import Agent, Zones, await_value, zone_text

MakeAgent = Callable[[str], Agent]
SECRETS = {name: base64.b64encode(name.encode() * 6).decode() for name in ("old.key", "new.key")}


def keys(directory: Path) -> list[str]:
    """The [[key]] tables of both keys."""
    lines = []
    for name, secret in SECRETS.items():
        file = directory / name
        file.write_text(secret)
        file.chmod(0o600)
        lines += ["[[key]]", f'name = "{name}"', f'secret-file = "{file}"']
    return lines


def named(*names: str) -> str:
    return "keys = [" + ", ".join(f'"{name}"' for name in names) + "]"


def reload(agent: Agent) -> None:
    assert agent.process is not None
    before = agent.log.count("configuration reloaded")
    agent.process.send_signal(signal.SIGHUP)
    await_value(lambda: agent.log.count("configuration reloaded") > before, "the reload")


def transfers(agent: Agent, name: str) -> bool:
    """Whether somebody with that key gets the zone."""
    found = dns.zone.Zone("example.com.", relativize=False)
    query = dns.message.make_query("example.com.", "AXFR")
    query.use_tsig(dns.tsigkeyring.from_text({name: SECRETS[name]}), name)
    try:
        dns.query.inbound_xfr(agent.host, found, query, port=agent.port, timeout=10, lifetime=30)
    except dns.exception.DNSException:
        return False
    return True


def test_a_key_is_changed_without_a_gap(zones: Zones, new_agent: MakeAgent, tmp_path: Path) -> None:
    primary, secondary = new_agent("ns1"), new_agent("ns2")
    both = keys(tmp_path)

    def allow(*names: str) -> Agent:
        repository = ["[[repository]]", f'path = "{zones.bare}"', 'poll-interval = "1s"']
        table = ["[[secondary]]", 'name = "ns2"', f'address = "{secondary.address}"']
        return primary.configure(*both, *repository, *table, named(*names))

    def follow(*names: str) -> Agent:
        table = ["[[primary]]", 'name = "ns1"', f'address = "{primary.address}"', named(*names)]
        zone = ["[[zone]]", 'name = "example.com"', 'primaries = ["ns1"]']
        return secondary.configure(*both, *table, *zone)

    def push(serial: int) -> None:
        """A change arrives there by NOTIFY: the zone's own refresh would come a minute later."""
        zones.write("example.com.zone", zone_text(serial, f"www A 192.0.2.{serial}"))
        zones.push()
        secondary.await_serial("example.com.", serial, 20.0)

    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    allow("old.key").start().await_serial("example.com.", 1)
    follow("old.key").start().await_serial("example.com.", 1)
    push(2)
    assert (transfers(primary, "old.key"), transfers(primary, "new.key")) == (True, False)

    allow("old.key", "new.key")
    reload(primary)
    push(3)
    assert (transfers(primary, "old.key"), transfers(primary, "new.key")) == (True, True)
    follow("new.key", "old.key")
    reload(secondary)
    push(4)
    allow("new.key")
    reload(primary)
    push(5)
    assert (transfers(primary, "old.key"), transfers(primary, "new.key")) == (False, True)
    follow("new.key")
    reload(secondary)
    push(6)
    for agent in (primary, secondary):
        assert "REFUSED" not in agent.log
        assert "NOTAUTH" not in agent.log


def test_each_secondary_has_a_key_of_its_own(
    zones: Zones, new_agent: MakeAgent, tmp_path: Path
) -> None:
    primary = new_agent("ns1")
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()

    def serve(*tables: str) -> Agent:
        repository = ["[[repository]]", f'path = "{zones.bare}"']
        return primary.configure(*keys(tmp_path), *repository, *tables)

    def table(name: str, key: str) -> list[str]:
        return ["[[secondary]]", f'name = "{name}"', 'address = "192.0.2.9:1"', named(key)]

    serve(*table("ns2", "old.key"), *table("ns3", "new.key")).start().await_serial(
        "example.com.", 1
    )
    assert [transfers(primary, name) for name in SECRETS] == [True, True]
    # One is let go; the other one notices nothing.
    serve(*table("ns3", "new.key"))
    reload(primary)
    assert [transfers(primary, name) for name in SECRETS] == [False, True]
