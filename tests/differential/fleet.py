"""Zonecast and four others with the same zones: each on a port of its own on loopback."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
from agents import Agent, Secret, Zones, await_value
from peers import lack, require
from real_servers import RealServer

# Of every zone, that it loads is what counts; and nothing is told or asked of anybody.
POLICY = '[serial]\nmode = "enforce"\n[checks]\n"*" = "off"\n[origins]\n'

OTHERS = ("named", "knotd", "nsd", "pdns_server")


@dataclass
class Fleet:
    """Ports by server name, and by server name the origins that it refused to load."""

    agent: Agent
    ports: dict[str, int]
    lacking: dict[str, set[str]]

    def serving(self, origins: list[str]) -> list[str]:
        """The other servers that have all of these zones."""
        return [name for name in self.ports if not self.lacking[name].intersection(origins)]


@contextmanager
def fleet(
    directory: Path, zones: Mapping[str, str], others: Sequence[str] = OTHERS
) -> Iterator[Fleet]:
    """Zonecast and `others` with these zones: origin → zone file. Ends them in any case.

    Zonecast has to serve every zone; another server may refuse some.
    """
    files = _write(directory / "files", zones)
    secret = Secret(directory / "key").make()
    with ExitStack() as stack:
        servers = {}
        for name in others:
            server = RealServer(name, directory / name, secret)
            stack.callback(server.stop)
            server.launch(COMMANDS[name](server, files))
            servers[name] = server
        agent = _agent(directory, zones)
        stack.callback(agent.close)
        agent.start()
        for origin in zones:
            await_value(lambda o=origin: serves(agent.port, o), f"zonecast to serve {origin}")
        lacking = {name: _lacking(server, list(zones)) for name, server in servers.items()}
        yield Fleet(agent, {name: server.port for name, server in servers.items()}, lacking)


def serves(port: int, origin: str) -> bool:
    """Whether the server answers with authority for the origin's SOA."""
    try:
        query = dns.message.make_query(origin, "SOA")
        reply = dns.query.udp(query, "127.0.0.1", port=port, timeout=2)
    except (OSError, dns.exception.DNSException):
        return False
    return bool(reply.flags & dns.flags.AA and reply.answer)


def _lacking(server: RealServer, origins: list[str]) -> set[str]:
    """The origins that it does not serve, once it serves any and has loaded all it will."""

    def loaded() -> bool:
        assert server.process is not None
        assert server.process.poll() is None, f"{server.name} ended:\n{server.log}"
        return any(serves(server.port, origin) for origin in origins)

    await_value(loaded, f"{server.name} to answer")
    if server.name == "knotd":  # the others answer when everything is loaded
        await_value(
            lambda: (
                server.log.count("loaded, serial")
                + server.log.count("failed to load")
                + server.log.count("not loaded")
                >= len(origins)
            ),
            "knotd to load",
        )
    return {origin for origin in origins if not serves(server.port, origin)}


def _write(directory: Path, texts: Mapping[str, str]) -> dict[str, Path]:
    directory.mkdir(parents=True)
    files = {}
    for number, (origin, text) in enumerate(texts.items()):
        files[origin] = directory / f"z{number}.zone"
        files[origin].write_text(text)
    return files


def _agent(directory: Path, texts: Mapping[str, str]) -> Agent:
    names = {origin: f"z{number}.zone" for number, origin in enumerate(texts)}
    origins = "".join(f'"{file}" = "{_toml(origin)}"\n' for origin, file in names.items())
    zones = Zones(directory).make(POLICY + origins)
    for origin, text in texts.items():
        zones.write(names[origin], text)
    zones.push()
    agent = Agent("zonecast", directory / "zonecast")
    return agent.configure("[[repository]]", f'path = "{zones.bare}"')


def _toml(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _named(server: RealServer, files: dict[str, Path]) -> list[str]:
    zones = "".join(
        f'zone "{origin}" {{ type primary; file "{file}"; }};\n' for origin, file in files.items()
    )
    config = server.directory / "named.conf"
    config.write_text(f"""
controls {{ }};
options {{
    directory "{server.directory}"; pid-file none; session-keyfile none; lock-file none;
    listen-on port {server.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};
    recursion no; allow-transfer {{ none; }}; dnssec-validation no; notify no; empty-zones-enable no;
    check-names primary ignore; check-integrity no; check-mx ignore; check-srv-cname ignore;
    check-mx-cname ignore; check-sibling no; check-wildcard no; check-spf ignore; check-dup-records ignore;
    zero-no-soa-ttl no; minimal-responses no-auth; max-udp-size 1232; edns-udp-size 1232;
    max-records-per-type 0; max-types-per-name 0;
}};
{zones}""")
    return [require("named"), "-g", "-n", "1", "-c", str(config)]


def _knotd(server: RealServer, files: dict[str, Path]) -> list[str]:
    directory = server.directory
    (directory / "db").mkdir()
    zones = "".join(
        f'  - domain: "{_toml(origin)}"\n    file: "{file}"\n' for origin, file in files.items()
    )
    config = directory / "knot.conf"
    config.write_text(f"""
server:
    rundir: "{directory}"
    listen: 127.0.0.1@{server.port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
    udp-max-payload: 1232
database:
    storage: "{directory}/db"
    journal-db-max-size: 16M
    kasp-db-max-size: 16M
    timer-db-max-size: 16M
    catalog-db-max-size: 16M
log:
  - target: stderr
    any: info
template:
  - id: default
    zonefile-sync: -1
    zonefile-load: whole
    journal-content: none
    semantic-checks: off
zone:
{zones}""")
    return [require("knotd"), "-c", str(config)]


def _nsd(server: RealServer, files: dict[str, Path]) -> list[str]:
    directory = server.directory
    zones = "".join(
        f'zone:\n    name: "{origin}"\n    zonefile: "{file}"\n' for origin, file in files.items()
    )
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
    ipv4-edns-size: 1232
    rrl-ratelimit: 0
    minimal-responses: yes
    tcp-query-count: 0
    verbosity: 2
remote-control:
    control-enable: no
{zones}""")
    return [require("nsd"), "-d", "-c", str(config)]


def _pdns(server: RealServer, files: dict[str, Path]) -> list[str]:
    if not any(Path("/usr/lib").glob("*/pdns/libbindbackend.so")):
        lack("PowerDNS's BIND backend is not installed (Debian package pdns-backend-bind)")
    directory = server.directory
    (directory / "zones.conf").write_text(
        "".join(
            f'zone "{origin}" {{ type master; file "{file}"; }};\n'
            for origin, file in files.items()
        )
    )
    (directory / "pdns.conf").write_text(f"""
launch=bind
bind-config={directory}/zones.conf
local-address=127.0.0.1
local-port={server.port}
socket-dir={directory}
setuid=
daemon=no
guardian=no
disable-axfr=yes
8bit-dns=yes
any-to-tcp=no
dname-processing=yes
cache-ttl=0
query-cache-ttl=0
negquery-cache-ttl=0
zone-cache-refresh-interval=0
udp-truncation-threshold=1232
receiver-threads=1
distributor-threads=1
max-tcp-transactions-per-conn=0
loglevel=4
""")
    return [require("pdns_server"), f"--config-dir={directory}"]


COMMANDS: dict[str, Callable[[RealServer, dict[str, Path]], list[str]]] = {
    "named": _named,
    "knotd": _knotd,
    "nsd": _nsd,
    "pdns_server": _pdns,
}
