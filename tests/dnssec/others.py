"""BIND, Knot and NSD as primaries of many zones, on loopback, open to everyone's questions."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query
from agents import await_value
from peers import free_port, require
from signing import Signed


@dataclass(frozen=True)
class Served:
    """Signed zones by their signer, the ports of our primary and secondary and of the others."""

    zones: dict[str, Signed]
    ours: dict[str, int]
    others: dict[str, int]


@contextmanager
def others(directory: Path, zones: Mapping[str, str]) -> Iterator[dict[str, int]]:
    """The three of them with these zones (origin → master file text): name → port."""
    with ExitStack() as stack:
        ports = {}
        for name, configure in SERVERS.items():
            own = directory / name
            own.mkdir()
            for origin, text in zones.items():
                (own / f"{origin}zone").write_text(text)
            ports[name] = port = free_port()
            command = configure(own, port, list(zones))
            stack.enter_context(_running(command, own, port, list(zones)))
        yield ports


@contextmanager
def _running(command: list[str], directory: Path, port: int, origins: list[str]) -> Iterator[None]:
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, cwd=directory)
    try:
        for origin in origins:
            what = f"{command[0]} to serve {origin}"
            await_value(lambda origin=origin: _serves(port, origin), what)  # type: ignore[misc]
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _serves(port: int, origin: str) -> bool:
    query = dns.message.make_query(origin, "SOA")
    try:
        reply = dns.query.udp(query, "127.0.0.1", port=port, timeout=0.5)
    except (OSError, dns.exception.DNSException):
        return False
    return bool(reply.answer)


def _named(directory: Path, port: int, origins: list[str]) -> list[str]:
    zones = "".join(
        f'zone "{origin}" {{ type primary; file "{origin}zone"; }};\n' for origin in origins
    )
    (directory / "named.conf").write_text(f"""
controls {{ }};
options {{
    directory "{directory}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; dnssec-validation no; notify no; minimal-responses yes;
    check-names primary ignore; check-integrity no; zero-no-soa-ttl no;
}};
{zones}""")
    return [require("named"), "-g", "-n", "1", "-c", str(directory / "named.conf")]


def _knotd(directory: Path, port: int, origins: list[str]) -> list[str]:
    zones = "".join(
        f'  - domain: {origin}\n    file: "{directory}/{origin}zone"\n    semantic-checks: off\n'
        for origin in origins
    )
    (directory / "knot.conf").write_text(f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{directory}"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
zone:
{zones}""")
    return [require("knotd"), "-c", str(directory / "knot.conf")]


def _nsd(directory: Path, port: int, origins: list[str]) -> list[str]:
    zones = "".join(
        f'zone:\n    name: {origin}\n    zonefile: "{directory}/{origin}zone"\n'
        for origin in origins
    )
    (directory / "nsd.conf").write_text(f"""
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
    minimal-responses: yes
remote-control:
    control-enable: no
{zones}""")
    return [require("nsd"), "-d", "-c", str(directory / "nsd.conf")]


SERVERS: dict[str, Callable[[Path, int, list[str]], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
}
