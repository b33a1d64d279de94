"""One way to run git: its environment cleaned, its configuration kept from running anything.

GitPython starts the process (`git.cmd.Git.execute`); what is ours is which variables git sees,
the options every command gets, and errors that say what to do.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from zonecast.errors import RepositoryError

try:
    from git.cmd import Git
    from git.exc import GitCommandError
except ImportError as error:
    raise RepositoryError(f"git cannot be used: {error}", remedy="install git") from error

# What says where a repository, its index and its objects are (git rev-parse --local-env-vars,
# without the configuration given on a command line), and what a hook's caller left.
LOCATIONS = (
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_IMPLICIT_WORK_TREE",
    "GIT_COMMON_DIR",
    "GIT_INDEX_FILE",
    "GIT_OBJECT_DIRECTORY",
    "GIT_ALTERNATE_OBJECT_DIRECTORIES",
    "GIT_QUARANTINE_PATH",
    "GIT_GRAFT_FILE",
    "GIT_SHALLOW_FILE",
    "GIT_REPLACE_REF_BASE",
    "GIT_NAMESPACE",
    "GIT_PREFIX",
    "GIT_INTERNAL_SUPER_PREFIX",
)
# Those that git sets relative to the directory it starts a hook in.
_RELATIVE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE")

# Never ask, never fetch what is missing, never refresh an index in passing, and take an id for
# what it names (no replacements).
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_LITERAL_PATHSPECS": "1",
}

OPTIONS = ("--no-pager", "-c", "core.fsmonitor=false", "-c", "protocol.ext.allow=never")
NO_HOOKS = ("-c", f"core.hooksPath={os.devnull}")

# Seconds between asking a command that takes too long to end, and ending it.
GRACE = 5


class Result(NamedTuple):
    """What a command left behind."""

    status: int
    stdout: bytes
    stderr: str


class Leash:
    """Held by one thread on the commands that another one runs: `end` ends the one that runs, and
    none begins after it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: Git.AutoInterrupt | None = None
        self._ended = False

    def end(self) -> None:
        """Ask the command to end. `timeout` passes the signal on to git and all that it started,
        and kills what does not heed it."""
        with self._lock:
            self._ended = True
            if self._process is not None:
                self._process.terminate()

    def run(self, git: Git, words: list[str], variables: Mapping[str, str]) -> Result:
        """Run a command to its end. Raises RepositoryError after `end`."""
        with self._lock:
            if self._ended:
                raise RepositoryError("git is not started: the agent ends or loads again")
            process = git.execute(words, as_process=True, env=variables)
            self._process = process
        stdout, stderr = process.communicate()
        with self._lock:
            self._process = None
        return Result(process.returncode, stdout, stderr.decode("utf-8", "replace"))


def drop_inherited_environment() -> None:
    """Forget the repository that this process was started for; for the agent's processes. A hook
    must not: in pre-receive, new objects are visible through these variables alone."""
    for name in LOCATIONS:
        os.environ.pop(name, None)


