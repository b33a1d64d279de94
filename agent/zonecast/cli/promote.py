"""`zonecast promote`: a lost primary's zones, as a secondary has them, become a repository."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import click

from zonecast.cli.agent import config_option
from zonecast.cli.promoted import Followed, losses, quoted, repository_files
from zonecast.cli.render import counted
from zonecast.config import Config, load
from zonecast.errors import RejectedError
from zonecast.protocol.catalog import Member
from zonecast.protocol.catalog_owners import Owned
from zonecast.repository.creation import create_bare
from zonecast.server.publishing.claims import CATALOG_SOURCE, listed
from zonecast.server.pulling.member_marks import MARK, read_mark
from zonecast.store.reader import Snapshot, ZonesReader
from zonecast.zone import names
from zonecast.zone.rrset import Zone

_LEFT_OUT = (
    "with the configuration above this agent no longer serves them, and the catalog no longer lists "
    "them: write their files by hand first"
)


@click.command()
@click.argument("repository", type=click.Path(path_type=Path))
@config_option
def command(repository: Path, config_path: Path) -> None:
    """Write every zone that this secondary serves into a new bare REPOSITORY, one file a zone with
    its serial as served, and print the configuration that makes this agent their primary.

    For when the primary is lost. Catalogs are left out: the new primary publishes its own under
    the same name. Nothing that is served changes until the configuration does. A zone that no file
    can hold is named and left out, and the exit code is 1. Groups and several catalogs go into the
    repository's policy; what else the catalogs said and a repository cannot is named."""
    config = load(config_path)
    reader = ZonesReader(config.state_dir)
    try:
        with reader.begin() as snapshot:
            followed = _followed(config, reader, snapshot)
            zones = _pulled(config, followed, snapshot)
    finally:
        reader.close()
    if not zones:
        raise RejectedError("no zone here was pulled from a primary", where=str(config.state_dir))
    target = repository.absolute()
    files, refused = repository_files(zones, followed)
    for error in refused:
        click.echo(f"zonecast: {error}", err=True)
    written = len(zones) - len(refused)
    if not written:
        raise RejectedError("no zone here can be written as a file", where=str(config.state_dir))
    commit = create_bare(target, files, "Zones as served by a promoted secondary", time.time())
    click.echo(f"{target}: {counted(written, 'zone')} in commit {commit[:12]}", err=True)
    click.echo(_configuration(config, target))
    for lost in losses(zones, followed):
        click.echo(f"not kept: {lost}", err=True)
    if refused:
        click.echo(f"not among them: {counted(len(refused), 'zone')}; {_LEFT_OUT}", err=True)
        raise click.exceptions.Exit(RejectedError.exit_code)


def _pulled(config: Config, followed: Followed, snapshot: Snapshot) -> list[Zone]:
    """Every zone that is here and came from a primary, whatever that is called by now; no catalogs,
    those of former days neither."""
    named = {*followed.owned, *(member.name for member in config.zone)}
    found = []
    for record in snapshot.records():
        origin = record.origin.lower()
        published = record.commit or record.path or record.source == CATALOG_SOURCE
        if published or origin in followed.listed:
            continue
        zone = snapshot.zone(origin)
        assert zone is not None
        if origin in named or not listed(zone):
            found.append(zone)
    return found


def _followed(config: Config, reader: ZonesReader, snapshot: Snapshot) -> Followed:
    listings: dict[bytes, Mapping[bytes, Member]] = {}
    owned: dict[bytes, Owned] = {}
    for catalog in (member.name for member in config.catalog):
        listings[catalog], owners = read_mark(catalog, reader.mark(MARK + catalog) or {})
        owned |= owners
    found = {origin: snapshot.audience(origin) for origin in (*listings, *owned)}
    audiences = {origin: among for origin, among in found.items() if among is not None}
    return Followed(listings, owned, audiences)


def _configuration(config: Config, repository: Path) -> str:
    lines = [
        "# In place of the [[catalog]], [[zone]] and [[primary]] tables:",
        "[[repository]]",
        f"path = {quoted(str(repository))}",
    ]
    catalogs = [quoted(names.to_text(catalog.name)) for catalog in config.catalog]
    if catalogs:
        several = f"[{', '.join(catalogs)}]"
        lines.append(f"catalog = {several if len(catalogs) > 1 else catalogs[0]}")
    lines += ["# and a [[secondary]] table for each remaining server, if it is not there yet."]
    return "\n".join(lines)
