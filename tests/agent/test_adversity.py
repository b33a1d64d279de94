"""What operators and peers do to an agent by mistake or on purpose, and what it does then."""

from __future__ import annotations

import os
import shutil
import signal
import socket
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.opcode
import dns.rcode
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

from zonecast.store.control import ControlStore

MakeAgent = Callable[[str], Agent]

# Times in seconds: refresh, retry, expire, minimum.
QUICK = "$TTL 60\n@ IN SOA ns1.example.net. h.example.net. {} 2 1 4 60\n@ NS ns1.example.net.\n"


def hup(agent: Agent) -> None:
    assert agent.process is not None
    agent.process.send_signal(signal.SIGHUP)


def pulled(name: str, *primaries: str) -> list[str]:
    named = ", ".join(f'"{primary}"' for primary in primaries)
    return ["[[zone]]", f'name = "{name}"', f"primaries = [{named}]"]


def worker_pid(agent: Agent) -> int:
    workers = agent.ask("status")["agent"]["workers"]
    return next(int(w["pid"]) for w in workers if w["process"].endswith("datagram"))


def test_worker_is_replaced_though_its_key_file_is_gone(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    ns1.await_serial("example.com.", 1)
    secret.path.rename(secret.path.with_suffix(".away"))
    hup(ns1)
    await_value(lambda: "not reloaded" in ns1.log or None, "the reload to be refused")
    first = worker_pid(ns1)
    os.kill(first, signal.SIGKILL)
    await_value(lambda: worker_pid(ns1) != first or None, "another worker")
    ns1.await_serial("example.com.", 1)


def test_reload_leaves_what_only_a_restart_changes(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    ns1.await_serial("example.com.", 1)
    text = ns1.config.read_text()
    ns1.config.write_text(text.replace("/state", "/other").replace(str(ns1.sockets), "/proc/no"))
    hup(ns1)
    await_value(lambda: "with a restart only" in ns1.log or None, "the warning")
    ns1.status_when(lambda r: r["zones"], "the agent to go on")
    assert ns1.serial("example.com.") == 1


def test_store_that_is_removed_ends_the_agent(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    ns1.await_serial("example.com.", 1)
    shutil.rmtree(ns1.directory / "state" / "zones")
    zones.write("example.com.zone", zone_text(2))
    zones.push()
    assert ns1.process is not None
    assert ns1.process.wait(30) == 3
    assert "removed or replaced" in ns1.log


def test_members_of_a_stored_catalog_are_followed_after_a_crash(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("a.example.zone", zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("a.example.", 1)
    ns2.stop()
    # As when it was killed between the catalog's transfer and its members.
    control = ControlStore(ns2.directory / "state")
    control.write("marks", dict.fromkeys(control.items("marks")))
    control.close()
    ns2.start()
    ns2.status_when(lambda r: r["zones"] and all(z["refresh"] for z in r["zones"]), "the member")
    assert ns2.serial("a.example.") == 1


def test_zone_that_leaves_the_configuration_is_no_longer_served(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    for name in ("a.example", "b.example"):
        zones.write(f"{name}.zone", zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    head = [*secret.config, *peer("primary", "ns1", ns1.address)]
    ns2.configure(*head, *pulled("a.example", "ns1"), *pulled("b.example", "ns1")).start()
    ns2.await_serial("b.example.", 1)
    ns2.configure(*head, *pulled("a.example", "ns1"))
    hup(ns2)
    ns2.status_when(lambda r: [z["zone"] for z in r["zones"]] == ["a.example."], "b to go")
    assert ns2.query("b.example.", "SOA").rcode() == dns.rcode.REFUSED
    assert ns2.serial("a.example.") == 1


def test_expired_zone_recovers_under_a_repository(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    """Pitfall: an expired zone's data is kept."""
    zones.write("example.com.zone", QUICK.format(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 1)
    ns1.stop()
    ns2.status_when(
        lambda r: any(z["zone"] == "example.com." and z["expired"] for z in r["zones"]), "expiry"
    )
    assert ns2.query("example.com.", "SOA").rcode() == dns.rcode.SERVFAIL
    ns2.stop()
    ns2.configure(*primary_config(zones, secret)).start()
    ns2.await_serial("example.com.", 1)


def test_zone_of_a_catalog_is_not_published_from_a_repository_too(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("both.example.zone", zone_text(5, "www A 192.0.2.5"))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    own = Zones(zones.directory / "own")
    own.directory.mkdir()
    own.make()
    own.push("nothing yet")
    lines = [*secondary_config(secret, ns1), "[[repository]]", f'path = "{own.bare}"']
    ns2.configure(*lines, 'poll-interval = "1s"').start()
    ns2.await_serial("both.example.", 5)
    own.write("both.example.zone", zone_text(6, "www A 192.0.2.6"))
    own.push()
    report = ns2.status_when(lambda r: r["held"], "the zone to be held")
    assert report["held"][0]["findings"][0]["id"] == "zone-pulled"
    assert ns2.serial("both.example.") == 5
    # The catalog lets it go: now the repository's is published.
    (zones.clone / "both.example.zone").unlink()
    zones.write("other.example.zone", zone_text(1))
    zones.push("another instead\n\nZonecast-Allow: zone-removed")
    ns2.await_serial("both.example.", 6)


def test_zone_file_named_as_the_catalog_is_held(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.write(f"{CATALOG}zone", zone_text(2000000000))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    report = ns1.status_when(lambda r: r["held"], "the file to be held")
    assert report["held"][0]["what"] == CATALOG
    assert ns1.serial("example.com.") == 1


def test_rrset_that_fits_into_no_message_is_held_and_others_are_published(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    many = [f"big A 10.{n >> 16}.{n >> 8 & 255}.{n & 255}" for n in range(66000)]
    zones.write("big.example.zone", zone_text(1, *many))
    zones.write("small.example.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    ns1.await_serial("small.example.", 1)
    held = ns1.status_when(lambda r: r["held"], "the zone to be held")["held"][0]
    assert held["what"] == "big.example."
    assert held["findings"][0]["id"] == "rrset-over-message"
    assert held["findings"][0]["position"].startswith("big.example.zone:4:")


def test_stale_first_primary_hides_no_other(secret: Secret, new_agent: MakeAgent) -> None:
    directory = secret.path.parent
    agents = []
    for name, serial in (("stale", 1), ("fresh", 2)):
        repository = Zones(directory / f"repository-{name}")
        repository.directory.mkdir()
        repository.make()
        repository.write("example.com.zone", QUICK.format(serial))
        repository.push()
        agent = new_agent(name)
        agent.configure(*primary_config(repository, secret, new_agent("nobody"))).start()
        agent.await_serial("example.com.", serial)
        agents.append(agent)
    stale, fresh = agents
    ns2 = new_agent("ns2")
    head = [*secret.config, *peer("primary", "stale", stale.address)]
    ns2.configure(*head, *pulled("example.com", "stale")).start()
    ns2.await_serial("example.com.", 1)
    head += peer("primary", "fresh", fresh.address)
    ns2.configure(*head, *pulled("example.com", "stale", "fresh"))
    hup(ns2)
    ns2.await_serial("example.com.", 2)


def test_notifies_to_a_stopped_controller_stop_no_answer(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1")
    ns1.configure(*primary_config(zones, secret), *peer("primary", "p", "127.0.0.1:1", key=False))
    ns1.start().await_serial("example.com.", 1)
    notify = dns.message.make_query("unknown.example.", "SOA")
    notify.set_opcode(dns.opcode.NOTIFY)
    assert ns1.process is not None
    ns1.process.send_signal(signal.SIGSTOP)
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect((ns1.host, ns1.port))
            sock.settimeout(5)
            packet = notify.to_wire()
            # More than a socket between two processes holds.
            for _ in range(60):
                for _ in range(50):
                    sock.send(packet)
                sock.recv(512)
        assert ns1.serial("example.com.") == 1
    finally:
        ns1.process.send_signal(signal.SIGCONT)


def test_broken_policy_of_any_depth_is_a_finding(
    zones: Zones, secret: Secret, new_agent: MakeAgent, tmp_path: Path
) -> None:
    zones.write("zonecast.toml", "x = " + "[" * 5000)
    zones.write("example.com.zone", zone_text(1))
    zones.push()
    ns1 = new_agent("ns1").configure(*primary_config(zones, secret)).start()
    report = ns1.status_when(lambda r: r["held"], "the commit to be refused")
    assert report["held"][0]["findings"][0]["id"] == "policy"
    zones.write("zonecast.toml", "")
    zones.push()
    ns1.await_serial("example.com.", 1)
