"""Three real zone repositories with their history, rewritten so that each commit has our policy.

Nobody's commits have a `zonecast.toml`, so each history is written again into a bare repository:
the same trees with a policy added, the same authors, times and messages, one after another in
topological order (side branches included, so that contents go back and forth as well).
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

POLICY_FILE = "zonecast.toml"
BRANCH = "refs/heads/replay"

# `make test-replay` sets it: every commit of every history, and not what fits in seconds.
WHOLE = os.environ.get("ZONECAST_REPLAY") == "whole"


@dataclass(frozen=True)
class History:
    """A bundle and what its README or its users' configuration says of it: which files are zones,
    and the origins that the file names do not say."""

    name: str
    include: tuple[str, ...] = ("**/*.zone",)
    origins: dict[str, str] = field(default_factory=dict)

    def policy(self, mode: str) -> str:
        """The policy: rails off, serials raised by people (enforce) or by the agent (managed)."""
        globs = ", ".join(f'"{glob}"' for glob in self.include)
        origins = "".join(f'"{path}" = "{name}"\n' for path, name in self.origins.items())
        return (
            f"include = [{globs}]\n"
            f'[serial]\nmode = "{mode}"\n'
            "[rails]\nmax-delete = 1.0\nmax-update = 1.0\n"
            "apex-ns = false\nremoval = false\nrewrite = false\n"
            f"[origins]\n{origins}"
        )

    def origin(self, path: str) -> str | None:
        """The zone that a file holds, absolute; None for a file that is none. Files are at the top."""
        if path in self.origins:
            return self.origins[path]
        if self.include == ("**/*.zone",):
            return f"{path.removesuffix('.zone')}." if path.endswith(".zone") else None
        return f"{path}." if path in self.include else None


HISTORIES = {
    history.name: history
    for history in (
        History(
            "ffhl-dns",
            origins={
                "10.130.zone": "130.10.in-addr.arpa.",
                "fdef:ffc0:3dd7.zone": "7.d.d.3.0.c.f.f.f.e.d.f.ip6.arpa.",
            },
        ),
        History("skopjehacklab"),
        History(
            "m-lab",
            include=("measurement-lab.org", "measurementlab.net", "measurementlab.org", "mlab.fun"),
        ),
    )
}


@dataclass(frozen=True)
class Commit:
    """A rewritten commit: its number in the replay, its id, its time, its files' blobs by path;
    symbolic links apart, which are not zone files."""

    number: int
    commit: str
    time: int
    files: dict[str, str]
    links: tuple[str, ...]


class Rewritten:
    """A bare repository with the rewritten history on a branch of its own."""

    def __init__(self, history: History, bundle: Path, directory: Path, mode: str) -> None:
        self.history = history
        self.mode = mode
        self.path = directory / f"{history.name}-{mode}.git"
        subprocess.run(
            ["git", "clone", "-q", "--bare", str(bundle), str(self.path)],
            check=True,
            capture_output=True,
        )
        stream = b"".join(self._stream(history.policy(mode).encode()))
        self.git("fast-import", "--quiet", stdin=stream)
        self._blobs: dict[str, bytes] = {}

    def git(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What a git command in the repository printed."""
        command = ["git", "-C", str(self.path), *arguments]
        return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout

    def _stream(self, policy: bytes) -> Iterator[bytes]:
        """The rewritten history for git fast-import; `M 040000 <tree>` takes a whole tree over."""
        yield b"blob\nmark :1\ndata %d\n%b\n" % (len(policy), policy)
        order = self.git("rev-list", "--topo-order", "--reverse", "HEAD").decode().split()
        for number, original in enumerate(order):
            head, _, message = self.git("cat-file", "commit", original).partition(b"\n\n")
            fields = dict(line.split(b" ", 1) for line in head.split(b"\n") if b" " in line[:10])
            yield b"commit %b\nmark :%d\n" % (BRANCH.encode(), number + 2)
            yield b"author %b\ncommitter %b\n" % (fields[b"author"], fields[b"committer"])
            yield b"data %d\n%b\n" % (len(message), message)
            if number:
                yield b"from :%d\n" % (number + 1)
            yield b'M 040000 %b ""\n' % fields[b"tree"]
            yield b"M 100644 :1 %b\n\n" % POLICY_FILE.encode()

    @cached_property
    def commits(self) -> list[Commit]:
        """All commits, oldest first."""
        found = []
        lines = self.git("log", "--reverse", "--topo-order", "--format=%H %ct", BRANCH).decode()
        for number, line in enumerate(lines.splitlines()):
            commit, time = line.split()
            entries = self.git("ls-tree", "-r", "-z", commit).decode().split("\0")[:-1]
            split = [(*entry.split("\t")[0].split(), entry.split("\t")[1]) for entry in entries]
            files = {path: blob for mode, _, blob, path in split if mode.startswith("100")}
            links = tuple(path for mode, _, _, path in split if mode == "120000")
            found.append(Commit(number, commit, int(time), files, links))
        return found

    def blob(self, blob: str) -> bytes:
        """A blob's octets."""
        if blob not in self._blobs:
            self._blobs[blob] = self.git("cat-file", "blob", blob)
        return self._blobs[blob]
