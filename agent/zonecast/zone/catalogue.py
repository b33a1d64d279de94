"""Every finding that zonecast can make: its id, level and where it comes from.

The reader, the checks, the collection and the gate name findings by these ids alone, and
`docs/checks.md` describes each. A `fixed` one makes a zone unservable or breaks the product's
promise: a policy cannot lower it.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from zonecast.zone.findings import Finding, Level, Position


class Check(NamedTuple):
    """A kind of finding: its default `level`, whether a policy may change it, and the standard
    that it follows. One that is off is looked for only where a policy gives it a level."""

    id: str
    level: Level | Literal["off"]
    fixed: bool
    rfc: str


_CHECKS = (
    # The reader's: text and records that cannot be understood.
    Check("syntax", "error", True, "RFC 1035 §5.1"),
    Check("not-utf8", "error", True, ""),
    Check("byte-order-mark", "warning", False, ""),
    Check("unknown-type", "error", True, "RFC 1035 §5.1"),
    Check("bad-class", "error", True, "RFC 1035 §5.2"),
    Check("bad-name", "error", True, "RFC 1035 §2.3.4"),
    Check("no-owner", "error", True, "RFC 1035 §5.1"),
    Check("no-ttl", "error", True, "RFC 2308 §4"),
    Check("ttl-too-large", "warning", False, "RFC 2181 §8"),
    Check("ttl-mismatch", "warning", False, "RFC 2181 §5.2"),
    Check("string-too-long", "error", True, "RFC 1035 §3.3"),
    Check("rdata-too-long", "error", True, "RFC 1035 §3.2.1"),
    Check("malformed-rdata", "warning", False, "RFC 3597 §5"),
    Check("serial-too-large", "error", True, "RFC 1035 §3.3.13"),
    Check("include-failed", "error", True, "RFC 1035 §5.1"),
    Check("bad-generate", "error", True, ""),
    Check("out-of-zone", "warning", False, "RFC 1035 §5.2"),
    Check("origin-mismatch", "error", True, "RFC 1035 §5.2"),
    Check("soa-missing", "error", True, "RFC 1035 §5.2"),
    Check("soa-not-at-apex", "error", True, "RFC 1035 §5.2"),
    Check("soa-multiple", "error", True, "RFC 1035 §5.2"),
    Check("duplicate-record", "warning", False, "RFC 2181 §5"),
    Check("too-many-errors", "error", True, ""),
    # The checks': zones that can be read and are wrong.
    Check("ns-missing", "error", True, "RFC 1035 §5.2"),
    Check("ds-at-apex", "error", True, "RFC 4035 §2.4"),
    Check("ns-no-address", "error", True, "RFC 1035 §5.2"),
    Check("ns-is-cname", "error", True, "RFC 2181 §10.3"),
    Check("ns-below-dname", "error", True, "RFC 6672 §2.4"),
    Check("wildcard-ns", "warning", False, "RFC 4592 §4.2"),
    Check("cname-and-other", "error", True, "RFC 1034 §3.6.2"),
    Check("cname-multiple", "error", True, "RFC 2181 §10.1"),
    Check("dname-multiple", "error", True, "RFC 6672 §2.4"),
    Check("dname-and-ns", "warning", False, "RFC 6672 §2.3"),
    Check("below-dname", "warning", False, "RFC 6672 §2.4"),
    Check("wildcard-inside", "warning", False, "RFC 4592 §2.1.1"),
    Check("glue-missing", "warning", False, "RFC 1034 §4.2.1"),
    Check("delegation-no-address", "warning", False, "RFC 1034 §4.2.1"),
    Check("delegation-is-cname", "warning", False, "RFC 2181 §10.3"),
    Check("ds-without-ns", "warning", False, "RFC 4035 §2.4"),
    Check("mx-is-cname", "warning", False, "RFC 2181 §10.3"),
    Check("mx-no-address", "warning", False, "RFC 5321 §5.1"),
    Check("srv-is-cname", "warning", False, "RFC 2782"),
    Check("srv-no-address", "warning", False, "RFC 2782"),
    Check("dangling-target", "warning", False, "RFC 1912 §2.4"),
    Check("missing-final-dot", "warning", False, "RFC 1035 §5.1"),
    Check("target-is-address", "warning", False, "RFC 1035 §3.3.9"),
    Check("bad-host-name", "warning", False, "RFC 1123 §2.1"),
    Check("name-underscore", "warning", False, "RFC 8552 §1.1"),
    Check("name-case", "off", False, "RFC 4343 §3"),
    Check("wildcard-shadowed", "off", False, "RFC 4592 §2.2"),
    Check("soa-timers", "off", False, "RFC 1912 §2.2"),
    Check("ttl-range", "off", False, "RFC 1912 §2.2"),
    Check("rrset-over-udp", "warning", False, "RFC 9715 §3"),
    Check("message-over-udp", "warning", False, "RFC 9715 §3"),
    Check("rrsig-stray", "warning", False, "RFC 4035 §2.2"),
    Check("rrsig-missing", "warning", False, "RFC 4035 §2.2"),
    Check("rrsig-without-key", "warning", False, "RFC 4035 §2.2"),
    Check("rrsig-expired", "warning", False, "RFC 4034 §3.1.5"),
    Check("nsec-chain", "warning", False, "RFC 4034 §4.1.1"),
    Check("dnssec-parameters", "warning", False, "RFC 4035 §2.1"),
    Check("nsec-types", "warning", False, "RFC 4034 §4.1.2"),
    Check("nsec-missing", "warning", False, "RFC 4035 §2.3"),
    Check("nsec3-hash", "error", False, "RFC 5155 §3"),
    Check("cds-without-key", "error", False, "RFC 7344 §4"),
    Check("cds-differs", "warning", False, "RFC 7344 §4"),
    Check("zonemd-wrong", "warning", False, "RFC 8976 §4"),
    Check("spf-syntax", "warning", False, "RFC 7208 §4.6.1"),
    Check("spf-type", "warning", False, "RFC 7208 §3.1"),
    Check("spf-multiple", "warning", False, "RFC 7208 §4.5"),
    Check("spf-lookups", "warning", False, "RFC 7208 §4.6.4"),
    Check("dmarc-syntax", "warning", False, "RFC 7489 §6.3"),
    Check("dkim-syntax", "warning", False, "RFC 6376 §3.6.1"),
    Check("caa-syntax", "warning", False, "RFC 8659 §4"),
    Check("svcb-alias", "warning", False, "RFC 9460 §2.4"),
    Check("bad-ignore", "warning", False, ""),
    # The collection's: which files are zones.
    Check("bad-zone-name", "error", True, ""),
    Check("duplicate-zone", "error", True, ""),
    Check("symbolic-link", "warning", False, ""),
    Check("delegation-differs", "warning", False, "RFC 1034 §4.2.2"),
    Check("reverse-differs", "warning", False, "RFC 1912 §2.1"),
    Check("target-is-alias", "warning", False, "RFC 2181 §10.3"),
    Check("pointer-missing", "off", False, "RFC 1912 §2.1"),
    Check("unreadable", "error", True, ""),
    # The gate's: the step from one version to the next.
    Check("rrset-over-message", "error", True, "RFC 1035 §4.2.2"),
    Check("serial-not-raised", "error", True, "RFC 1034 §4.3.5"),
    Check("serial-backwards", "error", True, "RFC 1982 §3.2"),
    Check("serial-undefined-step", "error", True, "RFC 1982 §3.2"),
    # The safety rails': a step that somebody has to say is meant.
    Check("mass-delete", "error", True, ""),
    Check("mass-update", "error", True, ""),
    Check("apex-ns-change", "error", True, ""),
    Check("zone-removed", "error", True, ""),
    Check("zone-protected", "error", True, ""),
    Check("history-rewritten", "error", True, ""),
    Check("trailer-unread", "warning", True, ""),
    # The agent's: why a zone or a whole commit is held back.
    Check("policy", "error", True, ""),
    Check("zone-pulled", "error", True, ""),
    Check("zone-elsewhere", "error", True, ""),
    Check("all-or-nothing", "error", True, ""),
)

CATALOGUE = {check.id: check for check in _CHECKS}


def finding(kind: str, position: Position, message: str, remedy: str, zone: str) -> Finding:
    """A finding at its default level, until a policy says another. `zone` is the origin in text."""
    level = CATALOGUE[kind].level
    return Finding(kind, "warning" if level == "off" else level, position, message, remedy, zone)
