"""Transfers in over TLS (RFC 9103): who is believed, who is not, and that strict is never clear."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dns.flags
import dns.message
import dns.rrset
import pytest
from agents import Agent, Secret, Zones, peer, primary_config, zone_text
from peers import free_port, require
from puller_support import PullerProcess, scripted
from tls_support import Certificate, TlsPrimary
from transfer_support import BASE, ORIGIN, DictSource, zone

from zonecast.errors import WireError
from zonecast.protocol.pinning import read_certificate
from zonecast.protocol.primaries import Choice, Newer, Same, Source
from zonecast.protocol.question import client_serial
from zonecast.protocol.sections import read_question
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.server.peers import Primary, Tls
from zonecast.server.pulling.polling import WITH_ONE, Polling
from zonecast.server.query import read_message
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import diff
from zonecast.zone.names import from_text

MakeAgent = Callable[[str], Agent]

OLD = zone(5)
NEW = zone(6, [*BASE[1:], ("new", "A", 60, "192.0.2.77")])
SOURCE = DictSource(NEW, [diff(OLD, NEW)])
NO_PIN = base64.b64encode(bytes(32)).decode()


def good(query: bytes) -> Iterable[bytes]:
    asked = read_question(query)
    number = int.from_bytes(query[:2], "big")
    if asked.qtype == rd.AXFR:
        return axfr_messages(number, query[12 : asked.end], SOURCE)
    return ixfr_messages(number, query[12 : asked.end], client_serial(query), SOURCE)


@pytest.fixture
def certificate(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path / "primary").make()


@pytest.fixture
def authority(tmp_path: Path) -> Certificate:
    return Certificate(tmp_path / "authority", "DNS:authority.example").make()


def test_a_pin_is_what_openssl_makes_of_the_key(certificate: Certificate) -> None:
    openssl = require("openssl")
    key = subprocess.run(
        [openssl, "pkey", "-in", str(certificate.key), "-pubout", "-outform", "DER"],
        capture_output=True,
        check=True,
    ).stdout
    assert certificate.pin == base64.b64encode(hashlib.sha256(key).digest()).decode()


def test_what_is_no_certificate_is_refused() -> None:
    for octets in (
        b"",
        b"\x30",
        b"\x30\x82\xff\xff",
        b"\x30\x02\x30\x00",
        b"\x02\x01\x00",
        bytes(99),
    ):
        with pytest.raises(WireError):
            read_certificate(octets)


@contextmanager
def clear_port() -> Iterator[socket.socket]:
    """The port in clear, on which nobody must knock."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        yield listener
        with pytest.raises(BlockingIOError):
            listener.accept()


def strict(primary: TlsPrimary, clear: socket.socket, **how: Any) -> dict[str, Any]:
    """The primary as a job names it that is asked over TLS alone."""
    fields = primary.fields(tls=Tls(primary.port, True, **how))
    return fields | {"address": f"127.0.0.1:{clear.getsockname()[1]}"}


def test_known_by_its_key_or_by_an_authority(
    puller: PullerProcess, tmp_path: Path, certificate: Certificate, authority: Certificate
) -> None:
    """A pin of several, a self-signed certificate by itself, an authority with a name or the
    address; all at once where all of it is given."""
    issued = Certificate(tmp_path / "issued", "DNS:ns1.example,IP:127.0.0.1").make(authority)
    ca = {"by_authority": True, "authorities": str(authority.file)}
    cases: list[tuple[Certificate, dict[str, Any]]] = [
        (certificate, {"pins": (NO_PIN, certificate.pin)}),
        (certificate, {"by_authority": True, "authorities": str(certificate.file)}),
        (issued, ca),
        (issued, ca | {"name": "ns1.example"}),
        (issued, ca | {"name": "ns1.example", "pins": (issued.pin,)}),
    ]
    with clear_port() as clear:
        for shown, how in cases:
            with TlsPrimary(good, shown) as primary:
                reply = puller.pull([strict(primary, clear, **how)], force=True)
            assert (reply["ok"], reply["how"], reply["secure"]) == (True, "axfr", True), reply[
                "error"
            ]
        with TlsPrimary(good, certificate) as primary:
            fields = strict(primary, clear, pins=(certificate.pin,))
            puller.pull([fields], force=True)
            assert puller.pull([fields], serial=6)["how"] == "unchanged"


