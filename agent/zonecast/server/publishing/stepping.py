"""A big zone file of which a commit changes little is judged by what changes: the same verdict and
changeset as from the whole file, at the cost of the difference (see `zone.zonefile.increment`).

The version that is published passed the gate under the same policy, so only what the step touches
can bring an error. Where more could, or anything is wrong, the file is read as a whole: messages
are placed, and warnings found, by that alone.
"""

from __future__ import annotations

from typing import NamedTuple

from zonecast.protocol.view import ZoneRef
from zonecast.store.contents import Overlaid
from zonecast.store.reader import Snapshot
from zonecast.zone.catalogue import CATALOGUE
from zonecast.zone.checks import untold
from zonecast.zone.gate import Verdict, judge_step
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rrset import RRset, node_of
from zonecast.zone.zonefile import Parsed
from zonecast.zone.zonefile.increment import Step, read_step

# A file of fewer octets is read as a whole in less time than the look-ups of a step take.
SMALLEST = 1 << 18


class Judged(NamedTuple):
    """A verdict without errors on a version of which `parsed` holds what the step touches."""

    verdict: Verdict
    parsed: Parsed


def judge_change(
    old: bytes, new: bytes, *, path: str, origin: bytes, policy: ZonePolicy, snapshot: Snapshot
) -> Judged | None:
    """The verdict on the file's octets `new` after `old`, those of the published version; None
    where the file has to be read as a whole."""
    record = snapshot.record(origin.lower())
    if record is None or _more_are_errors(policy):
        return None
    step = read_step(old, new, path=path, origin=origin)
    if step is None:
        return None
    ref = ZoneRef(origin.lower(), record.prefix)
    contents = Overlaid(snapshot, ref, _by_node(step))
    if untold(contents, policy, "error"):
        return None
    changeset = step.changeset(lambda node: snapshot.node(ref, node))
    verdict = judge_step(changeset, step.parsed, policy, contents, step.parsed.zone.rrsets)
    return Judged(verdict, step.parsed) if verdict.ok else None


def _more_are_errors(policy: ZonePolicy) -> bool:
    """Whether findings count as errors that a record may have for what another one says: those
    that are errors by default are about one name, or about the apex, which every step touches."""
    return any(
        check.level != "error" and policy.level(check.id) == "error"
        for check in CATALOGUE.values()
        if not check.fixed
    )


def _by_node(step: Step) -> dict[bytes, dict[bytes, RRset]]:
    found: dict[bytes, dict[bytes, RRset]] = {node: {} for node in step.touched}
    for key, rrset in step.parsed.zone.rrsets.items():
        found[node_of(key)][key] = rrset
    return found
