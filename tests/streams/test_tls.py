"""DNS over TLS with real agents: other people's clients, transfers, certificates that change."""

from __future__ import annotations

import signal
import socket
import ssl
import struct
import subprocess
import sys
from collections.abc import Callable

import dns.message
import dns.query
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, run, zone_text
from pairs import Pair
from peers import free_port, require

MakeAgent = Callable[[str], Agent]


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def served(zones: Zones, secret: Secret, new_agent: MakeAgent, pair: Pair, port: int) -> Agent:
    """An agent, not started, with one zone, that speaks TLS on `port`."""
    zones.write("example.com.zone", zone_text(7, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1")
    return agent.configure(*primary_config(zones, secret), *pair.table(port))


def connect(port: int, pair: Pair, *alpn: str, oldest: str = "TLSv1.3") -> ssl.SSLSocket:
    """A connection on which the server showed the certificate in the pair's file."""
    context = ssl.create_default_context(cafile=str(pair.certificate))
    context.maximum_version = context.minimum_version = {
        "TLSv1.2": ssl.TLSVersion.TLSv1_2,
        "TLSv1.3": ssl.TLSVersion.TLSv1_3,
    }[oldest]
    if alpn:
        context.set_alpn_protocols(list(alpn))
    sock = socket.create_connection(("127.0.0.1", port), timeout=10)
    try:
        return context.wrap_socket(sock, server_hostname="127.0.0.1")
    except BaseException:
        sock.close()
        raise


def ask(client: socket.socket, *queries: dns.message.Message) -> list[dns.message.Message]:
    """The answers to queries sent at once."""
    packets = [query.to_wire() for query in queries]
    client.sendall(b"".join(struct.pack(">H", len(packet)) + packet for packet in packets))
    stream = client.makefile("rb")
    replies = []
    for _ in queries:
        (size,) = struct.unpack(">H", stream.read(2))
        replies.append(dns.message.from_wire(stream.read(size)))
    return replies


def rcode(client: socket.socket, name: str, rtype: str) -> int:
    (reply,) = ask(client, dns.message.make_query(name, rtype))
    return int(reply.rcode())


def test_other_peoples_clients(served: Agent, pair: Pair, port: int) -> None:
    served.start().await_serial("example.com.", 7)
    assert f"127.0.0.1:{port} (TLS)" in served.ask("status")["agent"]["listening"]
    kdig = [require("kdig"), "@127.0.0.1", "-p", str(port), f"+tls-ca={pair.certificate}"]
    said = run([*kdig, "+tls-hostname=127.0.0.1", "+padding", "www.example.com"])
    assert "TLS session (TLS1.3)" in said
    assert "192.0.2.1" in said
    # Padded to whole blocks, as the query was and none but the two sees it (RFC 8467 §4.1).
    assert "PADDING" in said
    assert "Received 468 B" in said
    # BIND's client wants the name in the certificate, and keeps asking on one connection.
    dig = [require("dig"), "@127.0.0.1", "-p", str(port), "+tls", f"+tls-ca={pair.certificate}"]
    said = run(
        [*dig, "+tls-hostname=127.0.0.1", "+keepopen", "www.example.com", "example.com", "SOA"]
    )
    assert said.count("status: NOERROR") == 2
    assert said.count("(TLS)") == 2
    other = [*dig, "+tls-hostname=127.0.0.9", "+tries=1", "www.example.com"]
    done = subprocess.run(other, capture_output=True, text=True, check=False)
    assert "status: NOERROR" not in done.stdout
    openssl = [require("openssl"), "s_client", "-connect", f"127.0.0.1:{port}"]
    for options, outcome in (
        (["-alpn", "dot"], "ALPN protocol: dot"),
        (["-alpn", "h2"], "No ALPN negotiated"),
        (["-tls1_2"], "no peer certificate available"),
    ):
        done = subprocess.run(
            [*openssl, *options], input="", capture_output=True, text=True, check=False
        )
        assert outcome in done.stdout + done.stderr


def test_pipelined_and_what_is_no_tls(served: Agent, pair: Pair, port: int) -> None:
    served.start().await_serial("example.com.", 7)
    queries = [dns.message.make_query("www.example.com.", "A", id=n) for n in range(100)]
    with connect(port, pair) as client:
        assert [reply.id for reply in ask(client, *queries)] == list(range(100))
    # In clear nothing is answered there, and who says nothing keeps nobody else waiting.
    with socket.create_connection(("127.0.0.1", port), timeout=10):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            packet = queries[0].to_wire()
            plain.sendall(struct.pack(">H", len(packet)) + packet)
            try:
                heard = plain.recv(4096)
                assert len(heard) < 12
                assert heard[:1] in (b"", b"\x15")
            except ConnectionResetError:
                pass
        with connect(port, pair) as client:
            assert rcode(client, "www.example.com.", "A") == dns.rcode.NOERROR
    assert "Traceback" not in served.log


def test_transfers_over_tls_alone(
    zones: Zones, secret: Secret, new_agent: MakeAgent, pair: Pair, port: int
) -> None:
    """Pitfall: TLS without ALPN is no transport for transfers, and who is to use TLS gets nothing
    in clear."""
    zones.write("example.com.zone", zone_text(7, "www A 192.0.2.1"))
    zones.push()
    agent = new_agent("ns1")
    # Known by its address; the same one without TLS gets nothing.
    secondary = ["[[secondary]]", 'name = "ns2"', 'address = "127.0.0.1:1"', "tls = true"]
    agent.configure(*primary_config(zones, secret), *secondary, *pair.table(port)).start()
    agent.await_serial("example.com.", 7)

    with socket.create_connection(("127.0.0.1", agent.port), timeout=10) as clear:
        assert rcode(clear, "example.com.", "AXFR") == dns.rcode.REFUSED
    incremental = dns.message.make_query("example.com.", "IXFR")
    assert dns.query.udp(incremental, "127.0.0.1", port=agent.port).rcode() == dns.rcode.REFUSED
    with connect(port, pair) as without_alpn:
        assert rcode(without_alpn, "example.com.", "SOA") == dns.rcode.NOERROR
        assert rcode(without_alpn, "example.com.", "AXFR") == dns.rcode.REFUSED
    with connect(port, pair, "dot") as client:
        (whole,) = ask(client, dns.message.make_query("example.com.", "AXFR"))
        assert whole.rcode() == dns.rcode.NOERROR
        assert len(whole.answer) >= 3


def test_a_certificate_is_replaced_while_running(served: Agent, pair: Pair, port: int) -> None:
    served.start().await_serial("example.com.", 7)
    with connect(port, pair) as before:
        assert rcode(before, "www.example.com.", "A") == dns.rcode.NOERROR
        old = ssl.PEM_cert_to_DER_cert(pair.certificate.read_text())
        pair.make("second")

        def renewed() -> bool:
            try:
                with connect(port, pair) as client:
                    return client.getpeercert(binary_form=True) != old
            except ssl.SSLCertVerificationError:
                return False

        await_value(renewed, "the new certificate")
        # Who was connected stays so.
        assert rcode(before, "www.example.com.", "A") == dns.rcode.NOERROR
    good = Pair(pair.certificate.parent / "good")
    good.certificate.parent.mkdir()
    good.certificate.write_bytes(pair.certificate.read_bytes())
    pair.key.write_text("no key\n")

    def complained() -> bool:
        with connect(port, good) as client:
            assert rcode(client, "www.example.com.", "A") == dns.rcode.NOERROR
        return "no certificate and key that fit together" in served.log

    await_value(complained, "the complaint")
    assert served.process is not None
    served.process.send_signal(signal.SIGHUP)
    await_value(lambda: "the configuration is not reloaded" in served.log, "the refusal")
    with connect(port, good) as client:
        assert rcode(client, "www.example.com.", "A") == dns.rcode.NOERROR


def test_older_versions_where_configured(served: Agent, pair: Pair, port: int) -> None:
    served.config.write_text(served.config.read_text() + 'oldest-version = "1.2"\n')
    served.start().await_serial("example.com.", 7)
    with connect(port, pair, oldest="TLSv1.2") as client:
        assert client.version() == "TLSv1.2"
        assert rcode(client, "www.example.com.", "A") == dns.rcode.NOERROR


PASS = """\
import os, socket, sys
sockets = []
for number, kind in enumerate((socket.SOCK_DGRAM, socket.SOCK_STREAM, socket.SOCK_STREAM)):
    sock = socket.socket(socket.AF_INET, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", int(sys.argv[1 + number // 2])))
    if kind == socket.SOCK_STREAM:
        sock.listen(8)
    sockets.append(sock)
for number, sock in enumerate(sockets):
    os.dup2(sock.fileno(), 100 + number)
for number in range(3):
    os.dup2(100 + number, 3 + number)
os.environ |= {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3"}
os.environ["LISTEN_FDNAMES"] = "zonecast.socket:zonecast.socket:dot"
os.execv(sys.executable, [sys.executable, "-m", "zonecast", "run", "--config", sys.argv[3]])
"""


def test_a_passed_socket_named_dot_speaks_tls(served: Agent, pair: Pair, port: int) -> None:
    text = served.config.read_text()
    served.config.write_text(text.replace(f'listen = ["127.0.0.1:{port}"]', ""))
    command = [sys.executable, "-c", PASS, str(served.port), str(port), str(served.config)]
    with (served.directory / "log").open("ab") as log:
        served.process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    served.status_when(lambda report: report["zones"], "the zone")
    served.await_serial("example.com.", 7)
    with connect(port, pair, "dot") as client:
        assert rcode(client, "www.example.com.", "A") == dns.rcode.NOERROR


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("cert.pem", "none.pem", "cannot be read: No such file"),
        ("key.pem", "cert.pem", "no certificate and key that fit together"),
        ("[tls]", '[[secondary]]\nname = "x"\naddress = "192.0.2.1"\ntls = true\n[tlx]', "tlx"),
    ],
)
def test_what_is_wrong_stops_a_start(served: Agent, old: str, new: str, complaint: str) -> None:
    served.config.write_text(served.config.read_text().replace(old, new))
    command = [sys.executable, "-m", "zonecast", "run", "--config", str(served.config)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode == 2, done.stderr
    assert complaint in done.stderr
