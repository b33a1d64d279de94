"""The publisher process: one commit, one job, then it ends.

Everything is imported before it waits, so that a spare is warm. GitPython and the reader of a
whole commit live and die here; a crash hurts nobody.
"""

from __future__ import annotations

import sys
import time
import traceback
from pathlib import Path
from typing import Any

from zonecast.errors import ZonecastError
from zonecast.repository import Repository, drop_inherited_environment
from zonecast.server.channel import Channel
from zonecast.server.publishing.planning import Job
from zonecast.server.publishing.publish import publish
from zonecast.store.writer import JournalLimits, ZonesWriter
from zonecast.zone import names
from zonecast.zone.policy import Floors


def read_job(message: dict[str, Any], commit_time: int) -> Job:
    """A job as the controller sent it."""
    return Job(
        name=message["name"],
        commit=message["commit"],
        commit_time=commit_time,
        catalogs_of={
            repository: tuple(names.from_text(name) for name in catalogs)
            for repository, catalogs in message["catalogs"].items()
        },
        handover=message["handover"],
        others=tuple(message["others"]),
        primaries=tuple(message["primaries"]),
        pulled=frozenset(names.from_text(name) for name in message["pulled"]),
        served=None
        if message["served"] is None
        else {names.from_text(name): served for name, served in message["served"].items()},
        approved=message["approved"],
        floors=Floors.from_table(message["rails"]),
    )


def main() -> None:
    """Wait for a job on the channel whose descriptor is the first argument; do it; reply."""
    channel = Channel(int(sys.argv[1]))
    drop_inherited_environment()
    message = channel.receive()
    if message is None:
        return
    limits = JournalLimits(**message["journal"])
    writer = ZonesWriter(Path(message["state-dir"]), limits)
    try:
        repository = Repository.open(message["path"])
        job = read_job(message, repository.commit_time(message["commit"]))
        channel.send(publish(job, repository, writer, time.time()))
    except ZonecastError as error:
        channel.send({"error": str(error)})
    except Exception as error:  # noqa: BLE001 - the controller says it in status
        traceback.print_exc()
        channel.send({"error": f"the commit cannot be published: {error!r}"})
    finally:
        writer.close()


if __name__ == "__main__":
    main()
