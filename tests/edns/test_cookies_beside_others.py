"""Cookies shared with BIND, Knot and NSD through one secret: each takes what another made."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.edns
import dns.exception
import dns.message
import dns.query
import dns.rcode
import pytest
from agents import Agent, Secret, Zones, await_value, primary_config, zone_text
from peers import free_port, require

from zonecast.protocol.cookies import Cookies
from zonecast.server.answering.guard import packed

SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"
CLIENT = b"zonecast"
ADDRESS = "127.0.0.1"
ZONE = zone_text(7, "www A 192.0.2.1")


def named(directory: Path, port: int) -> list[str]:
    (directory / "named.conf").write_text(
        f'options {{ directory "{directory}"; pid-file none; session-keyfile none; recursion no;'
        f" listen-on port {port} {{ {ADDRESS}; }}; listen-on-v6 {{ none; }};"
        f' cookie-secret "{SECRET}"; require-server-cookie yes; }};'
        " controls { };"
        ' zone "example.com" { type primary; file "example.com.zone"; };\n'
    )
    return [require("named"), "-f", "-c", str(directory / "named.conf")]


def knotd(directory: Path, port: int) -> list[str]:
    (directory / "knot.conf").write_text(
        f"server:\n  rundir: {directory}\n  listen: {ADDRESS}@{port}\n"
        f"database:\n  storage: {directory}\n"
        f"mod-cookies:\n  - id: shared\n    secret: 0x{SECRET}\n    badcookie-slip: 1\n"
        f"template:\n  - id: default\n    storage: {directory}\n    global-module: mod-cookies/shared\n"
        "zone:\n  - domain: example.com\n    file: example.com.zone\n"
    )
    return [require("knotd"), "-c", str(directory / "knot.conf")]


def nsd(directory: Path, port: int) -> list[str]:
    (directory / "nsd.conf").write_text(
        f'server:\n  ip-address: {ADDRESS}@{port}\n  username: ""\n  chroot: ""\n'
        f'  zonesdir: {directory}\n  pidfile: ""\n  database: ""\n'
        f"  zonelistfile: {directory}/zone.list\n  xfrdfile: {directory}/xfrd.state\n"
        f"  xfrdir: {directory}\n  server-count: 1\n"
        f"  answer-cookie: yes\n  cookie-secret: {SECRET}\n"
        "remote-control:\n  control-enable: no\n"
        "zone:\n  name: example.com\n  zonefile: example.com.zone\n"
    )
    return [require("nsd"), "-d", "-c", str(directory / "nsd.conf")]


def ask(port: int, cookie: bytes) -> tuple[int, bytes]:
    """RCODE and the cookie that comes back."""
    option = dns.edns.GenericOption(dns.edns.OptionType.COOKIE, cookie)
    query = dns.message.make_query("www.example.com.", "A", use_edns=0, options=[option])
    reply = dns.query.udp(query, ADDRESS, port=port, timeout=5)
    (said,) = (item for item in reply.options if item.otype == dns.edns.OptionType.COOKIE)
    return reply.rcode(), said.to_wire() or b""


@contextmanager
def running(configure: Callable[[Path, int], list[str]], directory: Path) -> Iterator[int]:
    """A server with the zone, and its port."""
    (directory / "example.com.zone").write_text(f"$ORIGIN example.com.\n{ZONE}")
    port = free_port()
    command = configure(directory, port)
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)

    def answers() -> bool:
        assert process.poll() is None, (directory / "log").read_text()
        try:
            query = dns.message.make_query("www.example.com.", "A")
            return bool(dns.query.udp(query, ADDRESS, port=port, timeout=0.5).answer)
        except (dns.exception.Timeout, OSError):
            return False

    try:
        await_value(answers, f"{command[0]} to answer", 20)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture
def agent(zones: Zones, secret: Secret, tmp_path: Path, new_agent: Callable[[str], Agent]) -> Agent:
    """Our own, that takes no query over UDP without a cookie that verifies."""
    zones.write("example.com.zone", ZONE)
    zones.push()
    file = tmp_path / "cookie"
    file.touch(mode=0o600)
    file.write_text(SECRET)
    made = new_agent("agent")
    site = [f'cookie-secret-file = "{file}"', "require-cookies = true"]
    made.configure(*site, *primary_config(zones, secret)).start()
    made.await_serial("example.com.", 7)
    return made


@pytest.mark.parametrize("configure", [named, knotd, nsd])
def test_each_takes_the_others_cookies(
    configure: Callable[[Path, int], list[str]], agent: Agent, tmp_path: Path
) -> None:
    directory = tmp_path / configure.__name__
    directory.mkdir()
    with running(configure, directory) as port:
        _, theirs = ask(port, CLIENT)
        assert ask(agent.port, theirs) == (dns.rcode.NOERROR, theirs)
        _, ours = ask(agent.port, CLIENT)
        forged = ours[:-1] + bytes((ours[-1] ^ 1,))
        assert ask(agent.port, forged)[0] == dns.rcode.BADCOOKIE
        assert ask(port, ours)[0] == dns.rcode.NOERROR
        if configure is nsd:
            # It never says BADCOOKIE, but keeps a cookie of ten minutes ago if that verifies.
            secret = bytes.fromhex(SECRET)
            earlier = Cookies([secret]).judge(CLIENT, packed(ADDRESS), time.time() - 600).option[4:]
            assert ask(port, earlier) == (dns.rcode.NOERROR, earlier)
            assert ask(port, earlier[:-1] + bytes((earlier[-1] ^ 1,)))[1] != earlier
        else:
            assert ask(port, forged)[0] == dns.rcode.BADCOOKIE
