"""`zonecast import`: zones that another server transfers become files of a repository."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterable
from pathlib import Path

import click

from zonecast.cli.diffing.served import read_key_file, transferred
from zonecast.cli.import_files import Placed, Tree
from zonecast.cli.render import counted, say
from zonecast.config.tables import ALGORITHMS
from zonecast.config.values import TLS_PORT, Endpoint, read_endpoint, read_pin
from zonecast.errors import (
    BadNameError,
    RejectedError,
    RepositoryError,
    UsageError,
    ZonecastError,
    remedy_for,
)
from zonecast.protocol import catalog
from zonecast.protocol.transfer_in import TransferError
from zonecast.server.peers import Primary, Tls
from zonecast.server.pulling.fetch import UnreachableError
from zonecast.zone import names
from zonecast.zone.policy import POLICY_FILE
from zonecast.zone.rrset import Zone

DNS_PORT = 53

# Transfers under way at once; each may hold a whole zone in memory.
AT_ONCE = 8

# How long, in seconds, one of several addresses of a host is tried.
CONNECTING = 10.0

# A host's name has a letter, in its last label at that; an address has none, or colons.
_HOST = re.compile(
    r"(?:[a-z0-9_-]{1,63}\.)*(?=[a-z0-9-]*[a-z])[a-z0-9-]{1,63}\.?", re.ASCII | re.IGNORECASE
)
_SERVERS = "192.0.2.1, 192.0.2.1:53 or ns1.example.com"


@click.command("import")
@click.argument("zones", nargs=-1, metavar="[ZONE]...")
@click.option(
    "--axfr",
    "server",
    metavar="SERVER[:PORT]",
    required=True,
    help="The server that has them, by address or name.",
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="Its TSIG key, from zonecast keygen or tsig-keygen.",
)
@click.option("--key", "key_name", metavar="NAME", help="The key's name, where its file has none.")
@click.option(
    "--algorithm", type=click.Choice(ALGORITHMS), help="The key's, where its file has none."
)
@click.option("--tls", is_flag=True, help="Transfer over TLS, from port 853 unless one is given.")
@click.option(
    "--pin", "pins", multiple=True, metavar="PIN", help="With --tls, a key that it may have."
)
@click.option(
    "--tls-name",
    metavar="NAME",
    help="With --tls, whose certificate it has to have, of an authority.",
)
@click.option(
    "--catalog", "listing", metavar="NAME", help="Every zone that this catalog lists, too."
)
@click.option(
    "--into",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    metavar="DIR",
    help="Where new files go.  [default: .]",
)
@click.option("--force", is_flag=True, help="Replace files that hold something else.")
def command(
    zones: tuple[str, ...],
    server: str,
    key_file: Path | None,
    key_name: str | None,
    algorithm: str | None,
    tls: bool,
    pins: tuple[str, ...],
    tls_name: str | None,
    listing: str | None,
    into: Path,
    force: bool,
) -> None:
    """Transfer each ZONE from another server and write it as a zone file into a work tree.

    A file is written once its zone has come whole and, with a key, is signed to the end. A zone
    that has a file there already keeps it while both say the same; one that says something else is
    left alone, and one that says it is another zone's is with --force as well. Serials stay as they
    are.
    """
    if not zones and listing is None:
        raise click.UsageError("name a ZONE, or a --catalog")
    if key_file is None and (key_name or algorithm):
        raise click.UsageError("--key and --algorithm go with --key-file")
    if not tls and (pins or tls_name):
        raise click.UsageError("--pin and --tls-name go with --tls")
    endpoint = _endpoint(server, TLS_PORT if tls else DNS_PORT)
    how = _tls(endpoint.port, pins, tls_name) if tls else None
    key = None if key_file is None else read_key_file(key_file, key_name, algorithm)
    wanted = [_origin(text, "ZONE") for text in zones]
    catalog_name = None if listing is None else _origin(listing, "--catalog")
    _make(into)
    primary = Primary(str(endpoint), endpoint.host, endpoint.port, key, how)
    job = _Import(primary, Tree(into), force)
    asyncio.run(job.run(wanted, catalog_name))
    job.report()


class _Import:
    """One run of the command; what could not be done is said at once and decides the exit code."""

    def __init__(self, primary: Primary, tree: Tree, force: bool) -> None:
        self._primary = primary
        self._tree = tree
        self._force = force
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._written: dict[bytes, Placed] = {}
        self._same = 0
        self._unasked = 0
        self._unreachable = False
        self._status = 0

    async def run(self, wanted: Iterable[bytes], catalog_name: bytes | None) -> None:
        """Import the `wanted` zones, and those that the catalog lists. Raises ZonecastError where
        there is no such catalog."""
        origins = dict.fromkeys(wanted)
        if catalog_name is not None:
            members = await self._members(catalog_name)
            origins |= dict.fromkeys(sorted(members, key=names.node_key))
        await asyncio.gather(*map(self._one, origins))

    async def _members(self, catalog_name: bytes) -> Iterable[bytes]:
        try:
            return catalog.members(await self._transfer(catalog_name))
        except catalog.CatalogError as error:
            raise RejectedError(
                error.message,
                where=error.where,
                remedy="name a catalog (RFC 9432), or the zones themselves; nothing is imported",
            ) from None

    async def _one(self, origin: bytes) -> None:
        try:
            async with self._slots:
                if self._unreachable:
                    self._unasked += 1
                    return
                zone = await self._transfer(origin)
                placed = self._tree.place(origin)
                changed = self._tree.store(placed, zone, force=self._force)
        except ZonecastError as error:
            self._failed(error)
            return
        self._written[origin] = placed
        self._same += not changed
        what = f"serial {zone.serial}, {counted(zone.count(), 'record')}"
        say(f"{placed.shown}: {what}" if changed else f"{placed.shown}: holds it already, {what}")

    async def _transfer(self, origin: bytes) -> Zone:
        zone = await transferred(origin, self._primary)
        if zone is None:
            raise RejectedError(
                f"{self._primary.name} does not serve it",
                where=names.to_text(origin),
                remedy="see its list of zones for the name",
            )
        return zone

    def _failed(self, error: ZonecastError) -> None:
        say(f"zonecast: {error}", err=True)
        self._unreachable |= isinstance(error, UnreachableError)
        # A server that says no is an answer.
        refused = isinstance(error, TransferError) and error.rcode
        self._status = max(self._status, RejectedError.exit_code if refused else error.exit_code)

    def report(self) -> None:
        """Say what is left to do. Raises Exit where something was not done."""
        if self._unasked:
            say(f"not asked for after that: {counted(self._unasked, 'zone')}", err=True)
        lines = list(self._tree.unnamed(self._written))
        overlooked = self._tree.overlooked(self._written.values())
        for placed in overlooked:
            message = f"zonecast: {placed.shown}: is no zone file by include in {POLICY_FILE}"
            say(f"{message}, and is not published; see the lines below", err=True)
            self._status = max(self._status, RejectedError.exit_code)
        if lines:
            why = (
                "include does not match them" if overlooked else "their names are not their zones'"
            )
            say(f"put into {POLICY_FILE}, as {why}:", err=True)
            say("\n".join(["[origins]", *lines]), err=True)
        if len(self._written) > self._same:
            say("next: zonecast check, then git add and git commit", err=True)
        if self._status:
            raise click.exceptions.Exit(self._status)


def _endpoint(text: str, port: int) -> Endpoint:
    """The server's address. A host's name is looked up here; of several addresses it is the first
    that lets itself be connected to. Raises UsageError, UnreachableError."""
    host, colon, written = text.rpartition(":")
    if not colon or ":" in host:
        host, written = text, str(port)
    if not _HOST.fullmatch(host):
        try:
            return read_endpoint(text, port)
        except ValueError as error:
            raise UsageError(str(error), where="--axfr", remedy=_SERVERS) from None
    if not re.fullmatch("[0-9]{1,5}", written) or not 0 < int(written) < 65536:
        raise UsageError(f"'{text}' has no port from 1 to 65535", where="--axfr", remedy=_SERVERS)
    try:
        found = socket.getaddrinfo(host, int(written), type=socket.SOCK_STREAM)
    except OSError as error:
        message = f"no address is found for it: {error.strerror}"
        raise UnreachableError(message, where=host, remedy="give its address") from None
    addresses = list(dict.fromkeys(str(address[0]) for *_, address in found))
    for address in addresses if len(addresses) > 1 else ():
        try:
            socket.create_connection((address, int(written)), CONNECTING).close()
        except OSError:
            continue
        return Endpoint(address, int(written))
    return Endpoint(addresses[0], int(written))


def _tls(port: int, pins: Iterable[str], name: str | None) -> Tls:
    try:
        known = tuple(map(read_pin, pins))
    except ValueError as error:
        raise UsageError(
            str(error), where="--pin", remedy="give what kdig +tls -d prints, 44 characters"
        ) from None
    return Tls(port, strict=True, pins=known, by_authority=name is not None, name=name or "")


def _origin(text: str, where: str) -> bytes:
    try:
        return names.from_text(text, names.ROOT).lower()
    except BadNameError as error:
        raise UsageError(error.message, where=where, remedy="give a zone's name") from None


def _make(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepositoryError(
            f"cannot be made: {error.strerror}", where=str(directory), remedy=remedy_for(error)
        ) from None
