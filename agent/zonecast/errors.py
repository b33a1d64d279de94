"""The errors that zonecast raises for its callers to show, each with what to do about it."""

from __future__ import annotations

import errno

_REMEDIES = {
    errno.EACCES: "do it as its owner, or give this user access to it",
    errno.EPERM: "do it as its owner, or give this user access to it",
    errno.ENOENT: "see whether the path is right",
    errno.ENOTDIR: "see whether the path is right",
    errno.EISDIR: "name a file",
    errno.EEXIST: "remove it, or name another",
    errno.ENOSPC: "make room on that file system",
    errno.EDQUOT: "make room within the quota",
    errno.EROFS: "the file system is mounted read-only: name a place on another",
    errno.ENAMETOOLONG: "name a shorter path",
    errno.EMFILE: "let the process open more files (ulimit -n)",
    errno.ENFILE: "let the system open more files (sysctl fs.file-max)",
}


def printable(text: str) -> str:
    """Text with an escape for each character that a terminal would obey or that cannot be shown:
    a path may hold any octet, newlines and terminal sequences too."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else _escape(char) for char in text)


def _escape(char: str) -> str:
    code = ord(char)
    if 0xDC80 <= code <= 0xDCFF:  # an octet that was no UTF-8 (surrogateescape)
        return f"\\x{code - 0xDC00:02x}"
    return char.encode("unicode_escape").decode("ascii")


def remedy_for(error: BaseException) -> str:
    """What to do about an error of the operating system; where it is not a common one, where to
    look."""
    number = error.errno if isinstance(error, OSError) else None
    return _REMEDIES.get(number or 0, "see what the system's log says of it")


class ZonecastError(Exception):
    """Base of every error meant for a person: what is wrong, where, and what to do.

    `exit_code` is the command line's: 1 the answer is no, 2 wrong usage or configuration,
    3 the environment failed.
    """

    exit_code = 3

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return printable(f"{text}; {self.remedy}" if self.remedy else text)


class ConfigError(ZonecastError):
    """The agent's configuration or a repository's policy is wrong."""

    exit_code = 2


class UsageError(ZonecastError):
    """A command was asked for something that makes no sense."""

    exit_code = 2


class RejectedError(ZonecastError):
    """The gate, a check or a peer said no."""

    exit_code = 1


class BadNameError(ZonecastError):
    """Text or octets that are no domain name (RFC 1035 §2.3.4, §5.1)."""

    exit_code = 1


class WireError(ZonecastError):
    """Octets from a peer that are no DNS message or record (RFC 1035 §4)."""

    exit_code = 1


class ChangesetError(ZonecastError):
    """A changeset that does not fit the zone it is applied to."""

    exit_code = 1


class RepositoryError(ZonecastError):
    """Git could not do what was asked."""


class StoreError(ZonecastError):
    """The store could not be opened, read or written."""
