"""BIND, Knot and NSD as primaries for example.com, on loopback, with a key and IXFR."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents import KEY, Secret
from peers import require
from real_servers import RealServer

ZONE = "example.com."


class RealPrimary(RealServer):
    """One server; `publish` gives it another version of the zone file. It sends NOTIFYs to the
    ports in `secondaries` on 127.0.0.1."""

    def __init__(
        self, name: str, directory: Path, secret: Secret, secondaries: Sequence[int] = ()
    ) -> None:
        super().__init__(name, directory, secret)
        self.zonefile = directory / "example.com.zone"
        self.secondaries = secondaries

    def publish(self, text: str, serial: int) -> None:
        """Write the zone file, let the server load it and wait until it serves the serial."""
        self.zonefile.write_text(text)
        if self.process is None:
            self.launch(COMMANDS[self.name](self))
        else:
            self.process.send_signal(signal.SIGHUP)
        self.await_serial(ZONE, serial)


@contextmanager
def real_primary(
    name: str, directory: Path, secret: Secret, secondaries: Sequence[int] = ()
) -> Iterator[RealPrimary]:
    """A primary that is ended in any case."""
    primary = RealPrimary(name, directory, secret, secondaries)
    try:
        yield primary
    finally:
        primary.stop()


def _named(primary: RealPrimary) -> list[str]:
    notified = " ".join(f"127.0.0.1 port {port} key {KEY};" for port in primary.secondaries)
    config = primary.directory / "named.conf"
    config.write_text(f"""
key "{KEY}" {{ algorithm hmac-sha256; secret "{primary.secret.text}"; }};
controls {{ }};
options {{
    directory "{primary.directory}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {primary.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; allow-transfer {{ none; }}; dnssec-validation no;
    notify explicit; notify-delay 0; notify-rate 100; startup-notify-rate 100;
    check-names primary ignore; check-integrity no;
}};
zone "example.com" {{
    type primary; file "example.com.zone"; ixfr-from-differences yes;
    max-ixfr-ratio unlimited; max-journal-size unlimited;
    allow-transfer {{ key "{KEY}"; }}; also-notify {{ {notified} }};
}};
""")
    return [require("named"), "-g", "-n", "1", "-c", str(config)]


def _knotd(primary: RealPrimary) -> list[str]:
    directory = primary.directory
    (directory / "db").mkdir()
    remotes = "".join(
        f"  - id: at{port}\n    address: 127.0.0.1@{port}\n    key: {KEY}\n"
        for port in primary.secondaries
    )
    notify = "".join(f"    notify: at{port}\n" for port in primary.secondaries)
    config = directory / "knot.conf"
    config.write_text(f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{primary.port}
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
  - id: {KEY}
    algorithm: hmac-sha256
    secret: {primary.secret.text}
remote:
{remotes}
acl:
  - id: xfr
    key: {KEY}
    action: transfer
zone:
  - domain: example.com
    file: "{directory}/example.com.zone"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: changes
    acl: xfr
{notify}""")
    return [require("knotd"), "-c", str(config)]


def _nsd(primary: RealPrimary) -> list[str]:
    directory = primary.directory
    notify = "".join(f"    notify: 127.0.0.1@{port} {KEY}\n" for port in primary.secondaries)
    config = directory / "nsd.conf"
    config.write_text(f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{primary.port}
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
    name: "{KEY}"
    algorithm: hmac-sha256
    secret: "{primary.secret.text}"
zone:
    name: example.com
    zonefile: "{directory}/example.com.zone"
    store-ixfr: yes
    create-ixfr: yes
    provide-xfr: 0.0.0.0/0 {KEY}
{notify}""")
    return [require("nsd"), "-d", "-c", str(config)]


COMMANDS: dict[str, Callable[[RealPrimary], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
}
