"""BIND, Knot, NSD and PowerDNS as primaries of a catalog and its members.

BIND and NSD make no catalogs: there it is a zone file like any other, and the zones are there from
the beginning. Knot generates one from its configuration, PowerDNS from its database.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from agents import CATALOG, KEY, Secret, zone_text
from peers import require
from real_secondaries import knotd, named, nsd, pdns_server
from real_servers import RealServer

ZONES = ("example.com", "added.com")
SERIAL = 7


class Listed(NamedTuple):
    """How a catalog lists a zone."""

    label: str
    group: str = ""


class Producer(RealServer):
    """One server, which notifies `secondary`, a port of 127.0.0.1."""

    def __init__(self, name: str, directory: Path, secret: Secret, secondary: int) -> None:
        super().__init__(name, directory, secret)
        self.secondary = secondary
        self._serial = 0
        for zone in ZONES:
            (directory / f"{zone}.zone").write_text(zone_text(SERIAL, "www A 192.0.2.1"))

    def lists(self, members: Mapping[str, Listed]) -> None:
        """Have the catalog list these zones and no others."""
        getattr(self, f"_{self.name}")(members)

    # A zone file.

    def _write(self, members: Mapping[str, Listed]) -> None:
        self._serial += 1
        lines = [
            "$TTL 0",
            f"@ SOA invalid. invalid. {self._serial} 3600 600 2147483646 0",
            "@ NS invalid.",
            'Version TXT "2"',
        ]
        for name, (label, group) in members.items():
            lines.append(f"{label}.zones PTR {name.upper()}.")
            lines += [f'group.{label}.zones TXT "{group}"'] if group else []
        (self.directory / "catalog.zone").write_text("\n".join(lines) + "\n")

    def _reload(self, command: list[str]) -> None:
        if self.process is None:
            self.launch(command)
        else:
            self.process.send_signal(signal.SIGHUP)

    def _named(self, members: Mapping[str, Listed]) -> None:
        self._write(members)
        also = f"also-notify {{ 127.0.0.1 port {self.secondary} key {KEY}; }};"
        zones = "".join(
            f'zone "{name}" {{ type primary; file "{file}"; check-names ignore;'
            f" notify explicit; {also} }};\n"
            for name, file in self._files()
        )
        self._reload(named(self, zones, "check-integrity no; notify-delay 0;"))

    def _nsd(self, members: Mapping[str, Listed]) -> None:
        self._write(members)
        zones = "".join(
            f'zone:\n    name: "{name}"\n    zonefile: "{self.directory}/{file}"\n'
            f"    notify: 127.0.0.1@{self.secondary} {KEY}\n"
            f"    provide-xfr: 0.0.0.0/0 {KEY}\n"
            for name, file in self._files()
        )
        self._reload(nsd(self, zones))

    def _files(self) -> list[tuple[str, str]]:
        return [(CATALOG, "catalog.zone"), *((zone, f"{zone}.zone") for zone in ZONES)]

    # Of the server's own making.

    def _knotd(self, members: Mapping[str, Listed]) -> None:
        zones = f"""
remote:
  - id: secondary
    address: 127.0.0.1@{self.secondary}
    key: {KEY}
zone:
  - domain: {CATALOG}
    catalog-role: generate
    acl: peers
    notify: secondary
"""
        for zone, (_, group) in members.items():
            zones += f"""
  - domain: {zone}
    file: "{self.directory}/{zone}.zone"
    acl: peers
    notify: secondary
    catalog-role: member
    catalog-zone: {CATALOG}
"""
            zones += f"    catalog-group: {group}\n" if group else ""
        self._reload(knotd(self, 1, zones))

    def _pdns_server(self, members: Mapping[str, Listed]) -> None:
        if self.process is None:
            commands = [f"create-zone {CATALOG}", f"set-kind {CATALOG} producer"]
            for zone in ZONES:
                commands += [f"load-zone {zone} {self.directory}/{zone}.zone"]
                commands += [f"set-kind {zone} primary"]
            for zone in (CATALOG, *ZONES):
                commands += [f"set-meta {zone} TSIG-ALLOW-AXFR {KEY}"]
            options = f"primary=yes\nxfr-cycle-interval=1\nalso-notify=127.0.0.1:{self.secondary}\n"
            command = pdns_server(self, *commands, options=options)
            self._tell(members)
            self.launch(command)
        else:
            self._tell(members)

    def _tell(self, members: Mapping[str, Listed]) -> None:
        for zone in ZONES:
            listed = members.get(zone)
            self._pdnsutil("set-catalog", zone, CATALOG if listed else "")
            if listed:
                self._pdnsutil("set-option", zone, "producer", "unique", listed.label)
                group = [listed.group] if listed.group else [""]
                self._pdnsutil("set-option", zone, "producer", "group", *group)

    def _pdnsutil(self, *words: str) -> None:
        command = [require("pdnsutil"), f"--config-dir={self.directory}", *words]
        done = subprocess.run(command, check=False, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
