"""Who has not the key gets no transfer, and dig is told why."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from agents import CATALOG, KEY, Agent, Secret, Zones, primary_config, run, zone_text
from peers import require

# What is asked and with which key → the status and the error in the TSIG record.
# "{right}" is the secret, "{wrong}" another.
CASES = [
    ("example.com AXFR", "REFUSED", None),
    ("example.com IXFR=0 +tcp", "REFUSED", None),
    ("example.com IXFR=0 +notcp", "REFUSED", None),
    (f"{CATALOG} AXFR", "REFUSED", None),
    ("example.com AXFR -y hmac-sha256:{key}:{wrong}", "NOTAUTH", "BADSIG"),
    ("example.com IXFR=0 +notcp -y hmac-sha256:{key}:{wrong}", "NOTAUTH", "BADSIG"),
    ("example.com AXFR -y hmac-sha256:other.example:{right}", "NOTAUTH", "BADKEY"),
    ("example.com AXFR -y hmac-sha512:{key}:{right}", "NOTAUTH", "BADKEY"),
    ("example.net AXFR -y hmac-sha256:{key}:{right}", "NOTAUTH", "NOERROR"),
    ("example.com AXFR -y hmac-sha256:{key}:{right}", "NOERROR", "NOERROR"),
]


@pytest.fixture
def ns1(zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]) -> Agent:
    """A primary with a secondary that is not there."""
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1").configure(*primary_config(zones, secret, new_agent("ns2"))).start()
    agent.await_serial("example.com.", 1)
    return agent


def test_only_the_key_opens(ns1: Agent, secret: Secret, tmp_path: Path) -> None:
    """Pitfall: a query without the signature that is needed is REFUSED."""
    dig = [require("dig"), "@127.0.0.1", "-p", str(ns1.port), "+yaml", "+tries=1", "+time=5"]
    wrong = Secret(tmp_path / "wrong").text
    for asked, status, error in CASES:
        printed = run([*dig, *asked.format(key=KEY, right=secret.text, wrong=wrong).split()])
        assert re.findall(r"status: (\w+)", printed) == [status], asked
        assert ("192.0.2.1" in printed) == (status == "NOERROR"), asked
        tsig = re.search(r"TSIG hmac-\S+ \d+ \d+ \d+ .*\b([A-Z]+) 0", printed)
        assert (tsig and tsig[1]) == error, printed
