"""Other people's nameservers as processes: started in a directory of their own, ended for certain."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

from agents import Secret, await_value
from peers import free_port

from zonecast.errors import ZonecastError
from zonecast.protocol.tsig import make_key
from zonecast.server.query import ask_soa
from zonecast.zone import names
from zonecast.zone.rrset import soa_serial


class RealServer:
    """One server's directory, its port on 127.0.0.1 and, once launched, its process."""

    def __init__(self, name: str, directory: Path, secret: Secret) -> None:
        self.name = name
        self.directory = directory
        self.port = free_port()
        self.secret = secret
        self.process: subprocess.Popen[bytes] | None = None
        self.command: list[str] = []
        directory.mkdir(exist_ok=True)

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.directory / "log").read_text(errors="replace")

    def launch(self, command: list[str]) -> None:
        """Start it."""
        self.command = command
        with (self.directory / "log").open("wb") as log:
            self.process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, cwd=self.directory
            )

    def restart(self) -> None:
        """Start it again as it was; it is stopped."""
        self.launch(self.command)

    def serial(self, zone: str) -> int | None:
        """The serial of a zone as it answers to a signed query; None while it does not."""
        key = make_key(self.secret.name, "hmac-sha256", self.secret.text)
        try:
            soa = asyncio.run(ask_soa(names.from_text(zone), "127.0.0.1", self.port, key, 0.5))
        except ZonecastError:
            return None
        return soa_serial(soa.rdatas[0])

    def await_serial(self, zone: str, serial: int, patience: float = 20.0) -> None:
        """Wait until it serves the zone with this serial."""

        def look() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, self.log
            return self.serial(zone) == serial

        try:
            await_value(look, f"{self.name} to serve {zone} {serial}", patience)
        except AssertionError as error:
            raise AssertionError(f"{error}; its log:\n{self.log}") from None

    def stop(self) -> None:
        """End it, whatever state it is in."""
        if self.process is None:
            return
        self.process.terminate()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
