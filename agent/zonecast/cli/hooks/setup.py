"""What `hook install` and `init` put in place, and what takes it away again."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from zonecast.cli.hooks.receive import BRANCH_KEY, NO_SOCKET, SOCKET_KEY
from zonecast.errors import UsageError
from zonecast.repository import Repository
from zonecast.repository.hooks import check_place, install, is_installed, uninstall
from zonecast.repository.merging import pattern, set_driver, unset_driver
from zonecast.zone.policy import POLICY_FILE, Policy

CLIENT_HOOKS = ("pre-commit", "pre-merge-commit", "pre-push")
SERVER_HOOK = "pre-receive"
DRIVER = "zonecast"

_TITLE = "zone files: both sides' records, and a serial above both"
# -P: nothing in the current directory, where the zones are, is taken for a Python module.
_MODULE = ("-P", "-m", "zonecast", "hook")


def install_client(repository: Repository) -> list[Path]:
    """The hooks and the merge driver for those who commit; the files written.

    Raises RepositoryError, before anything is written where a hook cannot be put in place, and
    ConfigError for a broken policy.
    """
    patterns = _patterns(repository)
    for name in CLIENT_HOOKS:
        check_place(repository, name)
    written = [install(repository, name, sys.executable, (*_MODULE, name)) for name in CLIENT_HOOKS]
    return [*written, set_driver(repository, DRIVER, _TITLE, _driver(), patterns)]


def uninstall_client(repository: Repository) -> dict[Path, bool]:
    """The files that `install_client` writes, and whether ours was there to be taken away."""
    removed = {repository.places.hooks / name: uninstall(repository, name) for name in CLIENT_HOOKS}
    removed[repository.places.common_dir / "info" / "attributes"] = unset_driver(repository, DRIVER)
    if not is_installed(repository, SERVER_HOOK):
        repository.set_config(BRANCH_KEY, None)
    return removed


def install_server(repository: Repository) -> Path:
    """The hook for the repository that is pushed to. Raises RepositoryError."""
    check_place(repository, SERVER_HOOK)
    return install(repository, SERVER_HOOK, sys.executable, (*_MODULE, SERVER_HOOK), "--server")


def set_socket(repository: Repository, socket: str) -> None:
    """Say where the agent that publishes this repository answers; NO_SOCKET: nowhere here.

    Raises UsageError for a path that is not absolute.
    """
    if socket != NO_SOCKET and not Path(socket).is_absolute():
        raise UsageError(
            f"'{socket}' is no absolute path",
            remedy=f"name the agent's status.sock, or '{NO_SOCKET}' where none publishes this",
        )
    repository.set_config(SOCKET_KEY, socket)


def uninstall_server(repository: Repository) -> dict[Path, bool]:
    """The hook's file, and whether ours was there to be taken away."""
    removed = {repository.places.hooks / SERVER_HOOK: uninstall(repository, SERVER_HOOK)}
    repository.set_config(SOCKET_KEY, None)
    if not any(is_installed(repository, name) for name in CLIENT_HOOKS):
        repository.set_config(BRANCH_KEY, None)
    return removed


def set_branch(repository: Repository, branch: str) -> None:
    """Say which branch is published. Raises UsageError for what cannot be one's name."""
    ref = f"refs/heads/{branch}"
    if repository.commands.result("check-ref-format", ref, allowed=(0, 1)).status:
        raise UsageError(f"'{branch}' is no branch's name")
    repository.set_config(BRANCH_KEY, branch)


def _patterns(repository: Repository) -> list[str]:
    """The policy's zone files, as lines of attributes."""
    assert repository.places.work_tree is not None
    file = repository.places.work_tree / POLICY_FILE
    policy = Policy.from_toml(file.read_bytes(), POLICY_FILE) if file.is_file() else Policy()
    named = (pattern(path, literal=True) for path in policy.origins)
    return list(dict.fromkeys([*map(pattern, policy.include), *named]))


def _driver() -> str:
    """The driver's command line. git merges as ever where the interpreter is gone: a driver that
    cannot be started would leave a conflict without markers."""
    interpreter = shlex.quote(sys.executable).replace("%", "%%")
    ours = f"{interpreter} {shlex.join(_MODULE)} merge-driver -- %O %A %B %L %P"
    return (
        f"if [ -x {interpreter} ]; then {ours}; else git merge-file --marker-size=%L %A %O %B; fi"
    )
