"""What a silent secondary was seen serving once is said in the past tense."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable

from agents import Agent, Secret, Zones, primary_config, secondary_config, zone_text

MakeAgent = Callable[[str], Agent]

COM, ORG = "zones/example.com.zone", "zones/example.org.zone"


def status(agent: Agent, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `zonecast status`."""
    command = [sys.executable, "-m", "zonecast", "status", "--config", str(agent.config), *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_one_that_is_silent_had_it(zones: Zones, secret: Secret, new_agent: MakeAgent) -> None:
    zones.write(COM, zone_text(1))
    zones.write(ORG, zone_text(1))
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    assert ns1.ask("wait", timeout=30)["converged"]
    assert "ns2 has it" in status(ns1, "example.com").stdout
    ns2.stop(signal.SIGTERM)
    zones.write(ORG, zone_text(2))
    zones.push("while it is away")

    def silent(report: dict[str, object]) -> bool:
        return any(peer["silent-since"] for z in report["zones"] for peer in z["secondaries"])

    ns1.status_when(silent, "the secondary's silence to be noticed")
    said = status(ns1, "example.com").stdout
    assert "ns2 has it" not in said
    assert "ns2 had it" in said
    assert "ns2 does not answer" in said
    ns2.start()
    assert ns1.ask("wait", timeout=60)["converged"]
    assert "ns2 has it" in status(ns1, "example.com").stdout
