"""What NSEC and NSEC3 have in common: the cases that want proof, and the proofs."""

from __future__ import annotations

from typing import NamedTuple, Protocol

from zonecast.protocol.answer_find import Place
from zonecast.protocol.compiled import read_entry


class Proof(NamedTuple):
    """One NSEC or NSEC3 RRset: its records and signatures from their types onward."""

    owner: bytes
    rtype: int
    tails: list[bytes]


class Denial(Protocol):
    """How one zone proves. `name` is the name asked for, which lies in the zone; `encloser` the
    MISSING place where the walk for it ended. A proof may come twice."""

    def no_data(self, name: bytes) -> list[Proof]:
        """The name is there, the type is not; a zone cut's DS too."""

    def name_error(self, name: bytes, encloser: Place) -> list[Proof]:
        """Neither the name nor a wildcard for it is there."""

    def wildcard_answer(self, name: bytes, encloser: Place) -> list[Proof]:
        """The wildcard may stand for the name: nothing closer is there."""

    def wildcard_no_data(self, name: bytes, encloser: Place) -> list[Proof]:
        """The wildcard stands for the name and does not have the type."""


class HashCollisionError(Exception):
    """Not meant for a person: a name that is not there has the hash of one that is, so that
    nothing can be proved. To be answered with SERVFAIL (RFC 5155 §7.2.9)."""


def read_proof(entry: bytes, owner: bytes, rtype: int) -> list[Proof]:
    """The proof in an answer entry; none in one that holds nothing but signatures."""
    parts = read_entry(entry)
    return [Proof(owner, rtype, parts.records + parts.signatures)] if parts.records else []
