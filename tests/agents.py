"""Real agents for tests: configured, started, asked, killed. And real repositories to push to."""

from __future__ import annotations

import base64
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsigkeyring
import dns.zone
from peers import free_port

from zonecast.server.client import CONTROL_SOCKET, STATUS_SOCKET, request

T = TypeVar("T")

CATALOG = "catalog.zonecast.invalid."
KEY = "xfr.example"
PATIENCE = 30.0

POLICY = '[serial]\nmode = "enforce"\n'


def await_value(look: Callable[[], T | None], what: str, patience: float = PATIENCE) -> T:
    """What `look` returns once that is something; fails the test when nothing comes."""
    deadline = time.monotonic() + patience
    while (found := look()) is None or found is False:
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {patience} s in vain for {what}")
        time.sleep(0.01)
    return found


@dataclass
class Agent:
    """One agent: its directory, its address, and the process while it runs."""

    name: str
    directory: Path
    port: int = field(default_factory=free_port)
    host: str = "127.0.0.1"
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.directory / "zonecast.toml"

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def log(self) -> str:
        return (self.directory / "log").read_text(errors="replace")

    def configure(self, *lines: str) -> Agent:
        """Write the configuration: where it listens and stores, then `lines`."""
        (self.directory / "state").mkdir(parents=True, exist_ok=True)
        head = [
            f'state-dir = "{self.directory}/state"',
            f'run-dir = "{self.sockets}"',
            f'listen = ["{self.address}"]',
            "workers = 1",
        ]
        self.config.write_text("\n".join([*head, *lines]) + "\n")
        return self

    @property
    def sockets(self) -> Path:
        """Unix socket paths are short: pytest's directories may be too long for them."""
        return Path(f"/tmp/zonecast-test-{os.getpid()}-{self.port}")

    def start(self) -> Agent:
        """Start it and wait until its sockets answer."""
        self.spawn()
        self.status_when(lambda report: True, "the agent to answer")
        return self

    def spawn(self) -> subprocess.Popen[bytes]:
        """Start it."""
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zonecast", "run", "--config", str(self.config)],
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.process

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the controller and wait for its end; what its children do is theirs."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def close(self) -> None:
        """End everything of this agent, whatever state it is in."""
        if self.process is not None:
            try:
                self.stop()
            except (subprocess.TimeoutExpired, ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
                self.process.wait()
        for name in (STATUS_SOCKET, CONTROL_SOCKET):
            (self.sockets / name).unlink(missing_ok=True)
        if self.sockets.is_dir():
            self.sockets.rmdir()

    def ask(self, command: str, **fields: Any) -> dict[str, Any]:
        """One request on the control socket."""
        return request(self.sockets / CONTROL_SOCKET, {"command": command, **fields}, PATIENCE * 2)

    def status_when(
        self, condition: Callable[[dict[str, Any]], Any], what: str, patience: float = PATIENCE
    ) -> dict[str, Any]:
        """The status report once `condition` holds."""

        def look() -> dict[str, Any] | None:
            assert self.process is None or self.process.poll() is None, self.log
            try:
                report = request(self.sockets / STATUS_SOCKET, {"command": "status"})
            except Exception:
                return None
            return report if condition(report) else None

        try:
            return await_value(look, what, patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; the log:\n{self.log}") from None

    def query(self, name: str, rtype: str = "A", **options: Any) -> dns.message.Message:
        """One query over UDP."""
        query = dns.message.make_query(name, rtype, **options)
        return dns.query.udp(query, self.host, port=self.port, timeout=5)

    def serial(self, zone: str) -> int | None:
        """The zone's serial as served, None where it is not."""
        try:
            reply = self.query(zone, "SOA")
        except (OSError, dns.exception.DNSException):
            return None
        if reply.rcode() != dns.rcode.NOERROR or not reply.answer:
            return None
        return int(reply.answer[0][0].serial)

    def await_serial(self, zone: str, serial: int, patience: float = PATIENCE) -> None:
        """Wait until the zone is served with this serial."""
        try:
            await_value(lambda: self.serial(zone) == serial, f"{zone} {serial}", patience)
        except AssertionError as error:
            raise AssertionError(
                f"{error}; {self.name} serves {self.serial(zone)}; the log:\n{self.log}"
            ) from None

    def transfer(self, zone: str, keyring: Any = None) -> dns.zone.Zone:
        """The zone by AXFR."""
        return axfr(self.host, self.port, zone, keyring)


def axfr(host: str, port: int, zone: str, keyring: Any = None) -> dns.zone.Zone:
    """A zone by AXFR, names absolute."""
    found = dns.zone.Zone(zone, relativize=False)
    query = dns.message.make_query(zone, "AXFR")
    if keyring is not None:
        query.use_tsig(keyring, keyname=KEY)
    dns.query.inbound_xfr(host, found, query, port=port, timeout=10, lifetime=30)
    return found


@dataclass
class Zones:
    """A bare repository and a clone of it."""

    directory: Path

    @property
    def bare(self) -> Path:
        return self.directory / "zones.git"

    @property
    def clone(self) -> Path:
        return self.directory / "zones"

    def make(self, policy: str = POLICY) -> Zones:
        """Make both, with a policy file and no hooks."""
        run(["git", "init", "-q", "--bare", "-b", "main", str(self.bare)])
        run(["git", "clone", "-q", str(self.bare), str(self.clone)])
        (self.clone / "zonecast.toml").write_text(policy)
        return self

    def write(self, path: str, content: str | bytes) -> None:
        """Write a file in the clone."""
        file = self.clone / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def push(self, message: str = "change", *options: str) -> str:
        """Commit everything and push; the commit."""
        run(["git", "add", "-A"], self.clone)
        run(["git", "commit", "-q", "--allow-empty", "-m", message], self.clone)
        run(["git", "push", "-q", *options, "origin", "HEAD:main"], self.clone)
        return run(["git", "rev-parse", "HEAD"], self.clone).strip()


def run(command: list[str], cwd: Path | None = None) -> str:
    """Run a command that must succeed; what it printed."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


def zone_text(serial: int, *records: str, ns: str = "ns1.example.net.") -> str:
    """A small zone file; quick timers, so that tests see a retry."""
    head = f"$TTL 300\n@ IN SOA {ns} hostmaster.example.net. {serial} 60 5 86400 60\n@ IN NS {ns}\n"
    return head + "".join(f"{record}\n" for record in records)


@dataclass
class Secret:
    """A TSIG key in a file, and as dnspython wants it."""

    path: Path
    text: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode())
    name: str = KEY

    def make(self) -> Secret:
        """Write the file."""
        self.path.touch(mode=0o600)
        self.path.write_text(self.text + "\n")
        return self

    @property
    def keyring(self) -> Any:
        return dns.tsigkeyring.from_text({self.name: self.text})

    @property
    def config(self) -> list[str]:
        return ["[[key]]", f'name = "{self.name}"', f'secret-file = "{self.path}"']


def peer(table: str, name: str, address: str, *, key: bool = True) -> list[str]:
    """A [[primary]] or [[secondary]] table."""
    lines = [f"[[{table}]]", f'name = "{name}"', f'address = "{address}"']
    return [*lines, f'keys = ["{KEY}"]'] if key else lines


def primary_config(
    zones: Zones, secret: Secret, *secondaries: Agent, poll: str = "1s"
) -> list[str]:
    """The configuration of a primary of `zones` with a catalog."""
    lines = [*secret.config, "[[repository]]", f'path = "{zones.bare}"', f'catalog = "{CATALOG}"']
    lines.append(f'poll-interval = "{poll}"')
    for secondary in secondaries:
        lines += peer("secondary", secondary.name, secondary.address)
    return lines


def secondary_config(secret: Secret, *primaries: Agent) -> list[str]:
    """The configuration of a secondary that knows the catalog's name and nothing else."""
    lines = list(secret.config)
    for primary in primaries:
        lines += peer("primary", primary.name, primary.address)
    named = json.dumps([primary.name for primary in primaries])
    return [*lines, "[[catalog]]", f'name = "{CATALOG}"', f"primaries = {named}"]


def tcp_open(host: str, port: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as sock:
        sock.settimeout(1)
        return sock.connect_ex((host, port)) == 0
