"""The errors that zonecast raises for its callers to show, each with what to do about it."""

from __future__ import annotations


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
        return f"{text}; {self.remedy}" if self.remedy else text


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
