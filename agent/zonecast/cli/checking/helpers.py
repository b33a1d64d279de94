"""Other processes that judge a share of many zones: one Python looks at one zone at a time, and a
machine has several cores.

They are started by exec, get the contents of whole zone files and give back what the cache keeps
of each, in the same form. What goes wrong in one of them costs the time to judge its share here.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from typing import IO

from zonecast.cli.checking.cache import Cache
from zonecast.cli.checking.record import Outcome, encode_facts, encode_outcome
from zonecast.cli.checking.zones import Zones
from zonecast.cli.revisions import Files
from zonecast.server.reading import ReadingProcesses
from zonecast.zone.policy import POLICY_FILE, Policy

# With fewer zones than these, starting another process takes what it saves.
ENOUGH = 2000
_MOST_HELPERS = 3
# Octets of a file that is still one of many; a larger one stays here.
_SMALL = 1 << 20


class Helpers:
    """The processes that judge some of `origins`, which are `taken`: zones in files of their own,
    none of which is compared with an earlier version."""

    def __init__(self, zones: Zones, origins: list[bytes], enough: int = ENOUGH) -> None:
        self._zones = zones
        self._running: list[tuple[subprocess.Popen[bytes], IO[bytes], list[bytes]]] = []
        self.taken: set[bytes] = set()
        count = min(ReadingProcesses().count, _MOST_HELPERS)
        worth = count > 0 and len(origins) >= enough
        fit = [origin for origin in origins if self._fits(origin)] if worth else []
        if len(fit) >= enough:
            for number in range(1, count + 1):
                self._start(fit[number :: count + 1])

    def _fits(self, origin: bytes) -> bool:
        content = self._zones.files.read(self._zones.reading.holders[origin])
        return len(content) <= _SMALL and b"$include" not in content.lower()

    def _start(self, share: list[bytes]) -> None:
        files = self._zones.files
        paths = [self._zones.reading.holders[origin] for origin in share]
        policy = files.read(POLICY_FILE) if POLICY_FILE in files.paths else b""
        contents = [(path, files.blob(path), files.read(path).decode("latin-1")) for path in paths]
        # Files and not pipes: neither has to write while the other reads.
        results = tempfile.TemporaryFile()  # noqa: SIM115 - closed when it was read
        with tempfile.TemporaryFile() as job:
            job.write(json.dumps([policy.decode("latin-1"), contents]).encode("ascii"))
            job.seek(0)
            command = [sys.executable, "-P", "-m", __name__]
            quiet = subprocess.DEVNULL
            try:
                child = subprocess.Popen(command, stdin=job, stdout=results, stderr=quiet)
            except OSError:  # too many processes, or too little memory
                results.close()
                return
        self._running.append((child, results, share))
        self.taken.update(share)

    def results(self) -> Iterator[tuple[bytes, Outcome]]:
        """What was found, when it is there; nothing for a zone whose process failed."""
        for child, results, share in self._running:
            status = child.wait()
            results.seek(0)
            lines = results.read().split(b"\n")
            results.close()
            for number, origin in enumerate(share if status == 0 else ()):
                outcome = self._zones.adopt(origin, *lines[2 * number : 2 * number + 2])
                if outcome is not None:
                    yield origin, outcome


def help_out(job: bytes) -> Iterator[bytes]:
    """What a helper answers: the outcome and the facts of each zone that it was given."""
    policy_text, sent = json.loads(job)
    policy = Policy.from_toml(policy_text.encode("latin-1"), POLICY_FILE)
    contents = {path: text.encode("latin-1") for path, _, text in sent}
    blobs = {path: blob for path, blob, _ in sent}
    files = Files(contents, lambda paths: {p: contents[p] for p in paths}, blobs.get)
    zones = Zones(files, policy, Cache(None, 0))
    by_path = {path: origin for origin, path in zones.reading.holders.items()}
    for path in contents:
        parsed = zones.reading.zone(by_path[path])
        outcome = zones.judge(parsed, None)
        yield encode_outcome(outcome)
        yield encode_facts(outcome.sources, zones.add(parsed))


if __name__ == "__main__":
    sys.stdout.buffer.writelines(line + b"\n" for line in help_out(sys.stdin.buffer.read()))
