"""The controller: wires the parts of one agent together and keeps them running.

The order of a start is the order of what matters: configuration, store, sockets, workers (which
serve from the store at once), then git, primaries and secondaries.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from zonecast.config import Config, load
from zonecast.errors import ConfigError, StoreError, ZonecastError
from zonecast.options import dashed
from zonecast.server import systemd
from zonecast.server.control import ControlServer
from zonecast.server.hangup import Hangup
from zonecast.server.listeners import Listening, adopt, open_sockets, open_tls
from zonecast.server.workers import Workers, datagram_workers
from zonecast.store.schema import prepare

log = logging.getLogger("zonecast")

# What a reload leaves as it is.
FIXED = ("state_dir", "run_dir", "listen", "workers", "stream_workers", "pullers", "journal")

# Seconds that READY waits for the first look at repositories and primaries of an empty store.
FIRST_LOOK = 20.0


def run(config_path: Path) -> None:
    """Run the agent until it is told to stop. Raises ZonecastError where it cannot start."""
    config = load(config_path)
    config.state_dir.mkdir(mode=0o750, parents=True, exist_ok=True)
    with lock_state(config.state_dir):
        prepare(config.state_dir)
        count = datagram_workers(config)
        passed = systemd.passed_sockets()
        listening = adopt(passed, count) if passed else open_sockets(config.listen, count)
        _add_tls(listening, config)
        workers = Workers(config, listening)
        # The workers are starting meanwhile: what follows imports git's and watchdog's modules.
        from zonecast.server.agent import Agent

        asyncio.run(_run(Agent, config_path, config, listening, workers))


def _add_tls(listening: Listening, config: Config) -> None:
    """Open the sockets for TLS where none was passed. Raises ConfigError where one was passed and
    no certificate is configured."""
    if config.tls is None and listening.tls:
        raise ConfigError(
            "systemd passes a socket for TLS, but there is no certificate for it",
            remedy="add [tls], or take the socket out of its unit",
        )
    if config.tls is not None and not listening.tls:
        listening.tls = open_tls(config.tls.listen)


def lock_state(state_dir: Path) -> Any:
    """Hold the state directory for this process alone. Raises StoreError where another does."""
    try:
        lock = (state_dir / "lock").open("w")
    except OSError as error:
        raise StoreError(
            f"the state directory cannot be written: {error.strerror}",
            where=str(state_dir),
            remedy="check its owner and whether its file system is read-only",
        ) from None
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise StoreError(
            "another agent runs on this state directory",
            where=str(state_dir),
            remedy="stop it, or give this one a state-dir of its own",
        ) from None
    return lock


async def _run(
    agent_class: Any, config_path: Path, config: Config, listening: Listening, workers: Workers
) -> None:
    """Run until SIGTERM or SIGINT; SIGHUP loads the configuration again."""
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    if Hangup.came:
        reload.set()
    serving = loop.create_task(workers.run())
    server = ControlServer(config.sockets)
    ready = False
    try:
        await server.open()
        await first_of([workers.ready(), stop.wait()])
        if not stop.is_set():
            log.info("answering on %s", ", ".join(listening.addresses()))
        while not stop.is_set():
            async with agent_class(config, listening, workers, server) as agent:
                if not ready:
                    await first_of([agent.looked(FIRST_LOOK), stop.wait(), reload.wait()])
                    ready = True
                old = config
                while config is old and not stop.is_set():
                    systemd.notify("READY=1", f"STATUS=serving {agent.zone_count()} zones")
                    await _until_told(agent, stop, reload, serving)
                    if reload.is_set():
                        reload.clear()
                        systemd.reloading()
                        config = await _reload(config_path, old, workers, server)
    finally:
        systemd.notify("STOPPING=1")
        server.close()
        workers.stop()
        await serving


async def _until_told(
    agent: Any, stop: asyncio.Event, reload: asyncio.Event, serving: asyncio.Task[None]
) -> None:
    """Wait for a signal, or for a part of the agent to fail, which ends it with that error."""
    works = [stop.wait(), reload.wait(), agent.failed(), _watchdog(), asyncio.shield(serving)]
    await first_of(works)


async def first_of(works: Iterable[Any]) -> None:
    """Wait until the first of these ends; cancel the others; raise what it raised."""
    tasks = [asyncio.ensure_future(work) for work in works]
    done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for task in done:
        task.result()


async def _watchdog() -> None:
    """Give the service manager its signs of life, where it wants them."""
    interval = systemd.watchdog_interval()
    while True:
        if interval is None:
            await asyncio.Event().wait()
        else:
            systemd.notify("WATCHDOG=1")
            await asyncio.sleep(interval)


def _with_old_sockets(wanted: Config, old: Config) -> Config:
    """The configuration that is wanted, but for what a reload leaves as it is."""
    tls = old.tls
    if tls is not None and wanted.tls is not None:
        tls = replace(wanted.tls, listen=tls.listen)
    return replace(wanted, **{name: getattr(old, name) for name in FIXED}, tls=tls)


async def _reload(
    config_path: Path, old: Config, workers: Workers, server: ControlServer
) -> Config:
    """The configuration read again; a broken one is reported and the old one kept, and so is
    what only a restart can change. Control sockets that somebody removed are opened again."""
    try:
        await server.open()
    except ZonecastError as error:
        log.error("%s", error)
    try:
        wanted = load(config_path)
        new = _with_old_sockets(wanted, old)
        workers.reload(new)
    except ZonecastError as error:
        log.error("the configuration is not reloaded: %s", error)
        return old
    if wanted != new:
        names = ", ".join(map(dashed, FIXED))
        log.warning("%s, and what [tls] listens on, change with a restart only", names)
    log.info("configuration reloaded")
    return new
