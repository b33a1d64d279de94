"""What git's plumbing prints, as values: objects in a batch, trees, commits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from zonecast.errors import RepositoryError
from zonecast.repository.command import Commands, decode

FILE_MODES = frozenset((b"100644", b"100755", b"100664"))
LINK_MODE = b"120000"


class Listing(dict[str, str]):
    """Path and blob of each file of a version. Symbolic links are no files; their paths are in
    `links`. Submodules are left out."""

    links: frozenset[str] = frozenset()

    def copy(self) -> Listing:
        """Another one with the same files."""
        found = Listing(self)
        found.links = self.links
        return found


class CommitInfo(NamedTuple):
    """A commit. `committed` is in POSIX seconds; `message` is whole, its first line the subject."""

    id: str
    parents: tuple[str, ...]
    author: str
    committed: int
    message: str

    @property
    def subject(self) -> str:
        return self.message.partition("\n")[0]


def parse_batch(output: bytes) -> Iterator[tuple[str, str, bytes]]:
    """(id, type, content) of each object that `git cat-file --batch` printed.

    Raises RepositoryError for one that is missing.
    """
    position = 0
    while position < len(output):
        end = output.index(b"\n", position)
        header = output[position:end].decode("ascii", "replace").split(" ")
        if len(header) != 3:
            raise RepositoryError(
                f"object {header[0]} is {header[-1]}",
                remedy="fetch what a shallow or partial clone left out, or run 'git fsck'",
            )
        name, kind, size = header
        position = end + 1
        yield name, kind, output[position : position + int(size)]
        position += int(size) + 1


def parse_tree(output: bytes) -> Listing:
    """The files that `git ls-tree -r -z` printed."""
    found = Listing()
    links = []
    for entry in output.split(b"\x00"):
        facts, _, path = entry.partition(b"\t")
        if path and facts[:6] in FILE_MODES:
            found[decode(path)] = facts.split(b" ")[2].decode("ascii")
        elif facts[:6] == LINK_MODE:
            links.append(decode(path))
    found.links = frozenset(links)
    return found


def parse_commit(name: str, content: bytes) -> CommitInfo:
    """A commit object. Text that is not in the encoding it names survives as far as it can."""
    head, _, message = content.partition(b"\n\n")
    parents = []
    author = ""
    committed = 0
    encoding = "utf-8"
    for line in head.split(b"\n"):
        key, _, value = line.partition(b" ")
        if key == b"parent":
            parents.append(value.decode("ascii"))
        elif key == b"author":
            author = value.rpartition(b">")[0].decode("utf-8", "replace") + ">"
        elif key == b"committer":
            committed = _time(value)
        elif key == b"encoding":
            encoding = value.decode("ascii", "replace")
    try:
        text = message.decode(encoding, "replace")
    except LookupError:
        text = message.decode("utf-8", "replace")
    return CommitInfo(name, tuple(parents), author, committed, text)


class Trailer(NamedTuple):
    """The value of one trailer, and the commit that it stands in."""

    commit: str
    value: str


def trailers(commands: Commands, key: str, old: str | None, new: str) -> tuple[Trailer, ...]:
    """The trailers named `key` (case does not count) of every commit that `new` has and `old` has
    not, newest first; of `new` alone where `old` is None. Raises RepositoryError."""
    printed = commands.run(
        "log", "-z", "--no-show-signature", f"--format=%H%n%(trailers:key={key},valueonly,unfold)",
        *(["--max-count=1"] if old is None else [f"^{old}"]), new, "--",
    )  # fmt: skip
    found = []
    for entry in decode(printed).split("\0"):
        # Only git's own line ends: what else a text breaks at does not make another trailer.
        commit, *values = entry.split("\n")
        found += [Trailer(commit, value.strip()) for value in values if value.strip()]
    return tuple(found)


def before_each(
    commands: Commands, commit: str, count: int, paths: Iterable[str] = ()
) -> list[dict[str, str | None]]:
    """What was before each of the newest `count` commits that change one of `paths` (none: any
    path), newest first, along first parents up to `commit`: path → blob of each file that the
    commit changed, None where there was none. Raises RepositoryError."""
    printed = commands.run(
        "log", "-z", "--no-show-signature", "--first-parent", "-m", "--root", "--raw", "--no-abbrev",
        "--no-renames", "--no-ext-diff", "--format=%H", f"--max-count={count}", commit, "--", *paths,
    )  # fmt: skip
    found: list[dict[str, str | None]] = []
    tokens = iter(printed.split(b"\x00"))
    for token in tokens:
        token = token.lstrip(b"\n")
        if token.startswith(b":"):
            mode, _, blob, _ = token[1:].split(b" ", 3)
            known = blob.decode("ascii") if mode in FILE_MODES else None
            found[-1][decode(next(tokens))] = known
        elif token:
            found.append({})
    return found


def _time(signature: bytes) -> int:
    seconds = signature.rpartition(b">")[2].split()[:1]
    return int(seconds[0]) if seconds and seconds[0].isdigit() else 0
