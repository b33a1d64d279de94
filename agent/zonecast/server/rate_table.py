"""The memory in which all datagram workers count answers, so that a rate limit is the server's and
not each worker's."""

from __future__ import annotations

import os
import tempfile

from zonecast.protocol.rate_limit import BUCKET_OCTETS, BUCKETS, KEY_OCTETS


class RateTable:
    """Made once and kept: what was counted outlives a worker and a reload. `fd` is a file without
    a name, and takes no memory until something is counted."""

    def __init__(self) -> None:
        self._key = os.urandom(KEY_OCTETS).hex()
        try:
            self.fd = os.memfd_create("zonecast-rates")
        except (AttributeError, OSError):  # another system than Linux, or a sandbox
            with tempfile.TemporaryFile(prefix="zonecast-rates-") as file:
                self.fd = os.dup(file.fileno())
        os.truncate(self.fd, BUCKETS * BUCKET_OCTETS)

    def settings(self) -> dict[str, str | int]:
        """What a worker that inherits the file needs to know of it."""
        return {"key": self._key, "table": self.fd}

    def close(self) -> None:
        """Let go of the file; workers keep what they have of it."""
        os.close(self.fd)