def test_who_proves_nothing_is_refused_and_why(
    puller: PullerProcess, tmp_path: Path, certificate: Certificate, authority: Certificate
) -> None:
    """Pitfall: a wrong key, name or authority, an expired certificate, no ALPN; clear text is not tried."""
    other = Certificate(tmp_path / "other", "DNS:ns2.example").make(authority)
    old = Certificate(tmp_path / "old").make().expire()
    ca = {"by_authority": True, "authorities": str(authority.file)}
    own = {"by_authority": True, "authorities": str(old.file)}
    cases: list[tuple[Certificate, dict[str, Any], str]] = [
        (certificate, {"pins": (NO_PIN,)}, f"the pin of its key is {certificate.pin}, and none"),
        (certificate, ca, "not accepted: self-signed certificate"),
        (other, ca, "not accepted: IP address mismatch"),
        (other, ca | {"name": "ns1.example"}, "not accepted: Hostname mismatch"),
        (other, ca | {"name": "ns2.example", "pins": (NO_PIN,)}, "the pin of its key is"),
        (old, {"pins": (old.pin,)}, "its certificate has expired"),
        (old, own, "not accepted: certificate has expired"),
        (certificate, {"pins": (NO_PIN,), "certificate": "/none.pem"}, "cannot be read"),
    ]
    with clear_port() as clear:
        for shown, how, says in cases:
            with TlsPrimary(good, shown) as primary:
                reply = puller.pull([strict(primary, clear, **how)])
            assert not reply["ok"]
            assert says in reply["error"]
            assert primary.queries == []
        for alpn in ("", "h2"):
            with TlsPrimary(good, certificate, alpn) as primary:
                reply = puller.pull([strict(primary, clear, pins=(certificate.pin,))])
            assert not reply["ok"]
            assert primary.queries == []
            # OpenSSL as a server ends the handshake itself where there is none in common.
            assert "does not negotiate the application protocol 'dot'" in reply["error"]
    assert puller.zone(ORIGIN) is None


def test_the_certificate_that_a_primary_wants(
    puller: PullerProcess, tmp_path: Path, certificate: Certificate
) -> None:
    ours = Certificate(tmp_path / "ours").make()
    files = {"certificate": str(ours.file), "certificate_key": str(ours.key)}
    with clear_port() as clear, TlsPrimary(good, certificate, clients=ours) as primary:
        pins = (certificate.pin,)
        without = puller.pull([strict(primary, clear, pins=pins)])
        assert not without["ok"]
        assert "which certificate it wants" in without["error"]
        reply = puller.pull([strict(primary, clear, pins=pins, **files)])
        assert (reply["ok"], reply["secure"]) == (True, True)


def test_opportunistic_takes_whoever_answers_there_and_clear_where_nobody_does(
    puller: PullerProcess, tmp_path: Path
) -> None:
    old = Certificate(tmp_path / "old").make().expire()
    with scripted(good) as clear:
        with TlsPrimary(good, old) as primary:
            fields = clear.fields(tls=Tls(primary.port, strict=False))
            reply = puller.pull([fields])
            assert (reply["ok"], reply["secure"]) == (True, True)
        assert clear.queries == []
        with TlsPrimary(good, old, "h2") as primary:
            fields = clear.fields(tls=Tls(primary.port, strict=False))
            assert puller.pull([fields], force=True)["secure"] is False
        assert puller.pull([fields], serial=5, force=True)["ok"], "nobody listens there any more"
    assert len(clear.queries) == 2


