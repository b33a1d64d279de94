"""`zonecast hook`: put git's hooks in place, and what they call."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from zonecast.cli.hooks.commit import judge_staged, merged_heads
from zonecast.cli.hooks.judgement import Judgement, show_order
from zonecast.cli.hooks.merge import Sides, merge_zone
from zonecast.cli.hooks.push import judge_outgoing, outgoing_branch, parse_outgoing
from zonecast.cli.hooks.receive import judge_push, parse_updates, published_branch
from zonecast.cli.hooks.serials import Edit
from zonecast.cli.hooks.setup import (
    install_client,
    install_server,
    set_branch,
    set_socket,
    uninstall_client,
    uninstall_server,
)
from zonecast.cli.render import counted, finding_line, say
from zonecast.errors import UsageError, printable
from zonecast.repository import Repository
from zonecast.zone.findings import Finding, errors


@click.group()
def command() -> None:
    """Put git's hooks in place (install), and what they call."""


@command.command("install")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--server", is_flag=True, help="For the repository that is pushed to.")
@click.option("--branch", help="The published branch (default: the remote's, or HEAD's, main).")
@click.option(
    "--socket",
    metavar="PATH",
    help="With --server: the agent's status socket (default: /run/zonecast/status.sock), or "
    "'none' where no agent on this host publishes it.",
)
@click.option("--uninstall", "undo", is_flag=True, help="Take the hooks away again.")
def install_command(
    directory: Path | None, server: bool, branch: str | None, socket: str | None, undo: bool
) -> None:
    """Install hooks and merge driver in the repository at DIRECTORY, or in the one around the
    current one.

    A hook that is there already is kept and runs first.
    """
    repository = Repository.discover() if directory is None else Repository.open(directory)
    if repository.bare and not server:
        raise UsageError(
            "nobody commits in a bare repository",
            where=str(repository.path),
            remedy="add --server for the hook that judges what is pushed to it",
        )
    if socket is not None and not server:
        raise UsageError("--socket is for the hook on the server", remedy="add --server")
    if undo:
        _uninstall(repository, server)
        return
    if socket is not None:
        set_socket(repository, socket)
    if branch is not None:
        set_branch(repository, branch)
    if server:
        # Loaded here: pre-commit needs no configuration and no socket.
        from zonecast.cli.hooks.published import other_branches

        hook = install_server(repository)
        branch = published_branch(repository)
        say(f"installed {hook} for pushes to '{branch}'")
        wrong = other_branches(repository, branch)
        if wrong:
            say(f"zonecast: {wrong}", err=True)
        return
    for file in install_client(repository):
        say(f"installed {file}")


def _uninstall(repository: Repository, server: bool) -> None:
    removed = uninstall_server(repository) if server else uninstall_client(repository)
    for file, ours in removed.items():
        if not ours:
            say(f"{file}: not installed by zonecast, left alone")
        else:
            say(f"removed {file}" + (", what was there before is back" if file.exists() else ""))


@command.command("pre-commit")
def pre_commit() -> None:
    """Judge what is staged; git calls this before a commit."""
    repository = Repository.discover()
    judgement, edits = judge_staged(repository, time.time(), repository.merge_heads())
    _say_edits(edits)
    _end(judgement, judgement.findings, "commit")


@command.command("pre-merge-commit")
def pre_merge_commit() -> None:
    """Judge what a merge without conflicts made; git calls this before it commits that."""
    repository = Repository.discover()
    judgement, edits = judge_staged(repository, time.time(), merged_heads(os.environ))
    _say_edits(edits)
    _end(judgement, judgement.findings, "merge")
    if edits:
        repository.index.refresh()
        # git has taken the merge's tree from the index already and would commit the old serials.
        say("zonecast: serials raised and staged; finish with: git commit --no-edit", err=True)
        raise click.exceptions.Exit(1)


@command.command("pre-push")
@click.argument("remote")
@click.argument("url")
def pre_push(remote: str, url: str) -> None:
    """Judge what would be pushed to REMOTE; git calls this with the refs on standard input."""
    del url  # the remote's name again where it has none
    updates = parse_outgoing(_input_lines())
    repository = Repository.discover()
    judgement = judge_outgoing(repository, updates, outgoing_branch(repository, remote))
    if judgement is not None:
        _end(judgement, [*errors(judgement.findings), *judgement.beside], "push")


@command.command("pre-receive")
@click.option("--branch", help="The published branch (default: as installed, else HEAD's).")
def pre_receive(branch: str | None) -> None:
    """Judge a push; git calls this with the updated refs on standard input."""
    updates = parse_updates(_input_lines())
    repository = Repository.discover()
    judgement = judge_push(repository, updates, branch or published_branch(repository))
    if judgement is not None:
        _end(judgement, [*errors(judgement.findings), *judgement.beside], "push")


@command.command("merge-driver")
@click.argument("ancestor", type=click.Path(path_type=Path))
@click.argument("ours", type=click.Path(path_type=Path))
@click.argument("theirs", type=click.Path(path_type=Path))
@click.argument("marker_size", type=int)
@click.argument("path")
def merge_driver(ancestor: Path, ours: Path, theirs: Path, marker_size: int, path: str) -> None:
    """Merge three versions of the zone file PATH into OURS; git calls this in a merge.

    Exit code 1 where a conflict is left, with git's markers.
    """
    sides = Sides(ours.read_bytes(), ancestor.read_bytes(), theirs.read_bytes())
    merged = merge_zone(Repository.discover(), path, sides, marker_size, time.time())
    ours.write_bytes(merged.content)
    if merged.serial is not None:
        say(f"zonecast: {printable(path)}: serial {merged.serial}", err=True)
    if not merged.clean:
        raise click.exceptions.Exit(1)


def _input_lines() -> list[str]:
    return sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines()


def _say_edits(edits: Iterable[Edit]) -> None:
    for edit in edits:
        say(f"zonecast: {printable(edit.path)}: {edit}", err=True)


def _end(judgement: Judgement, findings: Iterable[Finding], what: str) -> None:
    """Say what was found; exit code 1 where it refuses the commit, merge or push."""
    shown = show_order(findings)
    for found in shown:
        say(finding_line(found), err=True)
    wrong = len(errors(shown))
    zones = counted(len(judgement.zones), "changed zone")
    if wrong:
        say(f"zonecast: {what} refused: {zones}, {counted(wrong, 'error')}", err=True)
        raise click.exceptions.Exit(1)
    if judgement.zones:
        say(f"zonecast: {zones} checked", err=True)
