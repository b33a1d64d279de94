"""Where the control store cannot be written a zone expires all the same, and one whose primary is
back is answered again; status says what is not kept."""

from __future__ import annotations

import os
import resource
import signal
from collections.abc import Callable
from typing import Any

import dns.message
import dns.query
import dns.rcode
from agents import Agent, Secret, Zones, await_value, primary_config, secondary_config

ZONE = "example.com."
# Times in seconds: refresh, retry, expire, minimum.
QUICK = "$TTL 60\n@ IN SOA ns1.example.net. h.example.net. 1 2 1 4 60\n@ NS ns1.example.net.\n"


def disk_is_full(agent: Agent, full: bool) -> None:
    """The controller, which alone writes the control store, may write nothing behind its first two
    pages: every transaction fails as on a full disk (EFBIG; Python ignores the signal)."""
    assert agent.process is not None
    limit = (8192 if full else resource.RLIM_INFINITY, resource.RLIM_INFINITY)
    resource.prlimit(agent.process.pid, resource.RLIMIT_FSIZE, limit)


def rcodes(agent: Agent) -> set[dns.rcode.Rcode]:
    """What the datagram worker and the stream worker say."""
    query = dns.message.make_query(ZONE, "SOA")
    stream = dns.query.tcp(query, agent.host, port=agent.port, timeout=10)
    return {agent.query(ZONE, "SOA").rcode(), stream.rcode()}


def zone(report: dict[str, Any]) -> dict[str, Any]:
    return next(zone for zone in report["zones"] if zone["zone"] == ZONE)


def says_why(report: dict[str, Any]) -> bool:
    return any(
        "control" in text and "cannot be written" in text and "timers of zones" in text
        for text in report["warnings"]
    )


def test_a_zone_expires_and_recovers_though_nothing_can_be_written(
    zones: Zones, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    zones.write("example.com.zone", QUICK)
    zones.push()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    ns1.configure(*primary_config(zones, secret, ns2)).start()
    ns2.configure(*secondary_config(secret, ns1)).start()
    ns2.await_serial(ZONE, 1)

    disk_is_full(ns2, True)
    ns1.stop()
    report = ns2.status_when(lambda report: zone(report)["expired"], "expiry")
    assert says_why(report), report["warnings"]
    assert "make room" in str(report["warnings"])
    await_value(lambda: rcodes(ns2) == {dns.rcode.SERVFAIL} or None, "SERVFAIL")
    workers = {worker["pid"] for worker in report["agent"]["workers"]}
    for pid in workers:
        os.kill(pid, signal.SIGKILL)
    ns2.status_when(
        lambda r: not workers & {worker["pid"] for worker in r["agent"]["workers"]}, "other workers"
    )
    await_value(lambda: rcodes(ns2) == {dns.rcode.SERVFAIL} or None, "SERVFAIL from these, too")

    disk_is_full(ns2, False)
    report = ns2.status_when(lambda report: not report["warnings"], "the reason to be gone")
    assert zone(report)["expired"]
    assert rcodes(ns2) == {dns.rcode.SERVFAIL}

    disk_is_full(ns2, True)
    ns1.start()
    ns2.status_when(lambda report: not zone(report)["expired"] and says_why(report), "recovery")
    await_value(lambda: rcodes(ns2) == {dns.rcode.NOERROR} or None, "answers")
