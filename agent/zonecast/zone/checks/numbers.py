"""Numbers out of the ordinary: SOA timers and TTLs."""

from __future__ import annotations

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import SOA_KEY, soa_timers

# Seconds.
_REFRESH = (1200, 43200)
_RETRY_LEAST = 180
_EXPIRE = (1209600, 2419200)
_MINIMUM_MOST = 86400


def timers(facts: Facts) -> Findings:
    """Timers that RFC 1912 §2.2 advises against, the minimum as RFC 2308 §5 has it."""
    soa = facts.subject.get(SOA_KEY)
    if soa is None:
        return
    refresh, retry, expire, minimum = soa_timers(soa.rdatas[0])
    problems = []
    if not _REFRESH[0] <= refresh <= _REFRESH[1]:
        problems.append(f"refresh {refresh} s is not within {_REFRESH[0]} to {_REFRESH[1]}")
    if not _RETRY_LEAST <= retry < refresh:
        problems.append(f"retry {retry} s is not within {_RETRY_LEAST} and refresh")
    if not _EXPIRE[0] <= expire <= _EXPIRE[1]:
        problems.append(f"expire {expire} s is not within {_EXPIRE[0]} to {_EXPIRE[1]}")
    if minimum > _MINIMUM_MOST:
        problems.append(f"minimum {minimum} s is over {_MINIMUM_MOST}")
    if problems:
        yield facts.finding("soa-timers", "; ".join(problems), "mend the SOA", SOA_KEY)


def ttls(facts: Facts) -> Findings:
    """TTLs that the policy does not want."""
    least, most = facts.policy.ttl.least, facts.policy.ttl.most
    if all(least <= ttl <= most for ttl in {rrset.ttl for rrset in facts.subject.values()}):
        return
    for key, rrset in facts.subject.items():
        if not least <= rrset.ttl <= most:
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rrset.rtype)}"
            message = f"{what} has the TTL {rrset.ttl} s, not within {least} to {most}"
            yield facts.finding("ttl-range", message, "choose another", key)
