"""The slow, obvious proofs: RFC 4035 §3.1.3 and RFC 5155 §7.2 as written.

Every question about a chain is a look through all of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype as t

Names = Iterable[dns.name.Name]


class Chain:
    """A zone's NSECs, or its NSEC3s where it has some, by owner. `names`: all that it answers for,
    of which some may lack their NSEC."""

    def __init__(
        self, names: Names, nsec: Names, nsec3: Mapping[dns.name.Name, dns.rdata.Rdata]
    ) -> None:
        self.names = list(names)
        self.nsec = set(nsec)
        self.nsec3 = {owner[0].decode().upper(): owner for owner in nsec3}
        # Of any one of them: a zone with two chains at once is not for this.
        self.parameters = next(iter(nsec3.values()), None)
        self.rtype = t.NSEC3 if self.nsec3 else t.NSEC

    def match(self, name: dns.name.Name) -> set[dns.name.Name]:
        """The owner of the record that speaks of this very name."""
        if self.nsec3:
            return {owner for owner in [self.nsec3.get(self.hashed(name))] if owner}
        return {name} & self.nsec

    def hashed(self, name: dns.name.Name) -> str:
        assert self.parameters is not None
        return dns.dnssec.nsec3_hash(name, self.parameters.salt, self.parameters.iterations, 1)

    def cover(self, name: dns.name.Name) -> set[dns.name.Name]:
        """The owner of the record between which and the next one the name would be."""
        if not self.nsec3:
            # The one at the name right before it, if it is there: any other ends before the gap.
            before = [owner for owner in self.names if owner < name]
            return {max(before)} & self.nsec if before else set()
        digest = self.hashed(name)
        return {self.nsec3[max((d for d in self.nsec3 if d < digest), default=max(self.nsec3))]}

    def closest_encloser(
        self, name: dns.name.Name, encloser: dns.name.Name
    ) -> tuple[dns.name.Name, set[dns.name.Name]]:
        """RFC 5155 §7.2.1, from the encloser up to one that the chain knows."""
        while not self.match(encloser):
            encloser = encloser.parent()
        return encloser, self.match(encloser) | self.cover(next_closer(name, encloser))

    def no_data(self, name: dns.name.Name) -> set[dns.name.Name]:
        if self.match(name):
            return self.match(name)
        if self.nsec3:
            return self.closest_encloser(name, name.parent())[1]
        return self.below(name)

    def name_error(self, name: dns.name.Name, encloser: dns.name.Name) -> set[dns.name.Name]:
        if not self.nsec3:
            return self.cover(name) | self.cover(wildcard(encloser))
        encloser, found = self.closest_encloser(name, encloser)
        # That one may have a wildcard where the true one is opted out; then there is no more to say.
        star = wildcard(encloser)
        return found if self.match(star) else found | self.cover(star)

    def wildcard_answer(self, name: dns.name.Name, encloser: dns.name.Name) -> set[dns.name.Name]:
        return self.cover(next_closer(name, encloser) if self.nsec3 else name)

    def wildcard_no_data(self, name: dns.name.Name, encloser: dns.name.Name) -> set[dns.name.Name]:
        star = wildcard(encloser)
        if self.nsec3:
            return self.closest_encloser(name, encloser)[1] | self.match(star)
        return self.match(star) | self.below(star) | self.cover(name)

    def below(self, name: dns.name.Name) -> set[dns.name.Name]:
        """The owner of the NSEC that names something below an empty non-terminal."""
        return set() if name in self.names else self.cover(name)


def wildcard(encloser: dns.name.Name) -> dns.name.Name:
    return dns.name.Name((b"*", *encloser.labels))


def next_closer(name: dns.name.Name, encloser: dns.name.Name) -> dns.name.Name:
    return dns.name.Name(name.labels[len(name) - len(encloser) - 1 :])
