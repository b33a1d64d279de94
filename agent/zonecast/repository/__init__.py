"""Git, through GitPython's command layer: revisions, listings, blobs, the index, hooks, mirrors.

Nothing here reads a work tree for its zones, runs a hook or runs what a repository's
configuration names. GitPython's own object reader is not used: it fails on SHA-256 repositories.
"""

from zonecast.repository.command import drop_inherited_environment
from zonecast.repository.history import CommitInfo, Listing
from zonecast.repository.index import Entry, Index
from zonecast.repository.mirror import Mirror
from zonecast.repository.repository import Repository, differing

__all__ = [
    "CommitInfo",
    "Entry",
    "Index",
    "Listing",
    "Mirror",
    "Repository",
    "differing",
    "drop_inherited_environment",
]
