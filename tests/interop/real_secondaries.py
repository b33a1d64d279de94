"""BIND, Knot, NSD and PowerDNS as secondaries for example.com: their configurations, and what each
says of how it transferred.

None has anything but one primary on loopback and a key; the NOTIFY has to be signed with it too.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from agents import KEY, Secret
from peers import lack, require
from real_servers import RealServer
from transfers import answers_ixfr


class RealSecondary(RealServer):
    """One server that transfers example.com from `primary`, a port of 127.0.0.1."""

    def __init__(self, name: str, directory: Path, secret: Secret, primary: int) -> None:
        super().__init__(name, directory, secret)
        self.primary = primary

    def start(self) -> None:
        """Configure it and start it."""
        self.launch(COMMANDS[self.name](self))

    def transfers(self, serials: Sequence[int]) -> list[str]:
        """How it came to each of these serials in turn, all it ever had: "axfr" or "ixfr"."""
        if self.name == "nsd":
            # It does not log which, but of what came as IXFR it can answer IXFR itself, and only
            # of that: to its first serial it came by AXFR.
            told = (answers_ixfr(self.port, self.secret, serial) for serial in serials[:-1])
            return ["axfr", *("ixfr" if incremental else "axfr" for incremental in told)]
        axfr, ixfr = LOGGED[self.name]
        logged = re.findall(f"({axfr})|{ixfr}", self.log)
        return ["axfr" if whole else "ixfr" for whole in logged]


@contextmanager
def real_secondary(
    name: str, directory: Path, secret: Secret, primary: int
) -> Iterator[RealSecondary]:
    """A secondary that is ended in any case."""
    secondary = RealSecondary(name, directory, secret, primary)
    try:
        yield secondary
    finally:
        secondary.stop()


def named(server: RealServer, zones: str, options: str = "") -> list[str]:
    """BIND with these zones and further options in its configuration."""
    config = server.directory / "named.conf"
    config.write_text(f"""
key "{KEY}" {{ algorithm hmac-sha256; secret "{server.secret.text}"; }};
controls {{ }};
logging {{
    channel out {{ stderr; severity debug 3; print-category yes; }};
    category default {{ out; }}; category xfer-in {{ out; }}; category notify {{ out; }};
}};
options {{
    directory "{server.directory}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {server.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; notify no; allow-transfer {{ key "{KEY}"; }}; allow-notify {{ key "{KEY}"; }};
    dnssec-validation no;
    {options}
}};
{zones}
""")
    return [require("named"), "-f", "-n", "1", "-c", str(config)]


def _named(secondary: RealSecondary) -> list[str]:
    primaries = f'127.0.0.1 port {secondary.primary} key "{KEY}";'
    zone = f'type secondary; file "example.com.db"; primaries {{ {primaries} }};'
    return named(secondary, f'zone "example.com" {{ {zone} }};')


def knotd(server: RealServer, primary: int, zones: str) -> list[str]:
    """Knot with a remote called primary, a template called member, and these zones."""
    (server.directory / "db").mkdir(exist_ok=True)
    config = server.directory / "knot.conf"
    config.write_text(f"""
server:
    rundir: "{server.directory}"
    listen: 127.0.0.1@{server.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{server.directory}/db"
    journal-db-mode: asynchronous
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
    secret: {server.secret.text}
remote:
  - id: primary
    address: 127.0.0.1@{primary}
    key: {KEY}
acl:
  - id: peers
    key: {KEY}
    action: [transfer, notify]
template:
  - id: member
    storage: "{server.directory}"
    zonefile-sync: -1
    zonefile-load: none
    journal-content: all
    master: primary
    acl: peers
{zones}
""")
    return [require("knotd"), "-c", str(config)]


def _knotd(secondary: RealSecondary) -> list[str]:
    zone = "zone:\n  - domain: example.com\n    template: member\n"
    return knotd(secondary, secondary.primary, zone)


def nsd(server: RealServer, zones: str) -> list[str]:
    """NSD with these zones."""
    directory = server.directory
    config = directory / "nsd.conf"
    config.write_text(f"""
server:
    server-count: 1
    ip-address: 127.0.0.1@{server.port}
    username: ""
    zonesdir: "{directory}"
    database: ""
    pidfile: ""
    zonelistfile: "{directory}/zone.list"
    xfrdfile: "{directory}/xfrd.state"
    xfrdir: "{directory}"
    xfrd-reload-timeout: 0
    verbosity: 3
remote-control:
    control-enable: no
key:
    name: "{KEY}"
    algorithm: hmac-sha256
    secret: "{server.secret.text}"
{zones}""")
    return [require("nsd"), "-d", "-c", str(config)]


def _nsd(secondary: RealSecondary) -> list[str]:
    """NSD, which alone asks for an IXFR by UDP, and again over TCP where that does not fit."""
    return nsd(
        secondary,
        f"""
zone:
    name: example.com
    zonefile: "{secondary.directory}/example.com.zone"
    allow-notify: 127.0.0.1 {KEY}
    request-xfr: UDP 127.0.0.1@{secondary.primary} {KEY}
    provide-xfr: 127.0.0.1 {KEY}
    store-ixfr: yes
    ixfr-number: 20
""",
    )


def pdns_server(server: RealServer, *commands: str, options: str = "") -> list[str]:
    """PowerDNS with the key and further options, after these commands of pdnsutil."""
    program, pdnsutil = require("pdns_server"), require("pdnsutil")
    if not any(Path("/usr/lib").glob("*/pdns/liblmdbbackend.so")):
        lack("PowerDNS's LMDB backend is not installed (Debian package pdns-backend-lmdb)")
    directory = server.directory
    (directory / "pdns.conf").write_text(f"""
launch=lmdb
lmdb-filename={directory}/pdns.lmdb
lmdb-shards=1
lmdb-sync-mode=nosync
local-address=127.0.0.1
local-port={server.port}
socket-dir={directory}
setuid=
secondary=yes
daemon=no
guardian=no
disable-axfr=no
allow-axfr-ips=
allow-unsigned-notify=no
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
loglevel=6
{options}""")
    for words in (f"import-tsig-key {KEY} hmac-sha256 {server.secret.text}", *commands):
        command = [pdnsutil, f"--config-dir={directory}", *words.split()]
        subprocess.run(command, check=True, capture_output=True)
    return [program, f"--config-dir={directory}"]


def _pdns_server(secondary: RealSecondary) -> list[str]:
    return pdns_server(
        secondary,
        f"create-secondary-zone example.com 127.0.0.1:{secondary.primary}",
        f"activate-tsig-key example.com {KEY} secondary",
        f"set-meta example.com TSIG-ALLOW-AXFR {KEY}",
        "set-meta example.com IXFR 1",
    )


COMMANDS: dict[str, Callable[[RealSecondary], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
    "pdns_server": _pdns_server,
}

# What each logs where a transfer was an AXFR, and where it was an IXFR.
LOGGED = {
    "named": ("got nonincremental response", "got incremental response"),
    "knotd": (r"AXFR, incoming, .* finished", r"IXFR, incoming, .* finished"),
    "pdns_server": (r"AXFR-in .* zone committed", r"IXFR-in .* got \d+ delta.*, zone committed"),
}
