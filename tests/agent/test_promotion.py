"""The primary is lost: a secondary becomes primary, nothing is lost, serials go up."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from agents import (
    Agent,
    Secret,
    Zones,
    primary_config,
    run,
    secondary_config,
    zone_text,
)

LONG = "t TXT " + " ".join(f'"{"x" * 200}"' for _ in range(3))


def promote(agent: Agent, repository: Path) -> str:
    """The documented command; what it prints for the configuration."""
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "zonecast",
            "promote",
            "--config",
            str(agent.config),
            str(repository),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_promoted_secondary_goes_on_from_the_same_serials(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent], tmp_path: Path
) -> None:
    zones.write("zonecast.toml", '[origins]\n"zones/odd.zone" = "0/25.2.0.192.in-addr.arpa"\n')
    zones.write("zones/example.com.zone", zone_text(41, "www A 192.0.2.1", "*.w MX 5 mx", LONG))
    zones.write("zones/odd.zone", zone_text(7, "1 PTR www.example.com."))
    zones.push()
    ns1, ns2, ns3 = new_agent("ns1"), new_agent("ns2"), new_agent("ns3")
    ns1.configure(*primary_config(zones, secret, ns2, ns3)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    # The third knows both hosts from the start, as docs/operations.md advises.
    ns3.configure(*secondary_config(secret, ns1, ns2)).start()
    odd = "0/25.2.0.192.in-addr.arpa."
    served = ("example.com.", odd)
    for agent in (ns2, ns3):
        agent.await_serial("example.com.", 41)
        agent.await_serial(odd, 7)
    before = {zone: ns1.transfer(zone, secret.keyring) for zone in served}

    ns1.stop(signal.SIGKILL)
    shutil.rmtree(ns1.directory / "state")
    shutil.rmtree(zones.bare)
    shutil.rmtree(zones.clone)

    ns2.stop()
    new = Zones(tmp_path / "new")
    printed = promote(ns2, new.bare)
    lines = [line for line in printed.splitlines() if not line.startswith("#")]
    secondaries = primary_config(zones, secret, ns3)
    peers = secondaries[secondaries.index("[[secondary]]") :]
    ns2.configure(*secret.config, *lines, 'poll-interval = "1s"', *peers).start()
    ns2.status_when(lambda r: r["repositories"][0]["commit"], "the repository to be published")
    for zone in served:
        assert ns2.transfer(zone, secret.keyring) == before[zone]
    report = ns2.ask("status")
    assert not report["held"]
    assert all(zone["source"] in (str(new.bare), "catalog") for zone in report["zones"])

    run(["git", "clone", "-q", str(new.bare), str(new.clone)])
    file = new.clone / "zones" / "example.com.zone"
    text = file.read_text()
    new.write("zones/example.com.zone", text.replace("192.0.2.1", "192.0.2.2"))
    new.push("serial forgotten")
    ns2.status_when(lambda r: r["held"], "the zone without a greater serial to be held")
    new.write(
        "zones/example.com.zone", text.replace("192.0.2.1", "192.0.2.2").replace(" 41 ", " 42 ")
    )
    new.write("zones/new.example.zone", zone_text(1))
    commit = new.push("serial raised")
    assert ns2.ask("wait", commit=commit, timeout=30)["converged"], ns3.log
    assert ns3.serial("example.com.") == 42
    assert ns3.serial(odd) == 7
    assert ns3.query("www.example.com.").answer[0][0].address == "192.0.2.2"
    assert ns3.serial("new.example.") == 1
