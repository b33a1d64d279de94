"""Authoritative servers with one zone file each, configured alike, for benchmarks: zonecast and
what is installed of Knot, NSD, BIND and PowerDNS."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

_PATH = f"{os.environ['PATH']}:/usr/sbin"
_TICKS = os.sysconf("SC_CLK_TCK")
_SECRET = "c2VjcmV0IG9mIGEgYmVuY2htYXJr"  # noqa: S105 - protects nothing: loopback, one run
# For who is configured to have cookies.
COOKIE_SECRET = "e5e973e5a6b2a43f48e7dc849e37bfcf"  # noqa: S105 - the same

_KNOT = """\
server:
    listen: 127.0.0.1@{port}
    rundir: {directory}
    pidfile: {directory}/knot.pid
    udp-workers: {workers}
    tcp-workers: 1
    background-workers: 1
database:
    storage: {directory}
control:
    listen: {directory}/knot.sock
"""
_NSD = """\
server:
    ip-address: 127.0.0.1@{port}
    server-count: {workers}
    rrl-ratelimit: 0
    username: ""
    chroot: ""
    zonesdir: {directory}
    database: ""
    pidfile: {directory}/nsd.pid
    xfrdfile: {directory}/xfrd.state
    zonelistfile: {directory}/zone.list
    xfrdir: {directory}
remote-control:
    control-enable: yes
    control-interface: {directory}/nsd.sock
"""
_NAMED = """\
options {{
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    directory "{directory}";
    pid-file "{directory}/named.pid";
    session-keyfile "{directory}/session.key";
    recursion no;
    {options}
}};
key rndc {{ algorithm hmac-sha256; secret "{secret}"; }};
controls {{ inet 127.0.0.1 port {control} allow {{ 127.0.0.1; }} keys {{ rndc; }}; }};
"""
_RNDC_KEY = 'key rndc {{ algorithm hmac-sha256; secret "{secret}"; }};\n'
_PDNS = """\
launch=bind
bind-config={directory}/zones.conf
local-address=127.0.0.1
local-port={port}
socket-dir={directory}
receiver-threads={workers}
distributor-threads=1
daemon=no
guardian=no
write-pid=no
setuid=
setgid=
"""
_ZONECAST = """\
state-dir = "{directory}/state"
listen = ["127.0.0.1:{port}"]
workers = {workers}
"""

# What stands in each configuration about the zone: here of a server that loads it and no more.
ALONE = {
    "zonecast": """
[[repository]]
path = "{directory}/repository"
branch = "main"
""",
    "Knot": """\
zone:
  - domain: {origin}
    file: {file}
    zonefile-sync: -1
""",
    "NSD": """\
zone:
    name: {origin}
    zonefile: {file}
""",
    "BIND": 'zone "{origin}" {{ type primary; file "{file}"; }};\n',
    "PowerDNS": 'zone "{origin}" {{ type native; file "{file}"; }};\n',
}


class Server(NamedTuple):
    """A server that can be started; `reload` tells it that its zone file changed."""

    name: str
    command: list[str]
    reload: list[str]
    port: int
    directory: Path


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on, over UDP and TCP."""
    with ExitStack() as stack:
        found: list[int] = []
        while len(found) < count:
            stream = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            stream.bind(("127.0.0.1", 0))
            datagram = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            with suppress(OSError):
                datagram.bind(stream.getsockname())
                found.append(stream.getsockname()[1])
    return found


def configured(
    directory: Path,
    origin: str,
    file: Path,
    *,
    workers: int = 1,
    names: Sequence[str] = (),
    zones: Mapping[str, str] = ALONE,
    native: bool = False,
    **more: object,
) -> dict[str, Server]:
    """The servers that are installed, of those in `names` where it is given; with `native`, ours a
    second time with its hot modules compiled, where they are. `zones` says for each
    what it does with the zone, and is formatted with `more`, too."""
    makers: dict[str, Callable[[Path, int, dict[str, object]], Server | None]] = {
        "zonecast": _zonecast,
        "zonecast, native": _native,
        "Knot": _knot,
        "NSD": _nsd,
        "BIND": _named,
        "PowerDNS": _powerdns,
    }
    found = {}
    for name, make in makers.items():
        kind = name.partition(",")[0]
        left_out = make is _native and not native
        if left_out or kind not in zones or (names and kind not in names):
            continue
        home = directory / name
        home.mkdir()
        port, control = free_ports(2)
        values = {
            "options": "",
            **more,
            "directory": home,
            "origin": origin,
            "file": file,
            "port": port,
            "workers": workers,
            "control": control,
            "secret": _SECRET,
        }
        values["zone"] = zones[kind].format(**values)
        server = make(home, port, values)
        if server is not None:
            found[name] = server
    return found


