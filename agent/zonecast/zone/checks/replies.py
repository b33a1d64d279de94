"""Replies that do not fit into a UDP message that no network fragments (RFC 9715 §3)."""

from __future__ import annotations

from collections.abc import Iterable

from zonecast.zone import rdata as rd
from zonecast.zone.checks.facts import Facts, Findings
from zonecast.zone.names import suffixes
from zonecast.zone.rrset import RRset, node_of

_UDP = 1232  # octets
_HEADER, _QUESTION, _RECORD, _OPT = 12, 4, 10, 11
# Types whose records have at most some 260 octets.
_SHORT = frozenset((rd.A, rd.AAAA, rd.NS, rd.CNAME, rd.DNAME, rd.PTR, rd.MX, rd.SRV))


def sizes(facts: Facts) -> Findings:
    """An RRset that is too large by itself."""
    around = len(facts.origin) + _HEADER + _QUESTION
    # A few records of a type whose rdata is a name and little else do not fill a message.
    large = list(facts.survey.crowded)
    for rtype, items in facts.survey.listed.items():
        if rtype not in _SHORT:
            large += [
                item
                for item in items
                if len(rdatas := item[1].rdatas) > 1 or len(rdatas[0]) > _UDP // 2
            ]
    for key, rrset in dict(large).items():
        rdatas = rrset.rdatas
        size = around + len(rrset.owner) + sum(map(len, rdatas)) + (_RECORD + 2) * len(rdatas)
        if size > _UDP:
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rrset.rtype)}"
            message = f"a reply with {what} has {size} octets, {_UDP} at most fit into UDP"
            yield facts.finding("rrset-over-udp", message, "have fewer or shorter records", key)


def referrals(facts: Facts) -> Findings:
    """A referral whose servers and their addresses, which must come with them where they are
    below the cut (RFC 9471 §3), are too large together."""
    for key, rrset in facts.survey.crowded:
        if rrset.rtype != rd.NS or not rrset.owner:
            continue
        node = node_of(key)
        glue = []
        for rdata in rrset.rdatas:
            host = facts.node_inside(rdata)
            if host is not None and host.startswith(node):
                glue += [facts.rrset(host, rd.A), facts.rrset(host, rd.AAAA)]
        size = _size(facts, rrset.owner, [rrset, *glue])
        if size > _UDP and facts.below_cut(node) is None:
            what = f"a referral to {facts.owner_text(rrset)} with its servers' addresses"
            message = f"{what} has {size} octets, {_UDP} at most fit into UDP"
            remedy = "have fewer servers, or addresses of them"
            yield facts.finding("message-over-udp", message, remedy, key)


def signed(facts: Facts) -> Findings:
    """An RRset that fits, and does not together with its signatures."""
    for key, signatures in facts.of_type(rd.RRSIG):
        place = key[:-4] + key[-2:]
        rrset = facts.contents.get(place)
        if rrset is None:
            continue
        size = _size(facts, rrset.owner, [rrset, signatures])
        if size > _UDP >= _size(facts, rrset.owner, [rrset]):
            what = f"{facts.owner_text(rrset)} {rd.type_to_text(rrset.rtype)}"
            message = f"a reply with {what} and its signatures has {size} octets, {_UDP} at most"
            remedy = "have fewer keys or records, or keys of an elliptic curve"
            yield facts.finding("message-over-udp", f"{message} fit into UDP", remedy, place)


def _size(facts: Facts, owner: bytes, rrsets: Iterable[RRset | None]) -> int:
    """The octets of a reply to a query for `owner`, with names compressed (RFC 1035 §4.1.4)."""
    known: set[bytes] = set()
    size = _HEADER + _compressed(owner + facts.origin, known) + _QUESTION + _OPT
    for rrset in rrsets:
        for rdata in () if rrset is None else rrset.rdatas:
            assert rrset is not None
            size += _compressed(rrset.owner + facts.origin, known) + _RECORD
            if rrset.rtype == rd.NS:
                size += _compressed(rdata, known)
            elif rrset.rtype == rd.MX:
                size += 2 + _compressed(rdata[2:], known)
            else:
                size += len(rdata)
    return size


def _compressed(name: bytes, known: set[bytes]) -> int:
    """The octets of a name in a message that has the names `known`, which then has this one."""
    above = suffixes(name.lower())
    for suffix in above[:-1]:
        if suffix in known:
            size = len(name) - len(suffix) + 2
            break
    else:
        size = len(name)
    known.update(above[:-1])
    return size
