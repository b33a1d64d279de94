"""docs/secondaries.md: each server with the configuration that stands there, converging twice."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from agents import Agent, Secret, Zones, await_value, zone_text
from peers import require
from real_servers import RealServer
from transfers import axfr

PRIMARY = "192.0.2.1"
ADDRESSES = {
    "named": "192.0.2.10",
    "knotd": "192.0.2.11",
    "nsd": "192.0.2.12",
    "pdns_server": "192.0.2.13",
}
# Which fenced block of the page is whose.
BLOCKS = {"named": "named", "knotd": "knot", "nsd": "nsd", "pdns_server": "pdns"}
KEY = "xfr.example.com"


@dataclass
class Page:
    """The page's text, read by its blocks."""

    text: str

    def block(self, kind: str) -> str:
        """The one fenced block of this kind."""
        (found,) = re.findall(rf"```{kind}\n(.*?)```", self.text, re.DOTALL)
        return str(found)

    def commands(self, program: str) -> list[str]:
        """The indented lines that call a program."""
        plain = re.sub(r"```.*?```", "", self.text, flags=re.DOTALL)
        return re.findall(rf"^    ({program} .*)$", plain, re.MULTILINE)


@pytest.fixture
def page(project: Path) -> Page:
    return Page((project / "docs" / "secondaries.md").read_text())


@pytest.fixture
def secret(tmp_path: Path, page: Page) -> Secret:
    """The secret that stands on the page."""
    (text,) = set(re.findall(r"[A-Za-z0-9+/]{43}=", page.text))
    return Secret(tmp_path / "xfr.key", text, KEY).make()


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory with a path short enough for Unix sockets."""
    found = Path(tempfile.mkdtemp(prefix="zonecast-page-", dir="/tmp"))
    yield found
    shutil.rmtree(found)


@dataclass
class Host:
    """A secondary of the page in a directory of its own on loopback."""

    server: RealServer
    page: Page
    primary: int

    def here(self, text: str) -> str:
        """The page's text with this machine's places, addresses and ports."""
        port, own = self.server.port, ADDRESSES[self.server.name]
        text = text.replace(f"port 53 {{ {own};", f"port {port} {{ 127.0.0.1;")
        text = text.replace("local-port=53", f"local-port={port}")
        for number, address in ((port, own), (self.primary, PRIMARY)):
            text = re.sub(rf"{re.escape(address)}( port |@|:)53", rf"127.0.0.1\g<1>{number}", text)
            text = re.sub(rf"{re.escape(address)}(?!\d)", "127.0.0.1", text)
        return re.sub(r"/(?:var/(?:lib|cache)|run)/[a-z]+", str(self.server.directory), text)

    def start(self) -> None:
        """Start the server as the page says, with what a second server on a machine needs."""
        name, directory = self.server.name, self.server.directory
        config = self.here(self.page.block(BLOCKS[name]))
        if name == "named":
            alone = "pid-file none; session-keyfile none; lock-file none;"
            config = config.replace("options {", f"controls {{ }};\noptions {{ {alone}")
            command = ["-g", "-n", "1", "-c", f"{directory}/named.conf"]
        elif name == "knotd":
            config = config.replace("syslog", "stderr")
            command = ["-c", f"{directory}/knot.conf"]
        elif name == "nsd":
            config = config.replace("server:", 'server:\n    username: ""\n    xfrdir: "/tmp"', 1)
            command = ["-d", "-c", f"{directory}/nsd.conf"]
        else:
            config += "setuid=\n"
            command = [f"--config-dir={directory}", "--daemon=no", "--guardian=no"]
        file = {"pdns_server": "pdns.conf", "named": "named.conf", "knotd": "knot.conf"}
        (directory / file.get(name, "nsd.conf")).write_text(config)
        if name == "pdns_server":
            for line in self.page.commands("pdnsutil"):
                self.run(line)
        self.server.launch([require(name), *command])

    def run(self, script: str) -> None:
        """Run lines of the page in a shell, the control programs on this server's files."""
        directory = self.server.directory
        functions = [
            f'{program}() {{ command {require(program)} {option} "$@"; }}'
            for program, option in (
                ("pdnsutil", f"--config-dir={directory}"),
                ("pdns_control", f"--config-dir={directory}"),
                ("nsd-control", f"-c {directory}/nsd.conf"),
            )
        ]
        whole = "\n".join([*functions, self.here(script)])
        done = subprocess.run(["bash", "-c", whole], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def timer(self, zones: Iterable[str]) -> bool:
        """Run the page's timer for PowerDNS; whether it serves these zones."""
        self.run(self.page.block("sh"))
        return all(self.server.serial(zone) for zone in zones)


@pytest.mark.parametrize("name", ADDRESSES)
def test_it_converges_twice(
    name: str,
    page: Page,
    secret: Secret,
    zones: Zones,
    new_agent: Callable[[str], Agent],
    directory: Path,
) -> None:
    ns1 = new_agent("ns1")
    host = Host(RealServer(name, directory / "server", secret), page, ns1.port)
    first, *secondaries = page.block("toml").split("[[secondary]]")
    (own,) = [text for text in secondaries if f'"{ADDRESSES[name]}"' in text]
    config = f"{first}[[secondary]]{own}".replace("/srv/dns/zones.git", str(zones.bare))
    config = config.replace(f"/etc/zonecast/{KEY}.key", str(secret.path))
    config = config.replace(ADDRESSES[name], f"127.0.0.1:{host.server.port}")
    ns1.configure(*config.splitlines())
    zones.write("example.com.zone", zone_text(1, "www A 192.0.2.80"))
    zones.push()
    ns1.start()
    ns1.await_serial("example.com.", 1)
    try:
        host.start()
        _converge(host, ns1, secret, {"example.com.": 1})

        zones.write("example.com.zone", zone_text(2, "www A 192.0.2.81"))
        zones.write("example.org.zone", zone_text(7, "www A 192.0.2.82"))
        zones.push("a change, and a zone more")
        if name == "nsd":
            (line,) = page.commands("nsd-control")
            host.run(line)
        _converge(host, ns1, secret, {"example.com.": 2, "example.org.": 7})

        zones.write("example.com.zone", zone_text(3, "www A 192.0.2.83"))
        zones.push("a change more")
        _converge(host, ns1, secret, {"example.com.": 3, "example.org.": 7})
    except AssertionError as error:
        raise AssertionError(f"{error}\n{host.server.log}") from None
    finally:
        host.server.stop()


def _converge(host: Host, ns1: Agent, secret: Secret, serials: dict[str, int]) -> None:
    """Wait as the page says, and compare every record."""
    if host.server.name == "pdns_server":
        await_value(lambda: host.timer(serials), "the timer to give the zones the key")
    line = ["status", "--wait", "--timeout", "30", "--config", str(ns1.config)]
    command = [sys.executable, "-m", "zonecast", *line]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "every secondary has it" in done.stdout
    for zone, serial in serials.items():
        assert host.server.serial(zone) == serial
        assert axfr(host.server.port, secret, zone) == axfr(ns1.port, secret, zone)
