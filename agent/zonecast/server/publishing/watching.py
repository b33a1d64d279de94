"""File-system events as a hint that a branch may have moved; they may come late, often or never."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from pathlib import Path

from watchdog.events import FileSystemEvent, FileSystemEventHandler
from watchdog.observers import Observer
from watchdog.observers.api import ObservedWatch

# What only tells that somebody read; our own look at the branch would wake us for ever.
_READING = {"opened", "closed_no_write"}


class Watch(FileSystemEventHandler):
    """Calls `hint` in the event loop when something changes in the directories followed."""

    def __init__(self, hint: Callable[[], None]) -> None:
        self._hint = hint
        self._loop = asyncio.get_running_loop()
        self._watches: dict[tuple[str, int, int], ObservedWatch] = {}
        self._observer = Observer()
        self._observer.start()

    def follow(self, directories: Iterable[str]) -> None:
        """Watch these directories, with what is below them, and no others."""
        wanted = {place for directory in directories if (place := _place(directory))}
        for place in self._watches.keys() - wanted:
            self._observer.unschedule(self._watches.pop(place))
        for place in wanted - self._watches.keys():
            try:
                self._watches[place] = self._observer.schedule(self, place[0], recursive=True)
            except OSError:
                continue  # no watches left, or a file system without them: polling will do

    def on_any_event(self, event: FileSystemEvent) -> None:
        """In watchdog's thread."""
        if event.event_type not in _READING and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._hint)

    def close(self) -> None:
        """Stop watching."""
        self._observer.stop()
        self._observer.join()


def _place(directory: str) -> tuple[str, int, int] | None:
    """A directory and which one it is: another one may have taken its name."""
    try:
        found = Path(directory).stat()
    except OSError:
        return None
    return directory, found.st_dev, found.st_ino
