"""The checks: rules over a zone that could be read, one file a family.

The three tuples are the whole list; `zone/catalogue.py` has the ids and levels.
"""

from __future__ import annotations

from collections.abc import Callable

from zonecast.zone.checks import (
    aliases,
    apex,
    authorities,
    numbers,
    servers,
    services,
    signed,
    slips,
    targets,
    texts,
    wildcards,
)
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.findings import Finding, errors
from zonecast.zone.ignored import is_ignored, unusable
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.zonefile import Parsed

Rule = Callable[[Facts], Findings]

# Rules about what is there.
PRESENT: tuple[Rule, ...] = (
    apex.ds_at_apex,
    aliases.cname_and_other,
    aliases.one_alias,
    servers.wildcard_ns,
    texts.spf,
    texts.dmarc,
    texts.dkim,
    authorities.caa,
    services.aliases,
    slips.address_targets,
    slips.underscores,
    numbers.sizes,
)

# Rules about what is missing: not asked where a record could not be read, for they would report
# the shadow of that error.
MISSING: tuple[Rule, ...] = (
    apex.ns_missing,
    apex.child_keys,
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


def run_checks(parsed: Parsed, policy: ZonePolicy) -> list[Finding]:
    """Everything there is to say about one version of a zone, at the policy's levels and in the
    order of the file: the reader's findings and the rules'."""
    findings = list(parsed.findings)
    facts = Facts(parsed)
    for rule in PRESENT if errors(findings) else PRESENT + MISSING:
        findings += rule(facts)
    for kind, rule in ON_DEMAND:
        if policy.level(kind) != "off":
            findings += rule(facts)
    if parsed.ignored:
        findings = [item for item in findings if not is_ignored(item, parsed.ignored)]
        findings += unusable(parsed.ignored, facts.origin_text)
    found = policy.apply(findings)
    order = {path: number for number, path in enumerate(parsed.files)}
    found.sort(key=lambda item: (order.get(item.position.path, len(order)), item.position))
    return found
