"""`zonecast hook`: put git's hooks in place, and what they call."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from pathlib import Path

import click

from zonecast.cli.hook_commit import judge_staged
from zonecast.cli.hook_judgement import Judgement, show_order
from zonecast.cli.hook_receive import BRANCH_KEY, judge_push, parse_updates, published_branch
from zonecast.cli.render import counted, finding_line, say
from zonecast.errors import UsageError
from zonecast.repository import Repository
from zonecast.repository.hooks import install, uninstall
from zonecast.zone.findings import Finding, errors

CLIENT_HOOK = "pre-commit"
SERVER_HOOK = "pre-receive"


@click.group()
def command() -> None:
    """Put git's hooks in place (install), and what they call."""


@command.command("install")
@click.argument("directory", type=click.Path(path_type=Path), required=False)
@click.option("--server", is_flag=True, help="For the repository that is pushed to.")
@click.option("--branch", help="The published branch (with --server; default: HEAD's).")
@click.option("--uninstall", "undo", is_flag=True, help="Take the hook away again.")
def install_command(directory: Path | None, server: bool, branch: str | None, undo: bool) -> None:
    """Install the hook in the repository at DIRECTORY, or in the one around the current one.

    A hook that is there already is kept and runs first.
    """
    if branch is not None and not server:
        raise click.UsageError("--branch is for --server")
    repository = Repository.discover() if directory is None else Repository.open(directory)
    if repository.bare and not server:
        raise UsageError(
            "nobody commits in a bare repository",
            where=str(repository.path),
            remedy="add --server for the hook that judges what is pushed to it",
        )
    name = SERVER_HOOK if server else CLIENT_HOOK
    if undo:
        _uninstall(repository, name, server)
    else:
        _install(repository, name, server, branch)


def _install(repository: Repository, name: str, server: bool, branch: str | None) -> None:
    if branch is not None:
        ref = f"refs/heads/{branch}"
        if repository.commands.result("check-ref-format", ref, allowed=(0, 1)).status:
            raise UsageError(f"'{branch}' is no branch's name")
        repository.set_config(BRANCH_KEY, branch)
    # -P: nothing in the current directory, where the zones are, is taken for a Python module.
    arguments = ("-P", "-m", "zonecast", "hook", name)
    hook = install(repository, name, sys.executable, arguments, "--server" if server else "")
    what = f" for pushes to '{published_branch(repository)}'" if server else ""
    say(f"installed {hook}{what}")


def _uninstall(repository: Repository, name: str, server: bool) -> None:
    removed = uninstall(repository, name)
    if server:
        repository.set_config(BRANCH_KEY, None)
    hook = repository.places.hooks / name
    if not removed:
        say(f"{hook}: not installed by zonecast, left alone")
    else:
        say(f"removed {hook}" + (", what was there before is back" if hook.exists() else ""))


@command.command("pre-commit")
def pre_commit() -> None:
    """Judge what is staged; git calls this before a commit."""
    judgement, edits = judge_staged(Repository.discover(), time.time())
    for edit in edits:
        say(f"zonecast: {edit.path}: {edit}", err=True)
    _end(judgement, judgement.findings, "commit")


@command.command("pre-receive")
@click.option("--branch", help="The published branch (default: as installed, else HEAD's).")
def pre_receive(branch: str | None) -> None:
    """Judge a push; git calls this with the updated refs on standard input."""
    lines = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").splitlines()
    repository = Repository.discover()
    judgement = judge_push(repository, parse_updates(lines), branch or published_branch(repository))
    if judgement is not None:
        _end(judgement, errors(judgement.findings), "push")


def _end(judgement: Judgement, findings: Iterable[Finding], what: str) -> None:
    """Say what was found; exit code 1 where it refuses the commit or push."""
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
