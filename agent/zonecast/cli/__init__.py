"""The command line, `zonecast`: one file a command, loaded only when that command is asked for.

A git hook starts this for every commit, so nothing but click is imported here. Each module of
this package named in COMMANDS defines a click command (or group) named `command`.
"""

from __future__ import annotations

import errno
import io
import os
import sys
from importlib import import_module

import click

from zonecast.errors import ZonecastError, remedy_for

# Command and what it does, said here so that `zonecast --help` imports none of them.
COMMANDS = {
    "init": "Make a new zones repository with hooks and policy.",
    "check": "Lint a tree of zone files, a revision or the index.",
    "bump": "Raise the serials of zones whose content changed.",
    "diff": "Show the records that differ between two revisions.",
    "import": "Write zone files from another server's zones.",
    "hook": "Install git's hooks, and what they call.",
    "run": "The agent: primary, secondary or both.",
    "status": "Show zones, serials and what each secondary serves.",
    "history": "Show which commit had which serial, and when.",
    "approve": "Publish what a safety rail holds back of a commit.",
    "notify": "Tell the secondaries of a zone about it now.",
    "refresh": "Ask a zone's primaries for a newer version now.",
    "retransfer": "Fetch a zone whole, whatever its serial.",
    "follow": "Let a catalog remove many members at once.",
    "promote": "Make a lost primary's zones, as served here, a repository.",
    "keygen": "Make a TSIG key.",
    "config": "Look at the agent's configuration.",
    "demo": "A primary and two secondaries on loopback, and a push.",
}

# Where the module has another name: this one is a keyword.
_MODULES = {"import": "import_zones"}


class _Commands(click.Group):
    """A group that imports a command's module when the command is wanted."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if cmd_name == "run":
            # Before its modules are imported, which takes longer than all before.
            from zonecast.server.hangup import Hangup

            Hangup.hold()
        module = _MODULES.get(cmd_name, cmd_name)
        found = import_module(f"zonecast.cli.{module}").command
        assert isinstance(found, click.Command)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def invoke(self, ctx: click.Context) -> object:
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                # A terminal that cannot show a character must not end a command half-way.
                stream.reconfigure(errors="replace")
        try:
            return super().invoke(ctx)
        except ZonecastError as error:
            click.echo(f"zonecast: {error}", err=True)
            ctx.exit(error.exit_code)
        except OSError as error:
            if error.errno == errno.EPIPE:
                _stop_writing()
                ctx.exit(1)
            click.echo(f"zonecast: {_system_error(error)}", err=True)
            ctx.exit(ZonecastError.exit_code)


def _system_error(error: OSError) -> ZonecastError:
    where = "" if error.filename is None else os.fsdecode(error.filename)
    return ZonecastError(error.strerror or str(error), where=where, remedy=remedy_for(error))


def _stop_writing() -> None:
    """Who read our output has gone away: keep the interpreter's last flush from complaining."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="zonecast", prog_name="zonecast")
def main() -> None:
    """`git push`, and every nameserver has it: authoritative DNS from a git repository.

    Exit codes: 0 fine, 1 the answer is no, 2 wrong usage or configuration, 3 the environment
    failed.
    """
