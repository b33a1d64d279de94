"""Transfers in over TLS (RFC 9103) from foreign primaries."""

from __future__ import annotations

import base64
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from agents import Agent, Secret
from peers import free_port
from puller_support import KEY, PullerProcess
from real_primaries import COMMANDS, RealPrimary
from tls_support import Certificate
from transfer_support import BASE, KEY_SECRET, ORIGIN, DictSource, as_served, as_stored, zone

from zonecast.server.peers import Primary, Tls, to_message
from zonecast.zone.changeset import diff

MakeAgent = Callable[[str], Agent]

OLD = zone(5)
NEW = zone(6, [*BASE[1:], ("new", "A", 60, "192.0.2.77")])
SOURCE = DictSource(NEW, [diff(OLD, NEW)])
NO_PIN = base64.b64encode(bytes(32)).decode()


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path / "primary").make()


class OverTls(RealPrimary):
    """A foreign primary that gives out zones over TLS alone, on `tls_port`."""

    tls_port = 0
    certificate: Certificate

    @property
    def fields(self) -> dict[str, Any]:
        """As a job names it, known by its key."""
        tls = Tls(self.tls_port, True, (self.certificate.pin,))
        return to_message(Primary(self.name, "127.0.0.1", self.port, KEY, tls))

    def publish(self, text: str, serial: int) -> None:
        if self.process is not None:
            super().publish(text, serial)
            return
        self.zonefile.write_text(text)
        self.tls_port = free_port()
        command = COMMANDS[self.name](self)
        AMEND[self.name](self)
        self.launch(command)
        self.await_serial("example.com.", serial)


def _named(primary: OverTls) -> None:
    config = primary.directory / "named.conf"
    text = config.read_text()
    files = f'cert-file "{primary.certificate.file}"; key-file "{primary.certificate.key}";'
    listen = f"listen-on port {primary.tls_port} tls local {{ 127.0.0.1; }}; listen-on-v6"
    text = text.replace("listen-on-v6", listen)
    only = f"allow-transfer port {primary.tls_port} transport tls {{ key"
    text = text.replace("allow-transfer { key", only)
    config.write_text(f"tls local {{ {files} }};\n{text}")


def _nsd(primary: OverTls) -> None:
    config = primary.directory / "nsd.conf"
    lines = [
        f"    ip-address: 127.0.0.1@{primary.tls_port}",
        f"    tls-port: {primary.tls_port}",
        f'    tls-service-key: "{primary.certificate.key}"',
        f'    tls-service-pem: "{primary.certificate.file}"',
    ]
    head = "server:\n"
    config.write_text(config.read_text().replace(head, head + "\n".join(lines) + "\n"))


AMEND = {"named": _named, "nsd": _nsd}

FILE = """\
$ORIGIN example.com.
$TTL 300
@ SOA ns1 host {} 3600 600 86400 300
@ NS ns1
ns1 A 192.0.2.1
{}
"""


@contextmanager
def connected(port: int) -> Iterator[ssl.SSLSocket]:
    """A client that takes any certificate and offers `dot`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["dot"])
    with (
        socket.create_connection(("127.0.0.1", port), 10) as sock,
        context.wrap_socket(sock) as tls,
    ):
        yield tls


@contextmanager
def over_tls(name: str, directory: Path, certificate: Certificate) -> Iterator[OverTls]:
    """A foreign primary that is ended in any case."""
    primary = OverTls(name, directory / name, Secret(directory / "key", KEY_SECRET))
    primary.certificate = certificate
    try:
        yield primary
    finally:
        primary.stop()


def test_bind_over_tls(tmp_path: Path, puller: PullerProcess, certificate: Certificate) -> None:
    """AXFR, and IXFR after an edit, of a BIND that transfers over TLS alone."""
    with over_tls("named", tmp_path, certificate) as primary:
        text = FILE.format(1, "")
        primary.publish(text, 1)
        fields = primary.fields
        reply = puller.pull([fields])
        assert (reply["ok"], reply["how"], reply["secure"]) == (True, "axfr", True), reply["error"]
        text = FILE.format(2, "www A 192.0.2.2")
        primary.publish(text, 2)
        reply = puller.pull([fields], serial=1)
        assert (reply["ok"], reply["how"], reply["secure"]) == (True, "ixfr", True), reply["error"]
        held = puller.zone(ORIGIN)
        assert held is not None
        assert as_stored(held) == as_served(text)
        assert not puller.pull([fields | {"tls": None}])["ok"], "in clear it gives nothing"


def test_an_nsd_that_negotiates_nothing(
    tmp_path: Path, puller: PullerProcess, certificate: Certificate
) -> None:
    """NSD 4.6 answers over TLS, but without the application protocol that transfers want."""
    with over_tls("nsd", tmp_path, certificate) as primary:
        primary.publish(FILE.format(1, ""), 1)
        with connected(primary.tls_port) as client:
            negotiated = client.selected_alpn_protocol()
        reply = puller.pull([primary.fields])
        assert reply["ok"] == (negotiated == "dot"), "a later NSD may"
        assert reply["ok"] or "does not negotiate the application protocol" in reply["error"]
