"""The transfer form: runs of finished records, and their rewriting by a changeset.

A run holds whole nodes in canonical order under the node key of its first owner. Only the runs
that a changeset touches are read and written again.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from zonecast.protocol.assembly import RUN_SIZE
from zonecast.protocol.compiled import group, read_transfer_records, transfer_records
from zonecast.protocol.transfer_run import Run, run_octets, stored_run
from zonecast.store.reader import find_run
from zonecast.zone.rrset import RRset, node_of

Nodes = dict[bytes, dict[bytes, RRset]]


class RunEditor:
    """Edits a zone's runs in node order: `node` gives a node's RRsets to be changed in place.

    Nodes must be asked for in ascending order. `finish` writes what is still held.
    """

    def __init__(self, cursor: Any, prefix: bytes) -> None:
        self._cursor = cursor
        self._prefix = prefix
        self._key: bytes | None = None
        self._end: bytes | None = b""
        self._nodes: Nodes = {}

    def node(self, node: bytes) -> dict[bytes, RRset]:
        """The RRsets at `node` by RRset key; what the caller changes in it is written."""
        place = self._prefix + node
        if self._end is not None and place >= self._end:
            self.finish()
            self._load(node)
        return self._nodes.setdefault(node, {})

    def _load(self, node: bytes) -> None:
        cursor = self._cursor
        self._nodes = {}
        if not find_run(cursor, self._prefix, node):
            self._key = self._end = None
            return
        self._key = cursor.key()
        for key, rrset in group(read_transfer_records(run_octets(cursor.value()))).items():
            self._nodes.setdefault(node_of(key), {})[key] = rrset
        more = cursor.next() and cursor.key().startswith(self._prefix)
        self._end = cursor.key() if more else None

    def finish(self) -> None:
        """Write the nodes held, in one run or more, in place of the run they came from."""
        if self._key is not None:
            self._cursor.pop(self._key)
        for key, run in pack(self._nodes, RUN_SIZE * 2 if self._key else RUN_SIZE):
            self._cursor.put(self._prefix + key, run)
        self._nodes = {}
        self._key = None
        self._end = b""


def pack(nodes: Nodes, limit: int) -> Iterable[tuple[bytes, bytes]]:
    """Runs as (node key of the first owner, stored run). What fits into `limit` octets together
    stays together; what does not is cut into runs of RUN_SIZE."""
    pieces = [
        (node, _run(rrsets[key] for key in sorted(rrsets)))
        for node, rrsets in sorted(nodes.items())
        if rrsets
    ]
    whole = sum(len(run.octets) for _, run in pieces) <= limit
    limit_per_run = limit if whole else RUN_SIZE
    first, size = b"", 0
    held: list[Run] = []
    for node, run in pieces:
        if held and size + len(run.octets) > limit_per_run:
            yield first, _joined(held)
            held, size = [], 0
        if not held:
            first = node
        held.append(run)
        size += len(run.octets)
    if held:
        yield first, _joined(held)


def _run(rrsets: Iterable[RRset]) -> Run:
    held = list(rrsets)
    return Run(sum(len(r.rdatas) for r in held), b"".join(map(transfer_records, held)))


def _joined(runs: list[Run]) -> bytes:
    return stored_run(sum(run.records for run in runs), b"".join(run.octets for run in runs))


def delete_prefixed(cursor: Any, prefix: bytes) -> None:
    """Delete every item whose key starts with `prefix`."""
    if cursor.set_range(prefix):
        while cursor.key().startswith(prefix) and cursor.delete():
            pass
