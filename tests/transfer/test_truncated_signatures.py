"""dig signs with truncated MACs and is answered, over UDP and in transfers (RFC 8945 §5.2.2.1)."""

from __future__ import annotations

import subprocess
from collections.abc import Callable

from agents import Agent, Secret, Zones, peer, primary_config, zone_text
from peers import require

HOSTS = [f"host{number} TXT {'x' * 200}" for number in range(600)]


def dig(agent: Agent, secret: Secret, algorithm: str, *arguments: str) -> str:
    key = f"{algorithm}:{secret.name}:{secret.text}"
    command = [require("dig"), f"@{agent.host}", "-p", str(agent.port), "-y", key, "+tries=1"]
    done = subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=30)
    return done.stdout + done.stderr


def test_dig_with_half_of_the_hash(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", zone_text(1, *HOSTS))
    zones.push()
    ns1 = new_agent("ns1").configure(
        *primary_config(zones, secret), *peer("secondary", "dig", "192.0.2.1:53")
    )
    ns1.start()
    ns1.await_serial("example.com.", 1)
    for bits in (128, 200, 256):
        algorithm = f"hmac-sha256-{bits}"
        answer = dig(ns1, secret, algorithm, "example.com.", "SOA", "+norec")
        assert "status: NOERROR" in answer, answer
        assert "TSIG PSEUDOSECTION" in answer
        assert "could not be validated" not in answer
        transfer = dig(ns1, secret, algorithm, "example.com.", "AXFR")
        assert transfer.count("host") >= len(HOSTS), transfer
        assert "Transfer failed" not in transfer
        assert "could not be validated" not in transfer
        assert "messages 1," not in transfer, "a transfer of several signed messages"
    assert "BADSIG" in dig(ns1, Secret(secret.path), "hmac-sha256-128", "example.com.", "SOA")
