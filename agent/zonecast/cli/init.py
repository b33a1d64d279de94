"""`zonecast init`: a new zones repository, with a policy and hooks."""

from __future__ import annotations

from pathlib import Path

import click

from zonecast.cli.hooks.setup import install_client
from zonecast.cli.render import say
from zonecast.errors import RepositoryError, remedy_for
from zonecast.repository import Repository
from zonecast.repository.command import Commands
from zonecast.zone.policy import POLICY_FILE

POLICY = """\
# Policy of this zones repository: the hook on your machine and the agent on the server read it.
# Every key is optional; these are the defaults.

# Which files are zones. The file's name is the zone's: zones/example.com.zone holds example.com.
include = ["**/*.zone", "**/db.*"]

[serial]
# fix: the hook raises serials for you; enforce: it refuses a change without a greater one;
# managed: files keep theirs, and the agent assigns what is served.
mode = "fix"
# date (YYYYMMDDnn), increment or unixtime.
policy = "date"

# Zones whose file name does not say it:
# [origins]
# "zones/root.zone" = "."
"""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
def command(directory: Path) -> None:
    """Make DIRECTORY a zones repository: git, a policy and hooks. What is there is kept."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RepositoryError(
            f"cannot be made: {error.strerror}", where=str(directory), remedy=remedy_for(error)
        ) from error
    if not (directory / ".git").exists():
        _initialise(directory)
        say(f"made the git repository {directory}")
    repository = Repository.open(directory)
    policy = directory / POLICY_FILE
    if not policy.exists():
        policy.write_text(POLICY, "utf-8")
        say(f"wrote {policy}")
    for file in install_client(repository):
        say(f"installed {file}")
    say("next: put a zone into zones/NAME.zone, then git add --all && git commit")


def _initialise(directory: Path) -> None:
    # The agent publishes "main" unless told otherwise; git's own default may be another.
    Commands(str(directory.resolve())).run("init", "--quiet", "--initial-branch=main")
