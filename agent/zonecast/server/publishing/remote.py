"""Fetching from a remote repository, which may hang for as long as git is given.

Each one has a thread of its own: what waits for a remote takes none from what looks at local
repositories. The git that runs there ends with the wait for it, so that nothing waits for a remote
when the agent ends or loads its configuration again.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from zonecast.config.tables import RepositoryConfig
from zonecast.repository import Mirror, Repository


class Remote:
    """The remote of one repository."""

    def __init__(self, wanted: RepositoryConfig, mirrors: Path) -> None:
        self._wanted = wanted
        self._mirrors = mirrors
        self._thread = ThreadPoolExecutor(1, "remote")

    async def fetch(self) -> Repository:
        """Fetch the branch; the mirror. Raises RepositoryError. Cancelled, it ends git first."""
        wanted = self._wanted
        mirror = Mirror(
            wanted.url,
            wanted.branch,
            self._mirrors,
            wanted.ssh_key_file,
            wanted.known_hosts,
            wanted.token_file,
        )
        fetching = asyncio.get_running_loop().run_in_executor(self._thread, mirror.fetch)
        try:
            return await asyncio.shield(fetching)
        except asyncio.CancelledError:
            mirror.leash.end()
            await asyncio.gather(fetching, return_exceptions=True)
            raise

    def close(self) -> None:
        """Let the thread end."""
        self._thread.shutdown(wait=False)
