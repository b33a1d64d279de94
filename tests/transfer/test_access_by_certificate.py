"""Mutual TLS (RFC 9103 §9.3.3): who shows a certificate that is configured may transfer, wherever it
comes from, and nobody else; certificates change without a gap."""

from __future__ import annotations

import json
import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import dns.message
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, zone_text
from peers import free_port
from tls_support import Certificate

from zonecast.protocol.access import Access, Peer, Shown
from zonecast.zone.names import from_text

MakeAgent = Callable[[str], Agent]
KEY = from_text("xfr.example.")


def shown(pin: str = "A", *names: str) -> Shown:
    return Shown(pin, frozenset(names))


PINNED = Peer("pinned", "192.0.2.2", pins=frozenset(["A", "B"]))
NAMED = Peer("named", "192.0.2.3", certificate_name="ns3.example")
BOTH = Peer("both", "192.0.2.4", frozenset([KEY]), frozenset(["C"]), "ns4.example")


@pytest.mark.parametrize(
    ("key", "certificate", "who"),
    [
        (None, None, set()),
        (KEY, None, set()),
        (None, shown("A"), {"pinned"}),
        (None, shown("B", "ns3.example"), {"pinned", "named"}),
        (None, shown("X", "other.example", "ns3.example"), {"named"}),
        (None, shown("C", "ns4.example"), set()),
        (KEY, shown("C", "ns3.example"), {"named"}),
        (KEY, shown("X", "ns4.example"), set()),
        (KEY, shown("C", "ns4.example"), {"both"}),
    ],
)
def test_all_that_is_configured_has_to_hold(
    key: bytes | None, certificate: Shown | None, who: set[str]
) -> None:
    for ip in ("192.0.2.2", "192.0.2.3", "192.0.2.4", "2001:db8::9"):
        for peer in (PINNED, NAMED, BOTH):
            allowed = Access([peer]).may_transfer(ip, key, certificate)
            assert allowed is (peer.name in who)
        assert Access([PINNED, NAMED, BOTH]).may_transfer(ip, key, certificate) is bool(who)


def secondary(name: str, *lines: str) -> list[str]:
    return ["[[secondary]]", f'name = "{name}"', 'address = "192.0.2.9"', *lines]


class Served:
    """A primary that speaks TLS, with the secondaries that a test gives it."""

    def __init__(self, agent: Agent, zones: Zones, secret: Secret, directory: Path) -> None:
        self.agent, self.zones, self._secret = agent, zones, secret
        self.port = free_port()
        self.certificate = Certificate(directory / "server").make()
        self.clients = directory / "clients.pem"
        self._reloads = 0

    def configure(self, *lines: str, trusted: list[Certificate]) -> None:
        self.clients.write_text("".join(one.file.read_text() for one in trusted))
        tls = ["[tls]", *self.certificate.table, f'client-ca-file = "{self.clients}"']
        listen = f'listen = ["127.0.0.1:{self.port}"]'
        self.agent.configure(
            *primary_config(self.zones, self._secret), *lines, *tls, listen, "[transfers]"
        )

    def reload(self) -> None:
        assert self.agent.process is not None
        self._reloads += 1
        self.agent.process.send_signal(signal.SIGHUP)
        await_value(
            lambda: self.agent.log.count("configuration reloaded") == self._reloads, "the reload"
        )

    def ask(self, rtype: str, client: Certificate | None, *, clear: bool = False) -> int:
        """The RCODE that an AXFR or another query gets; -1 where there is no connection."""
        packet = dns.message.make_query("example.com.", rtype).to_wire()
        port = self.agent.port if clear else self.port
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=10) as sock:
                stream = sock if clear else self._wrap(sock, client)
                stream.sendall(struct.pack(">H", len(packet)) + packet)
                octets = stream.recv(65537)
        except (ssl.SSLError, ConnectionResetError, BrokenPipeError):
            return -1
        return octets[5] & 15 if octets else -1

    def _wrap(self, sock: socket.socket, client: Certificate | None) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=str(self.certificate.file))
        context.set_alpn_protocols(["dot"])
        if client is not None:
            context.load_cert_chain(client.file, client.key)
        return context.wrap_socket(sock, server_hostname="127.0.0.1")


