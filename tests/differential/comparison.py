"""What servers say to one query, made comparable, and whether they say the same."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import dns.exception
import dns.name
import dns.rdata
import dns.rdatatype
from facts import Facts
from queries import Query
from wire import BadReplyError, Record, Reply, read_reply

CNAME, SOA, NS, DNAME, A, AAAA = 5, 6, 2, 39, 1, 28

# What is compared of a reply, by name. The additional section is judged by the zones instead
# (see `additional`), since each server adds what it likes.
ASPECTS = ("silent", "rcode", "aa", "flags", "question", "answer", "chain", "authority", "edns")


@dataclass(frozen=True, slots=True)
class Said:
    """One server's reply in comparable form."""

    silent: bool = False
    rcode: int = 0
    aa: bool = False
    flags: int = 0  # QR, opcode, RD, RA, Z, AD, CD
    question: bytes = b""
    answer: frozenset[Record] = frozenset()
    chain: tuple[bytes, ...] = ()
    authority: frozenset[Record] = frozenset()
    edns: tuple[int, bool] | None = None  # version, DO

    def differs(self, other: Said) -> set[str]:
        """The names of what is not the same."""
        return {name for name in ASPECTS if getattr(self, name) != getattr(other, name)}


SILENCE = Said(silent=True)


def said(reply: Reply | None) -> Said:
    """A reply in comparable form."""
    if reply is None:
        return SILENCE
    return Said(
        rcode=reply.rcode,
        aa=reply.aa,
        flags=reply.flags & ~0x0600,
        question=reply.question,
        answer=frozenset(reply.answer),
        chain=chain(reply.answer),
        authority=frozenset(reply.authority),
        edns=None if reply.opt is None else (reply.opt[1] >> 16, bool(reply.opt[1] & 0x8000)),
    )


def chain(answer: list[Record]) -> tuple[bytes, ...]:
    """The owners of CNAMEs and of what follows them, in the order of the section."""
    owners: list[bytes] = []
    for record in answer:
        if record.rtype != DNAME and record.owner not in owners[-1:]:
            owners.append(record.owner)
    return tuple(owners)


@dataclass(slots=True)
class Case:
    """One query and what each server said; `others` are those that have all its zones. `reply`
    is what zonecast's is read from, None for silence."""

    query: Query
    ours: Said
    others: dict[str, Said]
    reply: Reply | None
    facts: Facts

    @property
    def accepted(self) -> list[Said]:
        """What three or all four of the others say; where they are at odds, what any says."""
        counted = Counter(self.others.values())
        return [one for one, times in counted.items() if times > 2] or list(counted)

    @property
    def differing(self) -> set[str]:
        """In what we differ from the nearest that is accepted; nothing where we agree."""
        return min((self.ours.differs(one) for one in self.accepted), key=len, default=set())

    def text(self) -> str:
        """Who says what, for a person."""
        lines = [f"{self.query}: differs in {', '.join(sorted(self.differing))}"]
        for name, one in {"zonecast": self.ours, **self.others}.items():
            if one.silent:
                lines.append(f"    {name}: silence")
                continue
            lines.append(
                f"    {name}: rcode {one.rcode} aa {one.aa:d} flags {one.flags:04x} edns {one.edns}"
            )
            for section in ("answer", "authority"):
                records = sorted(getattr(one, section))
                lines += [f"        {section}: {_written(record)}" for record in records[:6]]
        return "\n".join(lines)


def _written(record: Record) -> str:
    owner, _ = dns.name.from_wire(record.owner, 0)
    rtype = dns.rdatatype.RdataType.make(record.rtype)
    try:
        rdata = str(dns.rdata.from_wire(1, rtype, record.rdata, 0, len(record.rdata)))
    except dns.exception.DNSException:
        rdata = record.rdata.hex()
    return f"{owner} {record.ttl} {dns.rdatatype.to_text(rtype)} {rdata[:80]}"


def read(octets: bytes | None) -> Reply | None:
    """A reply of another server; what cannot be read counts as silence."""
    try:
        return None if octets is None else read_reply(octets)
    except BadReplyError:
        return None
