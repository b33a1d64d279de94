"""A secondary that serves a greater serial than ours does not have ours, and will not take it."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable

from agents import Agent, Secret, Zones, primary_config, run, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]

COM = "zones/example.com.zone"


def status(agent: Agent, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `zonecast status`."""
    command = [sys.executable, "-m", "zonecast", "status", "--config", str(agent.config), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_that_is_ahead_does_not_have_it(
    zones: Zones, secret: Secret, new_agent: MakeAgent
) -> None:
    zones.write(COM, zone_text(7))
    zones.push()
    zones.write(COM, zone_text(300, "www A 192.0.2.1"))
    zones.push("lost later")
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    config = primary_config(zones, secret, ns2)
    ns1.configure(*config).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial("example.com.", 300)
    assert ns1.ask("wait", timeout=30)["converged"]

    ns1.stop()
    shutil.rmtree(ns1.directory / "state")
    run(["git", "push", "-q", "--force", "origin", "HEAD~1:main"], zones.clone)
    ns1.configure(*config).start()
    ns1.await_serial("example.com.", 7)

    def seen(report: dict[str, object]) -> bool:
        return any(peer["ahead"] for zone in report["zones"] for peer in zone["secondaries"])

    ns1.status_when(seen, "the secondary to be seen")
    assert status(ns1, "example.com", "--wait", "--timeout", "1").returncode == 1
    said = status(ns1).stdout
    assert "ns2 serves 300, which is greater than our 7" in said
    assert "raise the serial here to 301 or more" in said
    assert "ns2 has it" not in said.splitlines()[2]

    zones.write(COM, zone_text(301))
    zones.push("above it", "--force")
    assert ns1.ask("wait", zone="example.com", timeout=30)["converged"], ns2.log
