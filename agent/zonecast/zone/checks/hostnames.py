"""Names of hosts: letters, digits and hyphens (RFC 952, RFC 1123 §2.1). Other names may hold any
octet (RFC 2181 §11), and so may the zone's own, which is not judged here."""

from __future__ import annotations

from re import IGNORECASE
from re import compile as pattern

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.rrset import SOA_KEY

_LABEL = pattern(rb"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?", IGNORECASE)
# What the keys of hosts are made of, up to the last octet of the type.
_PLAIN = b"abcdefghijklmnopqrstuvwxyz0123456789-\x00"
_GLOBAL_CATALOG = [b"gc", b"_msdcs"]
# Types that point to hosts, and where the name starts: it is the last field.
_POINTING = ((rd.NS, 0), (rd.MX, 2), (rd.SRV, 6), (rd.AFSDB, 2), (rd.RT, 2))
_REMEDY = "use letters, digits and hyphens alone"


def owners(facts: Facts) -> Findings:
    """What has addresses or receives mail has a host's name, or a wildcard for one."""
    mailboxes = [key for key, _ in facts.of_type(rd.MX)]
    for key in _odd(facts.survey.hosts) + _odd(mailboxes):
        rrset = facts.subject[key]
        labels = names.labels(rrset.owner)
        if labels[:1] == [b"*"]:
            labels = labels[1:]
        if [label.lower() for label in labels[:2]] == _GLOBAL_CATALOG:
            labels = labels[2:]  # of Active Directory, as named lets it pass
        if not _is_host(labels):
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rrset.rtype)}"
            message = f"the owner of {what} is no host's name"
            yield facts.finding("bad-host-name", message, _REMEDY, key)


def _odd(keys: list[bytes]) -> list[bytes]:
    """The keys (of types with one octet) that may hold what a host's name does not. All are asked
    at once first: most zones have none."""
    joined = b"\x00" + b"\x00".join(keys)
    if len(joined.translate(None, _PLAIN)) == len(keys) and not _has_loose_hyphen(joined):
        return []
    return [
        key
        for key in keys
        if len(key.translate(None, _PLAIN)) != 1 or _has_loose_hyphen(b"\x00" + key)
    ]


def _has_loose_hyphen(key: bytes) -> bool:
    return b"\x00-" in key or b"-\x00" in key


def _is_host(labels: list[bytes]) -> bool:
    return all(label.isalnum() or _LABEL.fullmatch(label) for label in labels)


def targets(facts: Facts) -> Findings:
    """What points to a host names one. A target with addresses here is judged where they are."""
    for rtype, start in _POINTING:
        wrong = {
            target for target in facts.doubtful(rtype, start) if not _is_host(names.labels(target))
        }
        for key, rrset, rdata, target in facts.records(rtype, wrong, start):
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rtype)}"
            message = f"{what} points to {names.to_text(target)}, which is no host's name"
            yield facts.finding("bad-host-name", message, _REMEDY, key, rdata)


def primary(facts: Facts) -> Findings:
    """The SOA names a host and, after its first label, the host of a mailbox."""
    soa = facts.subject.get(SOA_KEY)
    for rdata in () if soa is None else soa.rdatas:
        host, mailbox = rd.names(rd.SOA, rdata)
        for name, labels in ((host, names.labels(host)), (mailbox, names.labels(mailbox)[1:])):
            if not _is_host(labels):
                message = f"the SOA names {names.to_text(name)}, which is no host's name"
                yield facts.finding("bad-host-name", message, _REMEDY, SOA_KEY, rdata)


def pointers(facts: Facts) -> Findings:
    """In a reverse zone, pointers are to hosts."""
    if facts.in_reverse_tree:
        hosts = facts.distinct(rd.PTR)
        wrong = {target for target in hosts if not _is_host(names.labels(target))}
        for key, rrset, rdata, target in facts.records(rd.PTR, wrong):
            what = f"{facts.owner_text(rrset)} PTR"
            message = f"{what} points to {names.to_text(target)}, which is no host's name"
            yield facts.finding("bad-host-name", message, _REMEDY, key, rdata)
