"""BIND, Knot, NSD and PowerDNS as primaries for example.com, on loopback, with a key, and with IXFR
where they have that: PowerDNS sends whole zones alone."""

from __future__ import annotations

import shutil
import signal
import struct
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import dns.name
import dns.rdata
import dns.rdatatype
import dns.zone
from agents import KEY, Secret
from dns.rdatatype import CERT, HTTPS, SVCB
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
        if self.name == "pdns_server":
            _load(self)
        if self.process is None:
            self.launch(COMMANDS[self.name](self))
        elif self.name != "pdns_server":
            self.process.send_signal(signal.SIGHUP)
        self.await_serial(ZONE, serial)
        if self.name == "pdns_server":
            _pdns(self, "pdns_control", "notify", "example.com")

    def forget(self) -> None:
        """Lose what changed between versions; it is stopped, and starts with the next one."""
        self.process = None
        for file in self.directory.glob("*.jnl"):
            file.unlink()
        for file in self.directory.glob("*.ixfr*"):
            file.unlink()
        shutil.rmtree(self.directory / "db", ignore_errors=True)


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
    (directory / "db").mkdir(exist_ok=True)
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


def _pdns_server(primary: RealPrimary) -> list[str]:
    return [require("pdns_server"), f"--config-dir={primary.directory}"]


def _load(primary: RealPrimary) -> None:
    """Have PowerDNS take the zone file, which it does only by hand."""
    directory = primary.directory
    new = not (directory / "pdns.conf").exists()
    if new:
        also = ",".join(f"127.0.0.1:{port}" for port in primary.secondaries)
        (directory / "pdns.conf").write_text(f"""
launch=lmdb
lmdb-filename={directory}/pdns.lmdb
lmdb-shards=1
lmdb-sync-mode=nosync
local-address=127.0.0.1
local-port={primary.port}
socket-dir={directory}
setuid=
primary=yes
also-notify={also}
only-notify=
allow-axfr-ips=
daemon=no
guardian=no
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
""")
        _pdns(primary, "pdnsutil", "import-tsig-key", KEY, "hmac-sha256", primary.secret.text)
    plain = directory / "plain.zone"
    zone = dns.zone.from_file(str(primary.zonefile), ZONE, relativize=False)
    plain.write_text("".join(map(_plain, zone.iterate_rdatas())))
    _pdns(primary, "pdnsutil", "load-zone", "example.com", str(plain))
    if new:
        _pdns(primary, "pdnsutil", "set-kind", "example.com", "primary")
        _pdns(primary, "pdnsutil", "set-meta", "example.com", "TSIG-ALLOW-AXFR", KEY)


def _plain(record: tuple[dns.name.Name, int, dns.rdata.Rdata]) -> str:
    """A record as PowerDNS reads it: strings quoted, parameters not, numbers for words."""
    name, ttl, rdata = record
    text = rdata.to_text()
    if rdata.rdtype in (HTTPS, SVCB):
        text = text.replace('"', "")
    elif rdata.rdtype == CERT:
        kind, tag, algorithm = struct.unpack_from("!HHB", rdata.to_wire())
        text = f"{kind} {tag} {algorithm} {text.split(maxsplit=3)[3]}"
    return f"{name} {ttl} IN {dns.rdatatype.to_text(rdata.rdtype)} {text}\n"


def _pdns(primary: RealPrimary, program: str, *words: str) -> None:
    command = [require(program), f"--config-dir={primary.directory}", *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


COMMANDS: dict[str, Callable[[RealPrimary], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
    "pdns_server": _pdns_server,
}
