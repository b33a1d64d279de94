"""What the rules across zones want to know of a zone: a small value, true until the file changes.

The rules run over these values and not over zones, so that a zone need not be read again to be
held against the others.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import NamedTuple

from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.checks.texts import strings
from zonecast.zone.findings import Position, errors
from zonecast.zone.ignored import Ignored
from zonecast.zone.policy import ZonePolicy
from zonecast.zone.rrset import NS_KEY, RRset
from zonecast.zone.zonefile import Parsed

_POINTING = frozenset((rd.NS, rd.CNAME, rd.MX, rd.SRV, rd.PTR))


class Target(NamedTuple):
    """A name that a record points to and its zone does not answer for, in lower case."""

    rtype: int
    owner: str
    name: bytes
    position: Position


class Delegation(NamedTuple):
    """The servers that a zone or its parent names for it, in lower case."""

    servers: frozenset[bytes]
    position: Position


class ZoneFacts(NamedTuple):
    """What other zones' rules want to know of a zone; every name absolute and in lower case.

    `present` has the names that exist, empty non-terminals included, `aliases` those with a CNAME,
    `hosts` those with addresses (as in rdata), `pointers` a PTR record's owner to its targets,
    `senders` the text of a name's one SPF record, `reverse` the names at which pointers to this
    zone's addresses would stand (where the policy asks for them). `whole` is false where a record
    could not be read: then nothing is said of what the zone lacks. `ignored` as in `Parsed`.
    """

    origin: bytes
    whole: bool
    present: frozenset[bytes]
    aliases: frozenset[bytes]
    hosts: Mapping[bytes, tuple[bytes, ...]]
    pointers: Mapping[bytes, tuple[tuple[bytes, Position], ...]]
    targets: tuple[Target, ...]
    servers: Delegation | None
    cuts: Mapping[bytes, Delegation]
    dnames: frozenset[bytes]
    senders: Mapping[bytes, tuple[str, Position]]
    reverse: tuple[Target, ...]
    ignored: Ignored


def extract(parsed: Parsed, policy: ZonePolicy) -> ZoneFacts:
    """The facts of a zone under its policy."""
    return _Extraction(parsed).facts(policy)


class _Extraction:
    """One walk over a zone's RRsets by type."""

    def __init__(self, parsed: Parsed) -> None:
        self.parsed = parsed
        self.origin = parsed.zone.origin.lower()
        self.sets: dict[int, list[tuple[bytes, bytes, RRset]]] = {}
        self.present = {self.origin}
        for key, rrset in parsed.zone.rrsets.items():
            name = rrset.owner.lower() + self.origin
            self.sets.setdefault(rrset.rtype, []).append((name, key, rrset))
            while name not in self.present:
                self.present.add(name)
                name = name[name[0] + 1 :]
        self.cuts = {name for name, _, rrset in self.sets.get(rd.NS, ()) if rrset.owner}

    def facts(self, policy: ZonePolicy) -> ZoneFacts:
        parsed = self.parsed
        own = parsed.zone.rrsets.get(NS_KEY)
        hosts: dict[bytes, tuple[bytes, ...]] = {}
        for rtype in (rd.A, rd.AAAA):
            for name, _, rrset in self.sets.get(rtype, ()):
                hosts[name] = hosts.get(name, ()) + rrset.rdatas
        wanted = policy.level("pointer-missing") != "off"
        return ZoneFacts(
            self.origin,
            not errors(parsed.findings),
            frozenset(self.present),
            frozenset(name for name, _, _ in self.sets.get(rd.CNAME, ())),
            hosts,
            {
                name: tuple((rdata.lower(), parsed.position(key, rdata)) for rdata in rrset.rdatas)
                for name, key, rrset in self.sets.get(rd.PTR, ())
            },
            tuple(self._targets()),
            None if own is None else self._delegation(NS_KEY, own),
            {
                name: self._delegation(key, rrset)
                for name, key, rrset in self.sets.get(rd.NS, ())
                if rrset.owner
            },
            frozenset(name for name, _, _ in self.sets.get(rd.DNAME, ())),
            dict(self._senders()),
            tuple(self._reverse()) if wanted else (),
            parsed.ignored,
        )

    def _delegation(self, key: bytes, rrset: RRset) -> Delegation:
        return Delegation(frozenset(map(bytes.lower, rrset.rdatas)), self.parsed.position(key))

    def _delegated(self, name: bytes) -> bool:
        """Whether a name inside the zone is another zone's to answer for."""
        return bool(self.cuts) and any(suffix in self.cuts for suffix in names.suffixes(name))

    def _owner(self, rrset: RRset, what: str) -> str:
        return f"{names.owner_text(rrset.owner, self.parsed.zone.origin)} {what}"

    def _targets(self) -> Iterator[Target]:
        for rtype in sorted(_POINTING & self.sets.keys()):
            for owner, key, rrset in self.sets[rtype]:
                if rtype != rd.NS and self._delegated(owner):
                    continue
                for rdata in rrset.rdatas:
                    name = rd.names(rtype, rdata)[0].lower()
                    inside = names.relative(name, self.origin) is not None
                    if name == names.ROOT or (inside and not self._delegated(name)):
                        continue
                    shown = self._owner(rrset, rd.type_to_text(rtype))
                    yield Target(rtype, shown, name, self.parsed.position(key, rdata))

    def _senders(self) -> Iterator[tuple[bytes, tuple[str, Position]]]:
        for name, key, rrset in self.sets.get(rd.TXT, ()):
            found = [
                (text, rdata)
                for rdata in rrset.rdatas
                if rdata[1:7].lower() == b"v=spf1" and (text := strings(rdata))[6:7] in ("", " ")
            ]
            if len(found) == 1 and not self._delegated(name):
                text, rdata = found[0]
                yield name, (text, self.parsed.position(key, rdata))

    def _reverse(self) -> Iterator[Target]:
        for rtype in (rd.A, rd.AAAA):
            for name, key, rrset in self.sets.get(rtype, ()):
                if name[:2] == b"\x01*" or self._delegated(name):
                    continue
                for rdata in rrset.rdatas:
                    pointer = names.from_text(ip_address(rdata).reverse_pointer, names.ROOT)
                    shown = self._owner(rrset, str(ip_address(rdata)))
                    yield Target(rtype, shown, pointer, self.parsed.position(key, rdata))
