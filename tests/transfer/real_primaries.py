"""BIND, Knot and NSD as primaries for one zone, on loopback, with a key and IXFR."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from peers import free_port, require
from transfer_support import KEY_NAME, KEY_SECRET, ORIGIN

from zonecast.errors import ZonecastError
from zonecast.protocol.tsig import make_key
from zonecast.server.pull_query import ask_soa
from zonecast.zone.rrset import soa_serial

KEY = make_key(KEY_NAME, "hmac-sha256", KEY_SECRET)


class RealPrimary:
    """One server's process; `publish` gives it another version of the zone file."""

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.port = free_port()
        self.zonefile = directory / "example.com.zone"
        self._directory = directory
        self._process: subprocess.Popen[bytes] | None = None

    def publish(self, text: str, serial: int) -> None:
        """Write the zone file, let the server load it and wait until it serves the serial."""
        self.zonefile.write_text(text)
        if self._process is None:
            command = COMMANDS[self.name](self._directory, self.port)
            log = (self._directory / "log").open("wb")
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self._directory
            )
            log.close()
        else:
            self._process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self._served() != serial:
            assert self._process.poll() is None, (self._directory / "log").read_text()
            assert time.monotonic() < deadline, (self._directory / "log").read_text()
            time.sleep(0.05)

    def _served(self) -> int | None:
        try:
            soa = asyncio.run(ask_soa(ORIGIN, "127.0.0.1", self.port, KEY, 0.5))
        except ZonecastError:
            return None
        return soa_serial(soa.rdatas[0])

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


@contextmanager
def real_primary(name: str, directory: Path) -> Iterator[RealPrimary]:
    primary = RealPrimary(name, directory)
    try:
        yield primary
    finally:
        primary.stop()


def _named(directory: Path, port: int) -> list[str]:
    config = directory / "named.conf"
    config.write_text(f"""
key "{KEY_NAME}" {{ algorithm hmac-sha256; secret "{KEY_SECRET}"; }};
controls {{ }};
options {{
    directory "{directory}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; allow-transfer {{ none; }}; dnssec-validation no;
}};
zone "example.com" {{
    type primary; file "example.com.zone"; ixfr-from-differences yes;
    max-ixfr-ratio unlimited; max-journal-size unlimited;
    allow-transfer {{ key "{KEY_NAME}"; }};
}};
""")
    return [require("named"), "-g", "-n", "1", "-c", str(config)]


def _knotd(directory: Path, port: int) -> list[str]:
    (directory / "db").mkdir()
    config = directory / "knot.conf"
    config.write_text(f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}/db"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
log:
  - target: stderr
    any: info
key:
  - id: {KEY_NAME}
    algorithm: hmac-sha256
    secret: {KEY_SECRET}
acl:
  - id: xfr
    key: {KEY_NAME}
    action: transfer
zone:
  - domain: example.com
    file: "{directory}/example.com.zone"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: changes
    acl: xfr
""")
    return [require("knotd"), "-c", str(config)]


def _nsd(directory: Path, port: int) -> list[str]:
    config = directory / "nsd.conf"
    config.write_text(f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    username: ""
    zonesdir: "{directory}"
    database: ""
    pidfile: ""
    zonelistfile: "{directory}/zone.list"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    verbosity: 1
remote-control:
    control-enable: no
key:
    name: "{KEY_NAME.rstrip(".")}"
    algorithm: hmac-sha256
    secret: "{KEY_SECRET}"
zone:
    name: example.com
    zonefile: "{directory}/example.com.zone"
    store-ixfr: yes
    create-ixfr: yes
    provide-xfr: 0.0.0.0/0 {KEY_NAME.rstrip(".")}
""")
    return [require("nsd"), "-d", "-c", str(config)]


COMMANDS: dict[str, Callable[[Path, int], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
}
