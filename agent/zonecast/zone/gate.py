"""The gate: may this version of a zone follow that one? The same answer in the hook, in `check`
and in the agent.

Serials (RFC 1982): a changed content needs a greater serial; a serial never goes backwards, for
secondaries would then ignore the zone for ever; a step of exactly 2**31 has no direction and is
refused by name. A greater serial without a change is fine. In mode `managed` the file's serial
is not what is served and is not judged.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.catalogue import finding
from zonecast.zone.changeset import Changeset, describe, diff
from zonecast.zone.checks import run_checks
from zonecast.zone.collector import no_collections
from zonecast.zone.contents import Contents
from zonecast.zone.findings import Finding
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rrset import MAX_RRSET, RRset, Zone, rrset_key
from zonecast.zone.serial import HALF, MODULUS, is_greater, is_incomparable, next_serial
from zonecast.zone.zonefile import Parsed

_BIG = 1 << 15  # RRsets


class Verdict(NamedTuple):
    """What the gate says: every finding of the new version and of the step to it, and what the
    step changes (None where a version has no SOA)."""

    findings: list[Finding]
    changeset: Changeset | None

    @property
    def ok(self) -> bool:
        """Whether the new version may be published."""
        return not any(finding.level == "error" for finding in self.findings)


def judge(old: Zone | None, new: Parsed, policy: ZonePolicy) -> Verdict:
    """The verdict on `new` after `old`, which is what was last published or committed (None: the
    zone is new)."""
    if new.zone.soa is None:
        return Verdict(run_checks(new, policy), None)
    before = old if old is not None and old.soa is not None else None
    with no_collections(len(new.zone.rrsets) >= _BIG):
        return judge_step(diff(before, new.zone), new, policy)


def judge_step(
    changeset: Changeset,
    new: Parsed,
    policy: ZonePolicy,
    contents: Contents | None = None,
    subject: Mapping[bytes, RRset] | None = None,
) -> Verdict:
    """The verdict on a step that is known already; `contents` and `subject`, for a judgement of
    what the step touches alone, are `run_checks`'s, and `new` then needs to know no more than the
    origin, the files and the places of the subject."""
    findings = run_checks(new, policy, contents, subject)
    findings += _too_large(changeset, new, new.zone.rrsets if subject is None else subject)
    if policy.serial.mode != "managed":
        findings += serial_findings(changeset, new)
    return Verdict(findings, changeset)


def _too_large(
    changeset: Changeset, new: Parsed, subject: Mapping[bytes, RRset]
) -> Iterator[Finding]:
    """RRsets that fit into no message, with what signs them: they could be neither answered nor
    transferred. Those that were too large before the step are let be."""
    sizes = {
        key: size
        for key, (_, _, _, rdatas) in subject.items()
        if len(rdatas) > 1 or len(rdatas[0]) > MAX_RRSET // 4
        if (size := _octets(rdatas)) > MAX_RRSET // 4
    }
    touched = {rrset.key for rrset in changeset.added} if sizes else set()
    for key, size in sorted(sizes.items()):
        whole = subject[key]
        is_signature = whole.rtype == rd.RRSIG
        other = _covered_key(whole) if is_signature else _signing_key(whole)
        if is_signature and other in sizes:
            continue  # which was looked at with its signatures
        octets = size + (_octets(subject[other].rdatas) if other in subject else 0)
        if octets > MAX_RRSET and (key in touched or other in touched):
            both = ", with what is signed or signs it" if octets > size else ""
            message = f"{describe(whole, new.zone.origin)} has {octets} octets of records{both}"
            remedy = f"keep it below {MAX_RRSET}: no DNS message holds more"
            zone = names.to_text(new.zone.origin)
            place = new.position(key)
            yield finding("rrset-over-message", place, message, remedy, zone)


def _octets(rdatas: tuple[bytes, ...]) -> int:
    """Octets of records in a message, their owners as pointers."""
    return sum(map(len, rdatas)) + 12 * len(rdatas)


def _signing_key(rrset: RRset) -> bytes:
    """The key of the RRSIG RRset over this one."""
    return rrset_key(rrset.owner, rd.RRSIG, rrset.rtype.to_bytes(2, "big"))


def _covered_key(signature: RRset) -> bytes:
    """The key of the RRset that is signed."""
    return rrset_key(signature.owner, int.from_bytes(signature.rdatas[0][:2], "big"))


def serial_findings(changeset: Changeset, new: Parsed) -> list[Finding]:
    """What the serial rule says about a step; at most one finding, placed at the serial."""
    old_serial, new_serial = changeset.old_serial, changeset.new_serial
    if old_serial is None or is_greater(new_serial, old_serial):
        return []
    if old_serial == new_serial and not changeset.changes_content():
        return []
    lowest = next_serial((old_serial,), "increment", 0)
    # Not "against HEAD": in a clone HEAD has it already, and git need not know what is served.
    command = f"zonecast bump --above {old_serial} {shlex.quote(new.path)}"
    raise_it = f"raise it to {lowest} or more ({command})"
    if is_incomparable(new_serial, old_serial):
        kind = "serial-undefined-step"
        message = f"serial {new_serial} is exactly 2^31 away from {old_serial}: neither is greater"
        furthest = (old_serial + HALF - 1) % MODULUS
        remedy = f"{raise_it}, {furthest} at the most"
    elif new_serial == old_serial:
        kind = "serial-not-raised"
        message = f"the zone changed and its serial is still {old_serial}"
        remedy = raise_it
    else:
        kind = "serial-backwards"
        message = f"serial {new_serial} is lower than {old_serial}, which secondaries have"
        remedy = raise_it
    zone = names.to_text(new.zone.origin)
    return [finding(kind, new.serial_position, message, remedy, zone)]
