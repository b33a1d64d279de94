"""Proofs by NSEC3: RFC 5155 §7.2.

The NSEC3s of a zone stand side by side in the order of their hashes (`compiled`), so the one that
covers a name is one step back from where its hash would be. With opt-out (§6) names may be
missing from the chain; what counts then is the closest encloser that is in it (§7.2.4, for
empty non-terminals RFC 5155's erratum 3441).

A hash takes iterations + 1 rounds of SHA-1, and an answer up to four hashes. So a chain of more
than MAX_ITERATIONS is not searched: validators take its zone for unsigned (RFC 9276 §3.2) once
they have seen any one NSEC3 of it, and one is what they get.
"""

from __future__ import annotations

from base64 import b32hexencode
from functools import lru_cache
from hashlib import sha1
from typing import NamedTuple

from zonecast.protocol.answer_find import Place, label_starts
from zonecast.protocol.compiled import NEGATIVE_KEY, read_entry
from zonecast.protocol.denial_proof import Denial, HashCollisionError, Proof, read_proof
from zonecast.protocol.view import View, ZoneRef
from zonecast.zone import rdata as rd
from zonecast.zone.names import owner_of_node

# As many as the validators of BIND and Unbound work through.
MAX_ITERATIONS = 150

# NSEC3s of other chains passed over to find one of ours. Two chains that a zone holds while it
# changes its salt are mixed evenly.
_MAX_STRANGERS = 64

_SHA1 = 1
_PARAMETERS_AT_APEX = b"\x00" + rd.NSEC3PARAM.to_bytes(2, "big")
_LEAST_PARAMETERS = 5  # octets, without salt
_AFTER_HASHES = b"\x00\x00\x01"


class Chain(NamedTuple):
    """The parameters that the records of one chain share: as octets of rdata (algorithm,
    iterations, length of the salt, salt), and two of them as values."""

    octets: bytes
    iterations: int
    salt: bytes


def nsec3_denial(view: View, zone: ZoneRef) -> Denial | None:
    """How `zone` proves by NSEC3: with the first of its NSEC3PARAMs that has SHA-1, no flags
    (RFC 5155 §4.1.2) and a chain; None where there is no such."""
    entry = view.get(zone.prefix + _PARAMETERS_AT_APEX)
    for tail in [] if entry is None else read_entry(entry).records:
        rdata = tail[10:]
        if len(rdata) < _LEAST_PARAMETERS or rdata[0] != _SHA1 or rdata[1]:
            continue
        chain = Chain(rdata[:1] + rdata[2:], int.from_bytes(rdata[2:4], "big"), rdata[5:])
        found = Nsec3Denial(view, zone, chain)
        if chain.iterations > MAX_ITERATIONS:
            sample = found.any()
            if sample:
                return Unsearched(sample)
        elif found.match(zone.origin):
            return found
    return None


