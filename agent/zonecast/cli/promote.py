"""`zonecast promote`: a lost primary's zones, as a secondary has them, become a repository."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import click

from zonecast.cli.agent import config_option
from zonecast.cli.import_files import MAX_STEM
from zonecast.cli.render import counted
from zonecast.config import Config, load
from zonecast.errors import RejectedError
from zonecast.repository.creation import create_bare
from zonecast.store.reader import Snapshot, ZonesReader
from zonecast.zone import names
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile.writer import zone_text

# What stands in a file's name as it is; everything else goes by number and into [origins].
_PLAIN = re.compile(r"[a-z0-9_][a-z0-9_.-]*")
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
    can hold is named and left out, and the exit code is 1."""
    config = load(config_path)
    reader = ZonesReader(config.state_dir)
    try:
        with reader.begin() as snapshot:
            zones = _pulled(config, snapshot)
    finally:
        reader.close()
    if not zones:
        raise RejectedError("no zone here was pulled from a primary", where=str(config.state_dir))
    target = repository.absolute()
    files, refused = repository_files(zones)
    for error in refused:
        click.echo(f"zonecast: {error}", err=True)
    written = len(zones) - len(refused)
    if not written:
        raise RejectedError("no zone here can be written as a file", where=str(config.state_dir))
    commit = create_bare(target, files, "Zones as served by a promoted secondary", time.time())
    click.echo(f"{target}: {counted(written, 'zone')} in commit {commit[:12]}", err=True)
    click.echo(_configuration(config, target))
    if refused:
        click.echo(f"not among them: {counted(len(refused), 'zone')}; {_LEFT_OUT}", err=True)
        raise click.exceptions.Exit(RejectedError.exit_code)


def _pulled(config: Config, snapshot: Snapshot) -> list[Zone]:
    catalogs = {member.name for member in config.catalog}
    primaries = {peer.name for peer in config.primary}
    found = []
    for record in snapshot.records():
        origin = record.origin.lower()
        if origin not in catalogs and record.source in primaries:
            zone = snapshot.zone(origin)
            assert zone is not None
            found.append(zone)
    return found


def repository_files(zones: list[Zone]) -> tuple[dict[str, bytes], list[RejectedError]]:
    """The files of a repository with these zones, its policy among them, and why zones are left out
    that no file can hold: one record of one zone must not keep back all others."""
    files = {}
    origins = []
    refused = []
    for number, zone in enumerate(zones, start=1):
        name = names.to_text(zone.origin).rstrip(".").lower()
        try:
            text = zone_text(zone)
        except RejectedError as error:
            refused.append(error)
            continue
        if _PLAIN.fullmatch(name) and len(name) <= MAX_STEM:
            path = f"zones/{name}.zone"
        else:
            path = f"zones/zone-{number}.zone"
            origins.append(f"{json.dumps(path)} = {json.dumps(names.to_text(zone.origin))}")
        files[path] = text.encode()
    policy = (
        "\n".join(["[origins]", *origins, ""]) if origins else "# Everything is at its default.\n"
    )
    return {**files, "zonecast.toml": policy.encode()}, refused


def _configuration(config: Config, repository: Path) -> str:
    lines = [
        "# In place of the [[catalog]], [[zone]] and [[primary]] tables:",
        "[[repository]]",
        f"path = {json.dumps(str(repository))}",
    ]
    if config.catalog:
        lines.append(f'catalog = "{names.to_text(config.catalog[0].name)}"')
    lines += ["# and a [[secondary]] table for each remaining server, if it is not there yet."]
    return "\n".join(lines)
