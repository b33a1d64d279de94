"""Git's hooks: ours put into place, what was there kept and run first, all of it undone again."""

from __future__ import annotations

import os
import shlex
import tempfile
from collections.abc import Sequence
from pathlib import Path

from zonecast.errors import RepositoryError, remedy_for
from zonecast.repository.repository import Repository

MARK = "# Installed by zonecast."
KEPT = ".kept-by-zonecast"

# Hooks that are told about refs on their standard input, which two then have to share.
_READS_INPUT = frozenset(("pre-receive", "post-receive", "pre-push"))

_HEAD = """\
#!/bin/sh
{mark} Undo it with: zonecast hook install {undo}
interpreter={interpreter}
here=$(dirname -- "$0")
# What on the way to $1, links followed, this user may not enter or run; nothing where all is open.
closed() (
    [ "$1" = / ] || [ "${{2:-0}}" -gt 8 ] && exit
    above=$(dirname -- "$1")
    found=$(closed "$above" "${{2:-0}}")
    if [ -n "$found" ]; then
        printf '%s\n' "$found"
    elif [ -L "$1" ]; then
        target=$(readlink -- "$1")
        case $target in /*) ;; *) target=$above/$target ;; esac
        closed "$target" "$((${{2:-0}} + 1))"
    elif [ -e "$1" ] && [ ! -x "$1" ]; then
        above=$(cd -P -- "$above" && pwd)
        printf '%s\n' "${{above%/}}/$(basename -- "$1")"
    fi
)
if [ ! -x "$interpreter" ]; then
    found=$(closed "$interpreter")
    if [ -n "$found" ]; then
        echo "zonecast: $(id -un) may not enter (x) $found, which leads to this hook's" >&2
        echo "zonecast: $interpreter; let that user (setfacl -m u:$(id -un):x $found), or" >&2
        echo "zonecast: install zonecast where all may, and run 'zonecast hook install' again" >&2
    else
        echo "zonecast: $interpreter, which this hook was installed with, is gone;" >&2
        echo "zonecast: run 'zonecast hook install' again, or remove $0" >&2
    fi
    exit 1
fi
"""
_PLAIN = """\
if [ -x "$here/{kept}" ]; then
    "$here/{kept}" "$@" || exit
fi
exec "$interpreter" {arguments} "$@"
"""
_WITH_INPUT = """\
if [ ! -x "$here/{kept}" ]; then
    exec "$interpreter" {arguments} "$@"
fi
input=$(cat)
given() {{ [ -z "$input" ] || printf '%s\\n' "$input"; }}
given | "$here/{kept}" "$@" || exit
given | "$interpreter" {arguments} "$@"
"""


def install(
    repository: Repository, name: str, interpreter: str, arguments: Sequence[str], undo: str = ""
) -> Path:
    """Make hook `name` run `interpreter arguments`; the hook's path.

    A hook that is there already is kept and runs first. `undo` are the options that take this
    one away. Doing it again changes nothing but what is new. Raises RepositoryError.
    """
    hook = check_place(repository, name)
    kept = hook.with_name(name + KEPT)
    template = _HEAD + (_WITH_INPUT if name in _READS_INPUT else _PLAIN)
    script = template.format(
        mark=MARK,
        undo=" ".join([*undo.split(), "--uninstall"]),
        interpreter=shlex.quote(interpreter),
        kept=kept.name,
        arguments=shlex.join(arguments),
    )
    try:
        hook.parent.mkdir(parents=True, exist_ok=True)
        if hook.exists() and not _is_ours(hook):
            hook.rename(kept)
        write_whole(hook, script.encode("utf-8", "surrogateescape"), 0o755)
    except OSError as error:
        raise RepositoryError(
            f"the hook cannot be written: {error.strerror}",
            where=str(hook),
            remedy=remedy_for(error),
        ) from error
    return hook


def check_place(repository: Repository, name: str) -> Path:
    """Where hook `name` would be. Raises RepositoryError where it cannot be installed: the
    directory is shared, or two hooks are there that are not ours."""
    hook = _directory(repository) / name
    kept = hook.with_name(name + KEPT)
    if hook.exists() and kept.exists() and not _is_ours(hook):
        raise RepositoryError(
            f"was there before, and so was {kept.name}",
            where=str(hook),
            remedy="merge the two by hand and remove one",
        )
    return hook


def is_installed(repository: Repository, name: str) -> bool:
    """Whether hook `name` is ours."""
    return _is_ours(repository.places.hooks / name)


def uninstall(repository: Repository, name: str) -> bool:
    """Take our hook away and put back what was there; whether there was one of ours.

    Raises RepositoryError.
    """
    hook = _directory(repository) / name
    kept = hook.with_name(name + KEPT)
    try:
        if not _is_ours(hook):
            return False
        if kept.exists():
            kept.replace(hook)
        else:
            hook.unlink()
    except OSError as error:
        raise RepositoryError(
            f"the hook cannot be removed: {error.strerror}",
            where=str(hook),
            remedy=remedy_for(error),
        ) from error
    return True


def _directory(repository: Repository) -> Path:
    """The repository's own hooks' directory. Raises RepositoryError for one that it shares with
    every repository of its user or host."""
    shared = repository.commands.result(
        "config", "--show-scope", "--get", "core.hooksPath", allowed=(0, 1), options=()
    ).stdout
    if shared.split(b"\t")[0] in (b"global", b"system"):
        raise RepositoryError(
            "core.hooksPath makes every repository here share these hooks",
            where=str(repository.places.hooks),
            remedy="call 'zonecast hook pre-commit' from there, or give this repository its own: "
            f"git config core.hooksPath {shlex.quote(str(repository.places.common_dir / 'hooks'))}",
        )
    return repository.places.hooks


def _is_ours(hook: Path) -> bool:
    try:
        return f"\n{MARK}".encode() in hook.read_bytes()
    except FileNotFoundError:
        return False


def write_whole(path: Path, content: bytes, mode: int) -> None:
    """Write a file whole or not at all, owned like the directory it is in: root may configure a
    repository for the user that git runs as. Raises OSError."""
    handle, temporary = tempfile.mkstemp(prefix=path.name, dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(temporary).chmod(mode)
        if os.geteuid() == 0:
            owner = path.parent.stat()
            os.chown(temporary, owner.st_uid, owner.st_gid)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