class Nsec3Denial:
    """See `denial_proof.Denial`. Raises HashCollisionError. A chain with gaps gives fewer or
    other proofs."""

    def __init__(self, view: View, zone: ZoneRef, chain: Chain) -> None:
        self._view = view
        self._zone = zone
        self._chain = chain
        self._start = zone.prefix + NEGATIVE_KEY

    def no_data(self, name: bytes) -> list[Proof]:
        """The NSEC3 of the name (§7.2.3). What is opted out, a delegation or a name above nothing
        else, has none: then the closest encloser proof (§7.2.4, §7.2.7)."""
        return self.match(name) or self._encloser(name, name[0] + 1)[1]

    def name_error(self, name: bytes, encloser: Place) -> list[Proof]:
        """The closest encloser proof, and that its wildcard is not there (§7.2.2). Where the
        closest encloser itself is opted out, the one that the chain knows may well have a
        wildcard; all there is to prove then is the opt-out."""
        start, proofs = self._encloser(name, encloser.start)
        star = b"\x01*" + name[start:]
        if start != encloser.start and self.match(star):
            return proofs
        return proofs + self._cover(star)

    def wildcard_answer(self, name: bytes, encloser: Place) -> list[Proof]:
        """That the next closer name is not there; which encloser is the closest, the signature's
        count of labels says (§7.2.6)."""
        starts = list(label_starts(name, encloser.start))
        return self._cover(name[starts[-1] :])

    def wildcard_no_data(self, name: bytes, encloser: Place) -> list[Proof]:
        """The closest encloser proof, and the wildcard's NSEC3 (§7.2.5)."""
        wildcard = b"\x01*" + name[encloser.start :]
        return self._encloser(name, encloser.start)[1] + self.match(wildcard)

    def match(self, name: bytes) -> list[Proof]:
        """The NSEC3 of the name's hash."""
        key = self._key(name)
        entry = self._view.get(key)
        return self._proof(key, entry) if entry is not None and self._is_ours(entry) else []

    def any(self) -> list[Proof]:
        """The chain's first NSEC3, for which nothing is hashed."""
        found = self._view.seek(self._start + b"\x00")
        for _ in range(_MAX_STRANGERS):
            if found is None or not found[0].startswith(self._start):
                break
            if self._is_ours(found[1]):
                return self._proof(*found)
            found = self._view.seek(found[0] + b"\x00")
        return []

    def _encloser(self, name: bytes, start: int) -> tuple[int, list[Proof]]:
        """The closest encloser proof (§7.2.1): the NSEC3 of the closest encloser that the chain
        knows, in `name` at `start` or after it, and the one that covers the next closer name.
        And where that encloser begins."""
        top = len(name) - len(self._zone.origin)
        starts = [*label_starts(name, top), top]
        for index in range(starts.index(start), len(starts)):
            found = self.match(name[starts[index] :])
            if found:
                return starts[index], found + self._cover(name[starts[index - 1] :])
        return top, []

    def _cover(self, name: bytes) -> list[Proof]:
        """The NSEC3 of the last hash before the name's, or of the last of all."""
        key = self._key(name)
        before = key + b"\x00"
        for _ in range(_MAX_STRANGERS):
            found = self._view.seek_before(before)
            if found is None or found[0] <= self._start:
                before = self._zone.prefix + _AFTER_HASHES
            elif not self._is_ours(found[1]):
                before = found[0]
            elif found[0] == key:
                raise HashCollisionError
            else:
                return self._proof(*found)
        return []

    def _key(self, name: bytes) -> bytes:
        chain = self._chain
        return self._start + hash_label(name.lower(), chain.salt, chain.iterations) + b"\x00"

    def _is_ours(self, entry: bytes) -> bool:
        octets = self._chain.octets
        return any(
            tail[10:11] + tail[12 : 11 + len(octets)] == octets
            for tail in read_entry(entry).records
        )

    def _proof(self, key: bytes, entry: bytes) -> list[Proof]:
        owner = owner_of_node(key[len(self._start) :]) + self._zone.origin
        return read_proof(entry, owner, rd.NSEC3)


class Unsearched:
    """See `denial_proof.Denial`: a chain with so many iterations that one record of it says all
    that a validator will hear."""

    def __init__(self, sample: list[Proof]) -> None:
        self._sample = sample

    def no_data(self, name: bytes) -> list[Proof]:
        return self._sample

    def name_error(self, name: bytes, encloser: Place) -> list[Proof]:
        return self._sample

    def wildcard_answer(self, name: bytes, encloser: Place) -> list[Proof]:
        return self._sample

    def wildcard_no_data(self, name: bytes, encloser: Place) -> list[Proof]:
        return self._sample


@lru_cache(maxsize=8192)
def hash_label(name: bytes, salt: bytes, iterations: int) -> bytes:
    """The hash of a lower-cased name as an owner's label (RFC 5155 §5), lower-cased as well. Kept
    for the names that come again: apex, closest enclosers, wildcards."""
    digest = sha1(name + salt, usedforsecurity=False).digest()
    for _ in range(iterations):
        digest = sha1(digest + salt, usedforsecurity=False).digest()
    return b32hexencode(digest).lower()