def _tool(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


def _zonecast(home: Path, port: int, values: dict[str, object]) -> Server:
    conf = home / "zonecast.toml"
    conf.write_text(_ZONECAST.format(**values) + str(values["zone"]))
    (home / "cookie").write_text(COOKIE_SECRET)
    (home / "cookie").chmod(0o600)
    if Path(str(values["file"])).exists():
        _make_repository(home / "repository", values)
    command = [sys.executable, "-m", "zonecast", "run", "--config", str(conf)]
    return Server("zonecast", command, [], port, home)


def _native(home: Path, port: int, values: dict[str, object]) -> Server | None:
    """The same with its hot modules compiled, where `make native` was run."""
    native = Path(__file__).parents[1] / "build" / "native"
    if not native.exists():
        return None
    plain = _zonecast(home, port, values)
    command = ["env", f"PYTHONPATH={native}", *plain.command]
    return plain._replace(name="zonecast, native", command=command)


def _make_repository(repository: Path, values: dict[str, object]) -> None:
    for words in (
        ["init", "--quiet", "--initial-branch=main", str(repository)],
        ["-C", str(repository), "config", "user.name", "benchmark"],
        ["-C", str(repository), "config", "user.email", "benchmark@example.net"],
    ):
        subprocess.run(["git", *words], check=True)
    shutil.copyfile(str(values["file"]), repository / f"{values['origin']}zone")
    for words in (["add", "--all"], ["commit", "--quiet", "--message", "zone"]):
        subprocess.run(["git", "-C", str(repository), *words], check=True)


def _knot(home: Path, port: int, values: dict[str, object]) -> Server | None:
    daemon, control = _tool("knotd"), _tool("knotc")
    if daemon is None or control is None:
        return None
    conf = home / "knot.conf"
    conf.write_text(_KNOT.format(**values) + str(values["zone"]))
    reload = [control, "-c", str(conf), "zone-reload", str(values["origin"]).rstrip(".")]
    return Server("Knot", [daemon, "-c", str(conf)], reload, port, home)


def _nsd(home: Path, port: int, values: dict[str, object]) -> Server | None:
    daemon, control = _tool("nsd"), _tool("nsd-control")
    if daemon is None or control is None:
        return None
    conf = home / "nsd.conf"
    conf.write_text(_NSD.format(**values) + str(values["zone"]))
    reload = [control, "-c", str(conf), "reload", str(values["origin"]).rstrip(".")]
    return Server("NSD", [daemon, "-d", "-c", str(conf)], reload, port, home)


def _named(home: Path, port: int, values: dict[str, object]) -> Server | None:
    daemon, control = _tool("named"), _tool("rndc")
    if daemon is None or control is None:
        return None
    conf, key = home / "named.conf", home / "rndc.key"
    conf.write_text(_NAMED.format(**values) + str(values["zone"]))
    key.write_text(_RNDC_KEY.format(**values))
    reload = [control, "-s", "127.0.0.1", "-p", str(values["control"]), "-k", str(key), "reload"]
    reload.append(str(values["origin"]).rstrip("."))
    workers = str(values["workers"])
    command = [daemon, "-f", "-n", workers, "-U", workers, "-c", str(conf)]
    return Server("BIND", command, reload, port, home)


def _powerdns(home: Path, port: int, values: dict[str, object]) -> Server | None:
    daemon = _tool("pdns_server")
    if daemon is None:
        return None
    (home / "pdns.conf").write_text(_PDNS.format(**values))
    (home / "zones.conf").write_text(str(values["zone"]))
    return Server("PowerDNS", [daemon, f"--config-dir={home}"], [], port, home)


@contextmanager
def running(
    server: Server, core: int | Sequence[int] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """The server's process, on one core or several where they are given."""
    command = server.command
    if core is not None:
        cores = [core] if isinstance(core, int) else core
        command = ["taskset", "--cpu-list", ",".join(map(str, cores)), *command]
    with (server.directory / "log").open("ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            yield process
        finally:
            process.terminate()
            process.wait(30)


def family(pid: int) -> list[int]:
    """A process and its descendants."""
    found = [pid]
    for one in found:
        for task in Path(f"/proc/{one}/task").glob("*/children"):
            with suppress(FileNotFoundError, ProcessLookupError):
                found += map(int, task.read_text().split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of a process and its descendants so far, and of those that ended."""
    return sum(_times(one, 4) for one in family(pid)) / _TICKS


def own_cpu_seconds(pid: int) -> float:
    """CPU time, user and system, of one process so far."""
    return _times(pid, 2) / _TICKS


def _times(pid: int, count: int) -> int:
    with suppress(FileNotFoundError, ProcessLookupError):  # it ended meanwhile
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11 : 11 + count]))
    return 0


def memory(pid: int) -> float:
    """Megabytes that a process and its descendants hold and that no file backs."""
    return sum(map(memory_of, family(pid)))


def memory_of(pid: int) -> float:
    """The same of one process."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("RssAnon:"):
                return int(line.split()[1]) / 1024
    return 0.0


def until(look: Callable[[], bool], what: str, patience: float = 300.0) -> None:
    """Waits for something. Raises SystemExit where it does not come."""
    deadline = time.monotonic() + patience
    while not look():
        if time.monotonic() > deadline:
            raise SystemExit(f"waited {patience:.0f} s in vain for {what}")
        time.sleep(0.002)
