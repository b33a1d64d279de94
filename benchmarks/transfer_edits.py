"""A zone file of which every server is given one version after the other."""

from __future__ import annotations

import subprocess
from pathlib import Path

from generator import ORIGIN, zone_file
from servers import Server, until
from transfer_client import serial_at

FIRST = 2026010101


class Edits:
    """The file that the servers load; zonecast has it in its repository."""

    def __init__(self, file: Path, records: int) -> None:
        self.file = file
        self._text = zone_file(records)
        self.serial = FIRST
        file.write_bytes(self._text)

    def edit(self) -> None:
        """One more record, and the next serial."""
        old, new = b"%d ; serial" % self.serial, b"%d ; serial" % (self.serial + 1)
        self.serial += 1
        record = b"edit%d IN A 192.0.2.%d\n" % (self.serial, self.serial % 250)
        self._text = self._text.replace(old, new, 1) + record
        self.file.write_bytes(self._text)

    def give(self, server: Server) -> None:
        """Let a server load it, and wait until it answers with its serial."""
        if server.reload:
            subprocess.run(server.reload, check=True, capture_output=True)
        else:
            repository = server.directory / "repository"
            (repository / f"{ORIGIN}zone").write_bytes(self._text)
            command = ["git", "-C", str(repository), "commit", "--quiet", "--all"]
            subprocess.run([*command, "--message", f"serial {self.serial}"], check=True)
        until(
            lambda: serial_at(server.port, ORIGIN) == self.serial,
            f"{server.name} to have serial {self.serial}",
        )
