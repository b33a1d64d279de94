"""What the top of a zone must and must not have. That there is one SOA is the reader's finding."""

from __future__ import annotations

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import NS_KEY, SOA_KEY


def ns_missing(facts: Facts) -> Findings:
    """A zone without NS records cannot be delegated to (RFC 1035 §5.2)."""
    if NS_KEY not in facts.zone.rrsets:
        message = f"the zone {facts.origin_text} has no NS records at its top"
        remedy = "name its servers: @ NS ns1.…"
        yield facts.finding("ns-missing", message, remedy, SOA_KEY)


def ds_at_apex(facts: Facts) -> Findings:
    """The DS of a zone belongs to its parent (RFC 4035 §2.4)."""
    for key, rrset in facts.of_type(rd.DS):
        if not rrset.owner:
            message = f"DS record at the top of the zone {facts.origin_text}"
            yield facts.finding("ds-at-apex", message, "it belongs in the parent zone", key)
