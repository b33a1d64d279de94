"""The checks: rules over a zone that could be read, one file a family.

The three tuples are the whole list; `zone/catalogue.py` has the ids and levels.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from zonecast.zone.checks import (
    aliases,
    apex,
    authorities,
    denial,
    hostnames,
    numbers,
    replies,
    servers,
    services,
    signed,
    slips,
    targets,
    texts,
    wildcards,
)
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.contents import Contents
from zonecast.zone.findings import Finding, Level, errors
from zonecast.zone.ignored import is_ignored, unusable
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rrset import RRset
from zonecast.zone.zonefile import Parsed

Rule = Callable[[Facts], Findings]

# Rules about what is there.
PRESENT: tuple[Rule, ...] = (
    apex.ds_at_apex,
    apex.signing_parameters,
    aliases.cname_and_other,
    aliases.one_alias,
    aliases.beside_dname,
    aliases.below_dname,
    servers.wildcard_ns,
    wildcards.inside,
    texts.spf,
    texts.spf_type,
    texts.dmarc,
    texts.dkim,
    authorities.caa,
    services.aliases,
    slips.address_targets,
    slips.underscores,
    hostnames.owners,
    hostnames.targets,
    hostnames.pointers,
    hostnames.primary,
    replies.sizes,
    replies.referrals,
    replies.signed,
)

# Rules about what is missing: not asked where a record could not be read, for they would report
# the shadow of that error.
MISSING: tuple[Rule, ...] = (
    apex.ns_missing,
    apex.child_keys,
    apex.child_key_pairs,
    servers.own_servers,
    servers.delegations,
    servers.ds_without_ns,
    targets.hosts,
    targets.dangling_aliases,
    services.targets,
    slips.undotted_targets,
    slips.undotted_owners,
    signed.stray_signatures,
    signed.unsigned_sets,
    signed.keyless_signatures,
    denial.types,
    denial.missing,
    signed.nsec_chain,
    signed.nsec3_chain,
    signed.zonemd,
)

# Rules that are off by default, and their ids: asked where a policy gives them a level.
ON_DEMAND: tuple[tuple[str, Rule], ...] = (
    ("soa-timers", numbers.timers),
    ("ttl-range", numbers.ttls),
    ("name-case", slips.spellings),
    ("wildcard-shadowed", wildcards.shadowed),
)


class WholeRule(NamedTuple):
    """A rule that needs all of a zone: the ids of its findings, and whether it may say anything
    about the zone with these contents, told by look-ups."""

    ids: tuple[str, ...]
    may_speak: Callable[[Contents], bool]


def _always(contents: Contents) -> bool:
    return True


# The rules that need all of a zone. Every other one is *local*: a finding at an RRset depends on
# that RRset, and on what is at its node, at the names that it points to, and above them.
WHOLE: Mapping[Rule, WholeRule] = {
    slips.underscores: WholeRule(("name-underscore",), _always),
    slips.undotted_owners: WholeRule(("missing-final-dot",), slips.has_undotted_owners),
    slips.spellings: WholeRule(("name-case",), _always),
    wildcards.shadowed: WholeRule(("wildcard-shadowed",), _always),
    signed.keyless_signatures: WholeRule(("rrsig-without-key",), signed.has_chain),
    signed.nsec_chain: WholeRule(("nsec-chain",), signed.has_chain),
    signed.nsec3_chain: WholeRule(("nsec-chain", "nsec3-hash"), signed.has_chain),
    signed.zonemd: WholeRule(("zonemd-wrong",), signed.has_zonemd),
}


def untold(contents: Contents, policy: ZonePolicy, level: Level | None = None) -> set[str]:
    """The ids, of those at `level` where it is given, that a judgement of a part of this version
    could miss, because rules that need the whole zone find them.

    What a part tells is told of the RRsets in it alone. A record that points to a name which a
    change removes, or an RRset at a node which a change adds to, has to be in the part itself."""
    found = {kind for rule in WHOLE.values() if rule.may_speak(contents) for kind in rule.ids}
    levels = {kind: policy.level(kind) for kind in found}
    return {kind for kind, at in levels.items() if at != "off" and (level is None or at == level)}


def run_checks(
    parsed: Parsed,
    policy: ZonePolicy,
    contents: Contents | None = None,
    subject: Mapping[bytes, RRset] | None = None,
) -> list[Finding]:
    """Everything there is to say about one version of a zone, at the policy's levels and in the
    order of the file: the reader's findings and the rules'.

    With a `subject`, what the local rules say about these RRsets (by key) of the version that
    `contents` has; `parsed` then needs to know no more than the places of the subject."""
    findings = list(parsed.findings)
    facts = Facts(parsed, contents, subject, policy)
    asked = PRESENT if errors(findings) else PRESENT + MISSING
    asked += tuple(rule for kind, rule in ON_DEMAND if policy.level(kind) != "off")
    for rule in asked:
        if facts.whole or rule not in WHOLE:
            findings += rule(facts)
    if parsed.ignored:
        findings = [item for item in findings if not is_ignored(item, parsed.ignored)]
        findings += unusable(parsed.ignored, facts.origin_text)
    found = policy.apply(findings)
    order = {path: number for number, path in enumerate(parsed.files)}
    found.sort(key=lambda item: (order.get(item.position.path, len(order)), item.position))
    return found
