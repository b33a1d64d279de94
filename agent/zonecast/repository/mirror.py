"""A remote repository, one branch of it, mirrored into a bare one of the agent's own.

Fetching never asks for anything, ends after a time, and gives a token only to the host it is
meant for. What was fetched before stays when a fetch fails.
"""

from __future__ import annotations

import base64
import hashlib
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from zonecast.errors import RepositoryError, remedy_for
from zonecast.repository.command import NO_HOOKS, Commands, Leash, decode
from zonecast.repository.repository import Repository

# Seconds one conversation with the remote may take before it is ended and tried again later.
TIMEOUT = 120.0
CONNECT_TIMEOUT = 15

_HEADER = "ZONECAST_HTTP_HEADER"
_HELPER = re.compile(r"[A-Za-z0-9+.-]*::")


@dataclass(frozen=True)
class Mirror:
    """A remote branch and how to get at it: an ssh key and known hosts, or a file with a token.

    `directory` holds one bare repository for each url, made when it is first needed. `leash` ends
    a conversation with the remote from another thread.
    """

    url: str
    branch: str
    directory: Path
    ssh_key_file: Path | None = None
    known_hosts: Path | None = None
    token_file: Path | None = None
    leash: Leash = field(default_factory=Leash, compare=False)

    @property
    def path(self) -> Path:
        """The mirror itself."""
        digest = hashlib.blake2b(self.url.encode(), digest_size=12).hexdigest()
        return self.directory / f"{digest}.git"

    def fetch(self, timeout: float = TIMEOUT) -> Repository:
        """Fetch the branch; the mirror as a repository, in which the branch has the same name.

        The branch follows the remote's wherever that goes: what may be published is for others
        to say. `timeout` in seconds. Raises RepositoryError where the remote cannot be reached,
        has no such branch or is not trusted.
        """
        _check_url(self.url)
        if not (self.path / "HEAD").is_file():
            self._make(timeout)
        ref = f"refs/heads/{self.branch}"
        repository = Repository.open(self.path)
        self._talk(
            repository.commands,
            [
                "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", "--no-auto-gc",
                "--no-recurse-submodules", "--end-of-options", self.url, f"+{ref}:{ref}",
            ],
            timeout,
        )  # fmt: skip
        return repository

    def _make(self, timeout: float) -> None:
        """An empty mirror that uses the remote's hash function, which its ids betray."""
        self.path.mkdir(parents=True, exist_ok=True)
        commands = Commands(str(self.path))
        ref = f"refs/heads/{self.branch}"
        asked = ["ls-remote", "--quiet", "--end-of-options", self.url, ref]
        listed = self._talk(commands, asked, timeout)
        if not listed:
            raise self._no_branch()
        hash_function = "sha256" if len(listed.split()[0]) == 64 else "sha1"
        commands.run(
            "init", "--quiet", "--bare", "--template=", f"--object-format={hash_function}",
            f"--initial-branch={self.branch}", ".",
        )  # fmt: skip

    def _talk(self, commands: Commands, arguments: Sequence[str], timeout: float) -> str:
        options, environment = self._access()
        try:
            printed = commands.run(
                *arguments,
                timeout=timeout,
                leash=self.leash,
                options=(*NO_HOOKS, "-c", "credential.helper=", *options),
                environment=environment,
            )
        except RepositoryError as error:
            if "couldn't find remote ref" in error.message:
                raise self._no_branch() from error
            raise RepositoryError(error.message, where=self.url, remedy=error.remedy) from error
        return decode(printed)

    def _no_branch(self) -> RepositoryError:
        return RepositoryError(
            f"has no branch '{self.branch}'",
            where=self.url,
            remedy="push it, or name another with 'branch'",
        )

    def _access(self) -> tuple[list[str], dict[str, str]]:
        """Options and variables for the way there: never a question, and no secret in a list of
        processes."""
        environment = {"GIT_ASKPASS": "true", "GIT_SSH_COMMAND": self._ssh()}
        if self.token_file is None:
            return [], environment
        basic = base64.b64encode(f"x-access-token:{read_token(self.token_file)}".encode()).decode()
        environment[_HEADER] = f"Authorization: Basic {basic}"
        header = f"--config-env=http.{self.url}.extraHeader={_HEADER}"
        return [header, "-c", "http.followRedirects=false"], environment

    def _ssh(self) -> str:
        words = ["ssh", "-o", "BatchMode=yes", "-o", f"ConnectTimeout={CONNECT_TIMEOUT}"]
        if self.ssh_key_file is not None:
            words += ["-i", str(self.ssh_key_file), "-o", "IdentitiesOnly=yes"]
        if self.known_hosts is not None:
            words += ["-o", f"UserKnownHostsFile={self.known_hosts}"]
            words += ["-o", "StrictHostKeyChecking=yes"]
        return shlex.join(words)


def _check_url(url: str) -> None:
    """Refuse what git would take for an option or for a command to run (ext::)."""
    if not url or url.startswith("-") or _HELPER.match(url) or not url.isprintable():
        raise RepositoryError(
            "is no URL to fetch from", where=url, remedy="use https://, ssh:// or host:path"
        )
    if "://" in url and urlsplit(url).password is not None:
        raise RepositoryError(
            "a password in a URL shows in every list of processes",
            where=urlsplit(url).hostname or "url",
            remedy="put it into a file and name that with 'token-file'",
        )


def read_token(path: Path) -> str:
    """The token in a file. Raises RepositoryError."""
    try:
        token = path.read_text("ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise RepositoryError(
            f"the token cannot be read: {getattr(error, 'strerror', None) or error}",
            where=str(path),
            remedy=remedy_for(error) if isinstance(error, OSError) else "write it in ASCII",
        ) from error
    if not token or not token.isprintable():
        raise RepositoryError("holds no token", where=str(path), remedy="put it on its one line")
    return token
