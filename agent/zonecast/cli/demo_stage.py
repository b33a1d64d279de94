"""The demo's stage: a bare repository, a clone, three agents on loopback, all in one directory."""

from __future__ import annotations

import base64
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from zonecast.errors import ZonecastError
from zonecast.server.client import STATUS_SOCKET

CATALOG = "catalog.zonecast.invalid"
KEY = "demo.example"
ENDING = 5.0

# The person who uses the demo may have no identity in git yet, or hooks and signing of their own.
GIT_ENVIRONMENT = {
    "GIT_AUTHOR_NAME": "Zonecast Demo",
    "GIT_AUTHOR_EMAIL": "demo@example.com",
    "GIT_COMMITTER_NAME": "Zonecast Demo",
    "GIT_COMMITTER_EMAIL": "demo@example.com",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_CONFIG_NOSYSTEM": "1",
}


@dataclass
class Server:
    """One agent of the demo."""

    name: str
    role: str
    port: int
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.directory / "zonecast.toml"

    @property
    def log(self) -> Path:
        return self.directory / "log"

    def start(self) -> None:
        """Start the agent; it logs to a file in its directory."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "zonecast", "run", "--config", str(self.config)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C is for the demo, which ends its agents itself.
                start_new_session=True,
            )


@dataclass
class Stage:
    """Where everything of the demo is."""

    directory: Path
    servers: list[Server]

    @property
    def bare(self) -> Path:
        return self.directory / "zones.git"

    @property
    def clone(self) -> Path:
        return self.directory / "zones"

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run git in the clone; what it prints on both streams is the result's stdout."""
        return subprocess.run(
            ["git", *arguments],
            cwd=self.clone,
            env={**os.environ, **GIT_ENVIRONMENT},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def git_or_fail(self, *arguments: str) -> str:
        """Run git in the clone. Raises ZonecastError with what it said."""
        done = self.git(*arguments)
        if done.returncode:
            raise ZonecastError(f"git {arguments[0]} failed: {done.stdout.strip()}")
        return done.stdout


@contextmanager
def staged(directory: Path) -> Iterator[Stage]:
    """Build the stage in an empty directory, start the agents, and end them afterwards."""
    ports = free_ports(3)
    roles = ("primary", "secondary", "secondary")
    servers = [
        Server(f"ns{number}", role, port, directory / f"ns{number}")
        for number, (role, port) in enumerate(zip(roles, ports, strict=True), start=1)
    ]
    stage = Stage(directory, servers)
    _make_repository(stage)
    _configure(stage)
    try:
        for server in servers:
            server.start()
        yield stage
    finally:
        _end(servers)


def sample_repository() -> Path:
    """The sample zones: beside the package in an installation, at the top of a checkout."""
    package = Path(__file__).resolve().parent.parent
    for place in (package / "sample-zones-repo", package.parent.parent / "sample-zones-repo"):
        if place.is_dir():
            return place
    raise ZonecastError("the sample repository is not installed", where=str(package))


def _make_repository(stage: Stage) -> None:
    for command in (
        ["git", "init", "--quiet", "--bare", "--initial-branch=main", str(stage.bare)],
        ["git", "clone", "--quiet", str(stage.bare), str(stage.clone)],
    ):
        subprocess.run(
            command,
            env={**os.environ, **GIT_ENVIRONMENT},
            stderr=subprocess.DEVNULL,
            check=True,
        )
    shutil.copytree(sample_repository(), stage.clone, dirs_exist_ok=True)
    stage.git_or_fail("checkout", "--quiet", "-B", "main")
    answers = str(stage.servers[0].directory / "run" / STATUS_SOCKET)
    on_server = ["--server", "--branch", "main", "--socket", answers, str(stage.bare)]
    for arguments in ([str(stage.clone)], on_server):
        subprocess.run(
            [sys.executable, "-m", "zonecast", "hook", "install", *arguments],
            env={**os.environ, **GIT_ENVIRONMENT},
            stdout=subprocess.DEVNULL,
            check=True,
        )
    stage.git_or_fail("add", "--all")
    stage.git_or_fail("commit", "--quiet", "-m", "Zones")
    stage.git_or_fail("push", "--quiet", "origin", "main")


def _configure(stage: Stage) -> None:
    secret = stage.directory / "transfer.key"
    secret.touch(mode=0o600)
    secret.write_bytes(base64.b64encode(secrets.token_bytes(32)))
    primary, *secondaries = stage.servers
    for server in stage.servers:
        server.directory.mkdir()
        lines = [
            f'state-dir = "{server.directory}"',
            f'listen = ["127.0.0.1:{server.port}"]',
            "workers = 1",
            "[[key]]",
            f'name = "{KEY}"',
            f'secret-file = "{secret}"',
        ]
        if server is primary:
            lines += ["[[repository]]", f'path = "{stage.bare}"', f'catalog = "{CATALOG}"']
            for secondary in secondaries:
                lines += _peer("secondary", secondary)
        else:
            lines += _peer("primary", primary)
            lines += ["[[catalog]]", f'name = "{CATALOG}"', f'primaries = ["{primary.name}"]']
        server.config.write_text("\n".join(lines) + "\n")


def _peer(table: str, server: Server) -> list[str]:
    return [
        f"[[{table}]]",
        f'name = "{server.name}"',
        f'address = "127.0.0.1:{server.port}"',
        f'keys = ["{KEY}"]',
    ]


def _end(servers: list[Server]) -> None:
    processes = [server.process for server in servers if server.process is not None]
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        try:
            process.wait(ENDING)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def free_ports(count: int) -> list[int]:
    """Loopback ports that are free for both UDP and TCP."""
    held: list[socket.socket] = []
    ports: list[int] = []
    try:
        while len(ports) < count:
            datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            stream = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            held += [datagram, stream]
            datagram.bind(("127.0.0.1", 0))
            port = datagram.getsockname()[1]
            try:
                stream.bind(("127.0.0.1", port))
            except OSError:
                continue
            ports.append(port)
        return ports
    finally:
        for sock in held:
            sock.close()