@pytest.fixture
def served(zones: Zones, secret: Secret, new_agent: MakeAgent, tmp_path: Path) -> Served:
    zones.write("example.com.zone", zone_text(7, "www A 192.0.2.1"))
    zones.push()
    return Served(new_agent("ns1"), zones, secret, tmp_path)


OK, REFUSED, CUT = dns.rcode.NOERROR, dns.rcode.REFUSED, -1


def test_who_shows_what(served: Served, tmp_path: Path) -> None:
    authority = Certificate(tmp_path / "authority", "DNS:authority.example").make()
    own, other, stranger = (Certificate(tmp_path / name).make() for name in ("a", "b", "c"))
    issued = Certificate(tmp_path / "d", "DNS:ns2.example,DNS:ns3.example").make(authority)
    wrong = Certificate(tmp_path / "e", "DNS:x.example").make(authority)
    expired = Certificate(tmp_path / "f").make().expire()
    served.configure(
        *secondary("pinned", f'pins = ["{own.pin}", "{expired.pin}"]'),
        *secondary("named", 'authentication-name = "NS3.example."'),
        trusted=[own, other, authority, expired],
    )
    served.agent.start().await_serial("example.com.", 7)
    got = {
        name: served.ask("AXFR", client)
        for name, client in (
            ("pinned", own),
            ("named", issued),
            ("nobody's", other),
            ("another name", wrong),
            ("none", None),
            ("stranger", stranger),
            ("expired", expired),
        )
    }
    assert got == {
        "pinned": OK,
        "named": OK,
        "nobody's": REFUSED,
        "another name": REFUSED,
        "none": REFUSED,
        "stranger": CUT,
        "expired": CUT,
    }
    assert served.ask("SOA", None) == OK
    assert served.ask("SOA", other) == OK
    assert served.ask("AXFR", None, clear=True) == REFUSED


def test_certificates_change_without_a_gap(
    served: Served, new_agent: MakeAgent, tmp_path: Path
) -> None:
    old, new = (Certificate(tmp_path / name).make() for name in ("old", "new"))
    follower = new_agent("ns2")

    def follow(client: Certificate) -> Agent:
        return follower.configure(
            "[[primary]]",
            'name = "ns1"',
            f'address = "{served.agent.address}"',
            f"tls-port = {served.port}",
            'tls = "strict"',
            f'pins = ["{served.certificate.pin}"]',
            *client.table,
            "[[zone]]",
            'name = "example.com"',
            'primaries = ["ns1"]',
        )

    def allow(*pins: str) -> None:
        table = ["[[secondary]]", 'name = "ns2"', f'address = "{follower.address}"']
        served.configure(*table, f"pins = {json.dumps(pins)}", trusted=[old, new])

    def push(serial: int) -> None:
        served.zones.write("example.com.zone", zone_text(serial, f"www A 192.0.2.{serial}"))
        served.zones.push()
        follower.await_serial("example.com.", serial)

    allow(old.pin)
    served.agent.start().await_serial("example.com.", 7)
    follow(old).start().await_serial("example.com.", 7)
    allow(old.pin, new.pin)
    served.reload()
    push(8)
    follow(new)
    assert follower.process is not None
    follower.process.send_signal(signal.SIGHUP)
    await_value(lambda: "configuration reloaded" in follower.log, "the reload")
    push(9)
    allow(new.pin)
    served.reload()
    push(10)
    assert "REFUSED" not in follower.log
    assert served.ask("AXFR", old) == REFUSED
    assert served.ask("AXFR", new) == OK


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (["[[secondary]]", 'name = "x"', 'address = "192.0.2.1"', f'pins = ["{"A" * 43}="]'], "vouch"),
        (["[tls]", 'certificate-file = "{0}"', 'key-file = "{1}"', 'client-ca-file = "{1}"'], "no certificates"),
        (["[tls]", 'certificate-file = "{0}"', 'key-file = "{1}"', 'client-ca-file = "/none"'], "cannot be read"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(tmp_path: Path, lines: list[str], said: str) -> None:
    own = Certificate(tmp_path / "own").make()
    file = tmp_path / "zonecast.toml"
    head = f'state-dir = "{tmp_path}/state"\nlisten = ["127.0.0.1:{free_port()}"]\n'
    text = "\n".join(lines).replace("{0}", str(own.file)).replace("{1}", str(own.key))
    file.write_text(head + text + "\n")
    command = [sys.executable, "-m", "zonecast", "run", "--config", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
