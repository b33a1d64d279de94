"""`zonecast diff`: what differs between two revisions, or from what is served, record by record."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import click

from zonecast.cli.agent import config_option
from zonecast.cli.diffing.compare import Comparison, compare_files, compare_served
from zonecast.cli.diffing.markdown import markdown
from zonecast.cli.diffing.text import show_human, show_json
from zonecast.cli.place import Place, find_place
from zonecast.cli.render import format_option, say
from zonecast.cli.revisions import Files, committed, committed_or_none, staged, work_tree
from zonecast.config.values import Endpoint, read_endpoint
from zonecast.errors import BadNameError, UsageError
from zonecast.zone import names
from zonecast.zone.rrset import Zone


@click.command()
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--staged", "from_index", is_flag=True, help="Compare with what is staged.")
@click.option("--served", is_flag=True, help="In place of OLD, what the agent here serves.")
@click.option(
    "--server", metavar="ADDRESS", help="In place of OLD, what this server serves (AXFR)."
)
@click.option(
    "--key-file",
    type=click.Path(path_type=Path),
    help="The TSIG key for --server, from zonecast keygen or tsig-keygen.",
)
@click.option("--zone", "zones", multiple=True, metavar="NAME", help="Only this zone; repeatable.")
@click.option("--stat", is_flag=True, help="Count the records of each zone, show none.")
@click.option("--exit-code", is_flag=True, help="Exit with 1 where anything differs.")
@format_option("markdown")
@config_option
def command(
    old: str | None,
    new: str | None,
    from_index: bool,
    served: bool,
    server: str | None,
    key_file: Path | None,
    zones: tuple[str, ...],
    stat: bool,
    exit_code: bool,
    output_format: str,
    config_path: Path,
) -> None:
    """Show the records that differ between OLD (HEAD) and NEW (the work tree).

    With --served or --server one argument is enough: NEW, and what would change if it was
    published.
    """
    if key_file is not None and server is None:
        raise click.UsageError("--key-file goes with --server")
    only = frozenset(map(_origin, zones))
    place = find_place(Path())
    if served or server is not None:
        if new is not None or (served and server is not None):
            raise click.UsageError("OLD, --served and --server exclude each other")
        after = _after(place, old, from_index, bare="HEAD")
        found = _compare_served(server, key_file, config_path, after, only)
    else:
        after = _after(place, new, from_index, bare=None)
        found = compare_files(_before(place, old), after, only)
    _show(found, output_format, stat)
    if exit_code and (found.zones or found.unplaced):
        raise click.exceptions.Exit(1)


def _origin(text: str) -> bytes:
    try:
        return names.from_text(text, names.ROOT).lower()
    except BadNameError as error:
        raise UsageError(error.message, where="--zone", remedy="give a zone's name") from None


def _before(place: Place, old: str | None) -> Files:
    repository = place.needs_repository()
    if old is None:
        return committed_or_none(repository, "HEAD", place.prefix)
    return committed(repository, old, place.prefix)


def _after(place: Place, new: str | None, from_index: bool, bare: str | None) -> Files:
    """The files of the newer side; in a bare repository, where none is named, those of `bare`."""
    repository = place.needs_repository()
    if from_index and new is not None:
        raise click.UsageError("--staged and NEW exclude each other")
    if new is None and repository.bare and not from_index:
        new = bare
        if new is None:
            raise click.UsageError("a bare repository has no work tree: give OLD and NEW")
    if new is not None:
        return committed(repository, new, place.prefix)
    if from_index:
        return staged(repository, place.prefix)
    return work_tree(place.top, repository)


def _compare_served(
    server: str | None,
    key_file: Path | None,
    config_path: Path,
    after: Files,
    only: frozenset[bytes],
) -> Comparison:
    # Loaded here: two revisions are compared without transfers and store.
    from zonecast.cli.diffing.served import from_server, from_store, read_key_file

    if server is None:
        return compare_served(lambda wanted: from_store(config_path, wanted), after, only)
    endpoint = _endpoint(server)
    key = None if key_file is None else read_key_file(key_file)

    def transferred(wanted: Iterable[bytes]) -> Mapping[bytes, Zone]:
        return from_server(endpoint, key, wanted)

    return compare_served(transferred, after, only)


def _endpoint(text: str) -> Endpoint:
    try:
        return read_endpoint(text)
    except ValueError as error:
        raise UsageError(str(error), where="--server", remedy="192.0.2.1 or 192.0.2.1:53") from None


def _show(found: Comparison, output_format: str, stat: bool) -> None:
    if output_format == "json":
        show_json(found, stat)
    elif output_format == "markdown":
        say(markdown(found, stat).removesuffix("\n"))
    else:
        show_human(found, stat)
