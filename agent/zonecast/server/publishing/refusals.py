"""What the agent refuses whole, or of a zone besides what the gate says of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zonecast.errors import ConfigError
from zonecast.repository import Listing, Repository
from zonecast.zone import names
from zonecast.zone.findings import Finding, Position
from zonecast.zone.policy import POLICY_FILE, linked_policy


def policy_text(repository: Repository, listing: Listing, published: Mapping[str, Any]) -> str:
    """The commit's policy, "" where it has none. Raises ConfigError where it is not text, is a
    symbolic link, or is deleted though one was published."""
    if POLICY_FILE in listing.links:
        raise linked_policy()
    blob = listing.get(POLICY_FILE)
    if blob is not None:
        try:
            return repository.blobs([blob])[blob].decode("utf-8")
        except UnicodeDecodeError:
            raise ConfigError("the file is not UTF-8", where=POLICY_FILE) from None
    if published.get("policy"):
        raise ConfigError(
            "the commit deletes the policy that was published",
            where=POLICY_FILE,
            remedy=f"restore it with: git checkout {published['commit'][:12]} -- {POLICY_FILE}",
        )
    return ""


def broken_policy(error: ConfigError) -> Finding:
    """A policy that cannot be read."""
    return Finding(
        "policy", "error", Position(error.where or POLICY_FILE), error.message, error.remedy
    )


def pulled_elsewhere(origin: bytes, path: str, *, published_here: bool) -> Finding:
    """A zone that this agent has from elsewhere: from a primary, or as the catalog that it
    publishes itself."""
    text = names.to_text(origin)
    if published_here:
        message = f"{text} is the catalog that this agent publishes"
        remedy = "remove the file, or give the repository's catalog another name"
    else:
        message = f"this agent pulls {text} from a primary"
        remedy = "remove the file, or the zone from [[zone]] and [[catalog]]"
    return Finding("zone-pulled", "error", Position(path), message, remedy, text)


def other_repository(origin: bytes, path: str, name: str) -> Finding:
    """A zone that another repository of this agent has."""
    text = names.to_text(origin)
    message = f"{text} comes from the repository {name}"
    remedy = (
        "remove the file here, or there: this repository's is published once the other has none"
    )
    return Finding("zone-elsewhere", "error", Position(path), message, remedy, text)


def all_or_nothing(held: Mapping[bytes, list[Finding]]) -> Finding:
    """A whole commit waits for the zones that are held."""
    first = next(iter(held.values()))[0]
    fail = "1 zone fails" if len(held) == 1 else f"{len(held)} zones fail"
    return Finding(
        "all-or-nothing",
        "error",
        first.position,
        f'{fail} and the policy says publish = "all-or-nothing"',
        "mend what is held, or set publish to each-zone",
    )
