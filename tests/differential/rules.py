"""Why servers differ: every rule has a row in docs/rfc-compliance.md, and a test holds that.

HABITS are the others': what one of them does in replies where zonecast follows the RFC. Their
replies are read without it, zonecast's never. CHOICES are zonecast's: where it differs from most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from comparison import Case, Said
from facts import agrees
from queries import Query

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
NOTAUTH, BADVERS = 9, 16
ERRORS = frozenset((FORMERR, SERVFAIL, NOTIMP, REFUSED, NOTAUTH, BADVERS))
CD = 0x0010
NS, CNAME, NSEC, NSEC3, AXFR, ANY, CLASS_ANY = 2, 5, 47, 50, 252, 255, 255
TYPES_IN_NO_ZONE = frozenset((0, 41, 128, 249, 250, 253, 254))


@dataclass(frozen=True)
class Habit:
    """A habit of `server` ("" for several): `without` is its reply as it were without it."""

    id: str
    server: str
    without: Callable[[Query, Said], Said]


@dataclass(frozen=True)
class Choice:
    """A choice of zonecast's: whether it alone accounts for what differs."""

    id: str
    explains: Callable[[Case], bool]


def _plain_error(query: Query, said: Said) -> Said:
    return replace(said, aa=False) if said.rcode in ERRORS else said


def _question_kept(query: Query, said: Said) -> Said:
    if said.rcode in ERRORS and not said.question:
        return replace(said, question=query.packet[12 : 12 + len(query.name.to_wire()) + 4])
    return said


def _cd_cleared(query: Query, said: Said) -> Said:
    return replace(said, flags=said.flags & ~CD)


HABITS = (
    Habit("error-aa", "", _plain_error),
    Habit("error-question", "nsd", _question_kept),
    Habit("cd-copied", "", _cd_cleared),
)


def _class_any(case: Case) -> bool:
    """Class ANY is answered from class IN, and other classes are not ours to speak for."""
    if case.query.qclass != CLASS_ANY or case.ours.aa:
        return False
    elsewhere = [replace(one, aa=False) for one in case.others.values()]
    return case.ours in elsewhere or _as_written(case, aa=False)


def _any(case: Case) -> bool:
    """ANY is answered with one RRset."""
    return case.query.qtype == ANY and _as_written(case)


def _wildcard_ns(case: Case) -> bool:
    """A referral, also behind a chain, whose owner is in no zone: NS at a wildcard."""
    owners = {record.owner for record in case.ours.authority if record.rtype == NS}
    known = {name.to_wire().lower() for name in case.facts.known}
    return bool(owners - known) and _as_written(case)


def _chain(case: Case) -> bool:
    """A chain that is followed to its end, in whatever zone that is, or until it closes or has
    sixteen links; others stop sooner, say SERVFAIL, or lose the way."""
    return any(record.rtype == CNAME for record in case.ours.answer) and _as_written(case)


def _type_in_no_zone(case: Case) -> bool:
    """OPT, TKEY, TSIG, type 0 and the like are asked for in vain, as any type is."""
    return case.query.qtype in TYPES_IN_NO_ZONE and _as_written(case)


def _axfr_over_udp(case: Case) -> bool:
    """AXFR over UDP is not there at all."""
    return case.query.qtype == AXFR and not case.query.tcp and case.ours.rcode == NOTIMP


def _opted_out(case: Case) -> bool:
    """NXDOMAIN below an empty non-terminal that is opted out: what is proved is that opt-out."""
    optout = any(r.rtype == NSEC3 and r.rdata[1] & 1 for r in case.ours.authority)
    same = case.ours.rcode == NXDOMAIN and case.differing <= {"authority"}
    return optout and same and _as_written(case)


def _wildcard_above(case: Case) -> bool:
    """No data at a wildcard that only stands above other names: its proof is in."""
    same = case.ours.rcode == NOERROR and case.differing <= {"authority"}
    return same and case.query.dnssec and _proofs(case, NSEC) > 1 and _as_written(case)


def _proofs(case: Case, rtype: int) -> int:
    return sum(record.rtype == rtype for record in case.ours.authority)


def _as_written(case: Case, aa: bool | None = None) -> bool:
    """Whether our reply is what RFC 1034 §4.3.2 says, followed by the letter."""
    if case.reply is None:
        return False
    query = case.query
    dnssec = query.edns is not None and query.dnssec
    expected = case.facts.expected(query.name, query.qtype, dnssec=dnssec)
    if aa is not None:
        expected.authoritative = aa
    return agrees(case.reply, expected)


CHOICES = (
    Choice("class-any", _class_any),
    Choice("any-one-rrset", _any),
    Choice("wildcard-ns", _wildcard_ns),
    Choice("chain-to-its-end", _chain),
    Choice("type-in-no-zone", _type_in_no_zone),
    Choice("axfr-over-udp", _axfr_over_udp),
    Choice("opt-out-proof", _opted_out),
    Choice("wildcard-above-proof", _wildcard_above),
)


def explanation(case: Case) -> str | None:
    """The id of the choice that accounts for what differs; None where nothing does."""
    return next((choice.id for choice in CHOICES if choice.explains(case)), None)


def without_habits(server: str, query: Query, said: Said) -> Said:
    """A reply of another server without the habits that it is known for."""
    for habit in HABITS:
        if habit.server in ("", server) and not said.silent:
            said = habit.without(query, said)
    return said
