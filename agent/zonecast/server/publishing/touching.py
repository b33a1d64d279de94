"""Which zones a single commit changes, for trailers that name none."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from zonecast.errors import ConfigError
from zonecast.repository import Listing, Repository
from zonecast.zone.collection import closure, zone_files
from zonecast.zone.policy import POLICY_FILE, Policy


class _Side(NamedTuple):
    """A commit's files, and the file of each zone by lower-cased origin."""

    listing: Listing
    paths: dict[bytes, str]
    read: Callable[[str], bytes]

    def sources(self, origin: bytes) -> frozenset[str]:
        """The paths that a zone is read from."""
        path = self.paths.get(origin)
        return frozenset() if path is None else closure(path, self.listing, self.read)


class Touched:
    """What `commit` changes of its first parent, so that a merge has all that it brings in. Read
    when it is first asked for: few commits have a trailer, and few of those no zone in it."""

    def __init__(self, repository: Repository, commit: str) -> None:
        self._repository = repository
        self._commit = commit
        self._known: dict[bytes, bool] = {}
        self._sides: list[_Side] | None = None
        self._changed: set[str] = set()

    def __call__(self, origin: bytes) -> bool:
        """Whether a zone's file, or one that it includes, is changed; false where the parent is
        not here to compare with. Raises RepositoryError."""
        if self._sides is None:
            self._sides = self._load()
        if origin not in self._known:
            sides = self._sides
            moved = len({side.paths.get(origin) for side in sides}) > 1
            touched = any(self._changed & side.sources(origin) for side in sides)
            self._known[origin] = moved or touched
        return self._known[origin]

    def _load(self) -> list[_Side]:
        parents = self._repository.commit_info(self._commit).parents[:1]
        if not all(map(self._repository.has_commit, parents)):
            return []
        first = parents[0] if parents else None
        self._changed = self._repository.changed_paths(first, self._commit)
        listings = [self._repository.listing(commit) for commit in (*parents, self._commit)]
        policies = [self._policy(listing) for listing in listings]
        # A policy that is broken is no reason to take every zone for moved.
        instead = next((policy for policy in policies if policy is not None), Policy())
        return [
            self._side(listing, policy or instead)
            for listing, policy in zip(listings, policies, strict=True)
        ]

    def _policy(self, listing: Listing) -> Policy | None:
        """What a commit's policy says; None where it is broken."""
        if POLICY_FILE not in listing:
            return Policy()
        try:
            return Policy.from_toml(self._content(listing[POLICY_FILE]), POLICY_FILE)
        except ConfigError:
            return None

    def _side(self, listing: Listing, policy: Policy) -> _Side:
        placed, _ = zone_files(listing, policy)
        paths = {origin.lower(): path for path, origin in reversed(placed.items())}
        return _Side(listing, paths, lambda path: self._content(listing[path]))

    def _content(self, blob: str) -> bytes:
        return self._repository.blobs([blob])[blob]
