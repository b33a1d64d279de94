"""Under a Knot that signs as it goes: after every edit, taken as an IXFR, the same proofs."""

from __future__ import annotations

import re
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import dns.name
import dns.query
import dns.rdatatype
import pytest
from agents import Agent, Secret, await_value, peer
from peers import require
from real_servers import RealServer
from said import ask, said
from signing import NAMES, ZONE
from validator import Validator

ORIGIN = "signer.example."

# What an edit takes away (a pattern for lines), and what it adds.
EDITS = [
    (r"^sub\.b\.ent .*", "new.b.ent A 192.0.2.6\nb.new.w TXT added\n"),
    (r"^\*\.w .*", "secure-too NS ns.secure\nx.none A 192.0.2.7\n"),
    (r"^signed\.some\.ents .*|^x\.none .*", "*.w A 192.0.2.80\n"),
]


@contextmanager
def signer(directory: Path, secret: Secret, told: int, policy: str) -> Iterator[RealServer]:
    """A Knot that signs, and tells the secondary on this port."""
    server = RealServer("knotd", directory, secret)
    (directory / "zone").write_text(ZONE)
    (directory / "knot.conf").write_text(f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{server.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
remote:
  - id: secondary
    address: 127.0.0.1@{told}
acl:
  - id: everyone
    address: 127.0.0.1
    action: transfer
policy:
  - id: made
    algorithm: ecdsap256sha256
{policy}
zone:
  - domain: {ORIGIN}
    file: "{directory}/zone"
    zonefile-sync: -1
    zonefile-load: difference-no-serial
    journal-content: all
    semantic-checks: off
    dnssec-signing: on
    dnssec-policy: made
    notify: secondary
    acl: everyone
""")
    try:
        server.launch([require("knotd"), "-c", str(directory / "knot.conf")])
        yield server
    finally:
        server.stop()


POLICIES = {
    "nsec": "",
    "opt-out": "    nsec3: on\n    nsec3-opt-out: on\n    nsec3-iterations: 1",
}


@pytest.mark.parametrize("policy", POLICIES)
def test_same_proofs_after_every_edit(
    policy: str, tmp_path: Path, secret: Secret, new_agent: Callable[[str], Agent]
) -> None:
    ns2 = new_agent("ns2")
    with signer(tmp_path / "knot", secret, ns2.port, POLICIES[policy]) as knot:
        address = f"127.0.0.1:{knot.port}"
        lines = peer("primary", "knot", address, key=False)
        ns2.configure(*lines, "[[zone]]", f'name = "{ORIGIN}"', 'primaries = ["knot"]').start()
        text = ZONE
        serial = 0
        for gone, added in [("^$", ""), *EDITS]:
            text = re.sub(gone, "", text, flags=re.MULTILINE) + added
            (knot.directory / "zone").write_text(text)
            assert knot.process is not None
            if serial:
                knot.process.send_signal(signal.SIGHUP)
            before = serial
            serial = await_value(lambda: newer(knot.port, before), "Knot to sign")  # noqa: B023
            ns2.await_serial(ORIGIN, serial)
            assert not differing(knot.port, ns2.port)
        report = ns2.status_when(lambda r: r["zones"], "the zone")
        assert report["zones"][0]["refresh"]["last-transfer"]["how"] == "ixfr"
        assert_secure(ns2.port)


def newer(port: int, serial: int) -> int | None:
    query = dns.message.make_query(ORIGIN, "SOA")
    try:
        reply = dns.query.udp(query, "127.0.0.1", port=port, timeout=0.5)
    except (OSError, dns.exception.Timeout):
        return None
    found = reply.answer[0][0].serial if reply.answer else serial
    return found if found > serial else None


def differing(knot: int, ours: int) -> list[str]:
    """The questions that the two answer differently. Knot alone leaves out the proof that a
    wildcard holds nothing."""
    wrong = []
    origin = dns.name.from_text(ORIGIN)
    names = [name for name in NAMES if name not in ("@", "a.wd", "b.a.wd")]
    with (
        socket.create_connection(("127.0.0.1", knot), timeout=20) as theirs,
        socket.create_connection(("127.0.0.1", ours), timeout=20) as own,
    ):
        for name in [*names, "new.b.ent", "x.new.w", "secure-too", "x.secure-too", "x.none"]:
            for qtype in ("A", "DS"):
                qname = dns.name.from_text(name, origin)
                query = dns.message.make_query(qname, qtype, want_dnssec=True, payload=4096)
                if said(ask(query, theirs)) != said(ask(query, own)):
                    wrong.append(f"{qname} {qtype}")
    return wrong


def assert_secure(port: int) -> None:
    query = dns.message.make_query(ORIGIN, "DNSKEY")
    keys = dns.query.tcp(query, "127.0.0.1", port=port, timeout=5).answer[0]
    anchors = [f"{ORIGIN} IN DNSKEY {key}" for key in keys if key.flags & 1]
    validator = Validator(anchors, {ORIGIN.removesuffix("."): port})
    for name in ("www", "new.b.ent", "b.ent", "signed.some.ents"):
        for qtype in ("A", "TXT"):
            verdict = validator.judge(f"{name}.{ORIGIN}", dns.rdatatype.from_text(qtype))
            assert "bogus" not in verdict.security, (name, qtype, verdict)
            assert verdict.security == "secure" or name == "signed.some.ents"
    validator.close()
