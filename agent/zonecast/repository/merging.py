"""A merge driver of ours: what git runs for it, and for which files.

The files are named in `.git/info/attributes`, not in `.gitattributes`: like the command itself,
which no clone inherits, they are one clone's own, nobody's next commit holds them, and taking
them away leaves no trace.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from zonecast.errors import RepositoryError, remedy_for
from zonecast.repository.hooks import write_whole
from zonecast.repository.repository import Repository

_BEGIN = b"# Begin: installed by zonecast, undone by: zonecast hook install --uninstall\n"
_BEGIN_NEW = (
    b"# Begin: installed by zonecast with this file, undone by: zonecast hook install --uninstall\n"
)
_END = b"# End: installed by zonecast\n"

_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./*?[]")


def set_driver(
    repository: Repository, name: str, title: str, command: str, patterns: Iterable[str]
) -> Path:
    """Have git run `command` to merge files that match `patterns` (see `pattern`); the file that
    says so. Doing it again replaces what was set. Raises RepositoryError."""
    repository.set_config(f"merge.{name}.name", title)
    repository.set_config(f"merge.{name}.driver", command)
    file = _file(repository)
    try:
        before = file.read_bytes() if file.exists() else None
        begin, rest = _without(before)
        if begin is None:
            begin = _BEGIN_NEW if before is None else _BEGIN
        lines = b"".join(
            f"{line} merge={name}\n".encode("utf-8", "surrogateescape") for line in patterns
        )
        file.parent.mkdir(exist_ok=True)
        # First in the file: of several lines that match, git heeds the last, which is theirs.
        _write(file, begin + lines + _END + rest)
    except OSError as error:
        raise RepositoryError(
            f"cannot be written: {error.strerror}", where=str(file), remedy=remedy_for(error)
        ) from error
    return file


def unset_driver(repository: Repository, name: str) -> bool:
    """Take the driver away again; whether it was there. Raises RepositoryError."""
    for key in ("name", "driver"):
        repository.set_config(f"merge.{name}.{key}", None)
    file = _file(repository)
    try:
        if not file.exists():
            return False
        begin, rest = _without(file.read_bytes())
        if begin is None:
            return False
        if begin == _BEGIN_NEW and not rest:
            file.unlink()
        else:
            _write(file, rest)
    except OSError as error:
        raise RepositoryError(
            f"cannot be written: {error.strerror}", where=str(file), remedy=remedy_for(error)
        ) from error
    return True


def pattern(glob: str, *, literal: bool = False) -> str:
    """A glob from the repository's top (`**/`, `*`, `?`), or the path of one file, as a line of
    attributes writes it."""
    special = "\\[*?" if literal else "\\["
    escaped = "".join(f"\\{char}" if char in special else char for char in glob)
    # A pattern without a slash would match in every directory.
    anchored = escaped if escaped.startswith("**/") and not literal else f"/{escaped}"
    if _PLAIN.issuperset(anchored):
        return anchored
    quoted = anchored.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + quoted.replace("\n", "\\n").replace("\t", "\\t") + '"'


def _file(repository: Repository) -> Path:
    return repository.places.common_dir / "info" / "attributes"


def _without(content: bytes | None) -> tuple[bytes | None, bytes]:
    """The first line of our part of an attributes file (None: it has none), and all the rest."""
    content = content or b""
    for begin in (_BEGIN, _BEGIN_NEW):
        start = content.find(begin)
        end = content.find(_END, start)
        if start >= 0 and end >= 0:
            return begin, content[:start] + content[end + len(_END) :]
    return None, content


def _write(file: Path, content: bytes) -> None:
    mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else 0o644
    write_whole(file, content, mode)