def test_an_agent_over_tls_and_status(
    zones: Zones, secret: Secret, new_agent: MakeAgent, certificate: Certificate
) -> None:
    """Polls and transfers both ways; a pin that no longer holds is said, and nothing is in clear."""
    hosts = [f"host{number} A 192.0.2.{number}" for number in range(50)]
    zones.write("example.com.zone", zone_text(1, *hosts))
    zones.push()
    port = free_port()
    ns1, ns2 = new_agent("ns1"), new_agent("ns2")
    served = ["[tls]", *certificate.table, f'listen = ["127.0.0.1:{port}"]']
    secondary = [*peer("secondary", "ns2", ns2.address), "tls = true"]
    ns1.configure(*primary_config(zones, secret), *secondary, *served).start()
    with clear_port() as clear, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(clear.getsockname())
        datagrams.setblocking(False)
        head = peer("primary", "ns1", f"127.0.0.1:{clear.getsockname()[1]}")
        head = [*secret.config, *head, 'tls = "strict"', f"tls-port = {port}"]
        pulled = ["[[zone]]", 'name = "example.com"', 'primaries = ["ns1"]']
        ns2.configure(*head, f'pins = ["{certificate.pin}"]', *pulled).start()
        ns2.await_serial("example.com.", 1)
        zones.write("example.com.zone", zone_text(2, *hosts, "www A 192.0.2.2"))
        zones.push()
        ns2.await_serial("example.com.", 2)
        report = ns2.status_when(
            lambda r: r["zones"][0]["refresh"]["last-transfer"]["how"] == "ixfr", "the IXFR"
        )
        assert report["zones"][0]["refresh"]["last-transfer"]["secure"]
        ns2.stop()
        ns2.configure(*head, f'pins = ["{NO_PIN}"]', *pulled).start()
        report = ns2.status_when(lambda r: r["zones"][0]["refresh"]["trouble"], "the trouble")
        assert (
            f"the pin of its key is {certificate.pin}" in report["zones"][0]["refresh"]["trouble"]
        )
        assert ns2.serial("example.com.") == 2
        with pytest.raises(BlockingIOError):
            datagrams.recv(512)


def test_polls_share_connections(certificate: Certificate) -> None:
    """Two hundred zones take a handshake for each poll that runs at one time, and no more."""
    zones = [from_text(f"zone{number}.example.") for number in range(200)]
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    context.set_alpn_protocols(["dot"])
    handshakes = 0

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal handshakes
        handshakes += 1
        try:
            while True:
                query = dns.message.from_wire(await read_message(reader))
                reply = dns.message.make_response(query)
                reply.flags |= dns.flags.AA
                name = query.question[0].name
                soa = "ns1.example. host.example. 42 3600 600 86400 300"
                reply.answer = [dns.rrset.from_text(name, 300, "IN", "SOA", soa)]
                wire = reply.to_wire()
                writer.write(len(wire).to_bytes(2, "big") + wire)
        except asyncio.IncompleteReadError:
            writer.close()

    async def poll() -> None:
        async with await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context) as server:
            port = server.sockets[0].getsockname()[1]
            primary = Primary("ns1", "127.0.0.1", 1, None, Tls(port, True, (certificate.pin,)))
            polling = Polling([primary])
            polls = [polling.poll(zone, Choice(), ["ns1"], 42) for zone in zones]
            assert set(await asyncio.gather(*polls)) == {Same(None)}
            assert 0 < handshakes <= WITH_ONE
            before = handshakes
            for zone in zones:
                assert await polling.poll(zone, Choice(), ["ns1"], 41) == Newer(
                    [Source("ns1", True)]
                )
            assert handshakes == before
            server.close()

    asyncio.run(poll())


def test_config_check_reads_the_files(tmp_path: Path, certificate: Certificate) -> None:
    file = tmp_path / "zonecast.toml"
    head = '[[primary]]\nname = "ns1"\naddress = "192.0.2.1"\ntls = "strict"\n'
    command = [sys.executable, "-m", "zonecast", "config", "check", "--config", str(file)]
    for ca, code in ((certificate.file, 0), (tmp_path / "none.pem", 2), (certificate.key, 2)):
        file.write_text(f'{head}ca-file = "{ca}"\n')
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
        assert not code or f"{ca}: authorities cannot be read" in done.stderr