class Commands:
    """Runs git in `directory`.

    `inherit` keeps the variables that name a repository, as a hook must. Without it they are
    dropped, for they mean another repository. `safe` are directories whose owner may be somebody
    else (safe.directory); `ceiling` is a directory above which no repository is looked for.
    """

    def __init__(
        self, directory: str, *, inherit: bool = False, safe: Sequence[str] = (), ceiling: str = ""
    ) -> None:
        self.directory = directory
        self.inherit = inherit
        self._safe = [part for path in safe for part in ("-c", f"safe.directory={path}")]
        self._variables = dict(ENVIRONMENT)
        if ceiling:
            self._variables["GIT_CEILING_DIRECTORIES"] = ceiling
        if inherit:
            self._variables |= _made_absolute()
        self._git = Git(directory)

    def run(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        timeout: float | None = None,
        leash: Leash | None = None,
        options: Sequence[str] = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> bytes:
        """What `git ARGUMENTS` prints; see `result` for the rest. Raises RepositoryError for any
        status but 0."""
        return self.result(
            *arguments,
            stdin=stdin,
            timeout=timeout,
            leash=leash,
            options=options,
            environment=environment,
        ).stdout

    def text(self, *arguments: str) -> str:
        """What a command prints, without the last newline. Raises RepositoryError."""
        return decode(self.run(*arguments)).removesuffix("\n")

    def succeeds(self, *arguments: str) -> bool:
        """Whether a command ends with status 0; 1 is its no. Raises RepositoryError for others."""
        return self.result(*arguments, allowed=(0, 1)).status == 0

    def result(
        self,
        *arguments: str,
        stdin: bytes | None = None,
        allowed: Container[int] = (0,),
        timeout: float | None = None,
        leash: Leash | None = None,
        options: Sequence[str] = NO_HOOKS,
        environment: Mapping[str, str] | None = None,
    ) -> Result:
        """Run `git ARGUMENTS`.

        `timeout` in seconds, within which `leash` ends it, too; `options` come before the
        command's name, `environment` is added to ours. Raises RepositoryError for a status not in
        `allowed`, a command that took too long and a directory that cannot be entered.
        """
        if not os.access(self.directory, os.X_OK):
            # GitPython would run the command in our own directory instead.
            raise _unreachable(self.directory)
        variables = {**self._variables, **(environment or {})}
        words = [
            *self._without(variables),
            # Asks the whole process group to end, so that git takes its lock files with it.
            *([] if timeout is None else ["timeout", f"--kill-after={GRACE}", str(timeout)]),
            str(Git.GIT_PYTHON_GIT_EXECUTABLE),
            *OPTIONS,
            *self._safe,
            *options,
            *arguments,
        ]
        if leash is None:
            result = self._execute(words, variables, stdin)
        else:
            result = leash.run(self._git, words, variables)
        if timeout is not None and result.status in (124, 137, -9):
            raise RepositoryError(
                f"git {arguments[0]} did not end within {timeout:g} s", where=self.directory
            )
        if result.status not in allowed:
            raise _explained(self.directory, arguments[0], result)
        return result

    def _without(self, variables: Mapping[str, str]) -> list[str]:
        """Words that start a command without what `inherit` does not keep: GitPython can only
        add to the environment."""
        if self.inherit:
            return []
        gone = [name for name in LOCATIONS if name in os.environ and name not in variables]
        return ["env", *(f"--unset={name}" for name in gone)] if gone else []

    def _execute(
        self, words: list[str], variables: Mapping[str, str], stdin: bytes | None
    ) -> Result:
        with tempfile.TemporaryFile() as file:
            # A file and not a pipe: nobody has to write while another reads.
            if stdin is not None:
                file.write(stdin)
                file.seek(0)
            try:
                status, stdout, stderr = self._git.execute(
                    words,
                    istream=None if stdin is None else cast("BinaryIO", file),
                    with_extended_output=True,
                    with_exceptions=False,
                    stdout_as_string=False,
                    strip_newline_in_stdout=False,
                    env=variables,
                )
            except (GitCommandError, OSError) as error:
                raise RepositoryError(f"git could not be started: {error}") from error
        return Result(status, stdout, stderr)


def decode(octets: bytes) -> str:
    """Text from git; a path that is not UTF-8 survives as surrogates (PEP 383)."""
    return octets.decode("utf-8", "surrogateescape")


def encode(text: str) -> bytes:
    """The inverse of `decode`."""
    return text.encode("utf-8", "surrogateescape")


def _made_absolute() -> dict[str, str]:
    """What git left relative to the current directory, for commands that run in another one."""
    return {name: str(Path.cwd() / os.environ[name]) for name in _RELATIVE if os.environ.get(name)}


def _unreachable(directory: str) -> RepositoryError:
    if not Path(directory).is_dir():
        return RepositoryError("no such directory", where=directory)
    return RepositoryError(
        "cannot be entered", where=directory, remedy="give this user access to it"
    )


def _explained(directory: str, command: str, result: Result) -> RepositoryError:
    if "dubious ownership" in result.stderr:
        return RepositoryError(
            "belongs to another user, and git does not trust it",
            where=directory,
            remedy=f"if you do: git config --global --add safe.directory '{directory}'",
        )
    if "not a git repository" in result.stderr:
        return RepositoryError("is no git repository, nor inside one", where=directory)
    lines = [line.strip() for line in result.stderr.splitlines() if line.strip()]
    said = next((line for line in lines if line.startswith(("fatal:", "error:"))), "")
    said = said.partition(": ")[2] or (lines[-1] if lines else f"status {result.status}")
    remedy = ""
    if ".lock': File exists" in result.stderr:
        said = said.partition("\n")[0]
        remedy = "another git process is at work: wait for it and try again"
    return RepositoryError(f"git {command}: {said}", where=directory, remedy=remedy)
