"""Judging the zones of a revision: what was found out before is taken from the cache, what was
not is read, judged and kept.

A zone is kept as it stands, without the step from an earlier version: one that differs from the
version it is compared with is read, and so is that version. What is kept of a zone is found by
everything that it depends on: the modules that judge, the policy, the file's name and its blob;
with it stand the blobs of all that the file includes.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import fields
from functools import cache, cached_property
from importlib.util import find_spec
from pathlib import Path

from zonecast import __version__
from zonecast.cli.checking.cache import LARGEST, Cache
from zonecast.cli.checking.record import (
    Outcome,
    Sources,
    decode_facts,
    decode_outcome,
    encode_facts,
    encode_outcome,
)
from zonecast.cli.revisions import Files
from zonecast.server.reading import helpers
from zonecast.zone.checks.expiry import signed_spans
from zonecast.zone.checks.zone_facts import ZoneFacts, extract
from zonecast.zone.collection import Reading, closure
from zonecast.zone.gate import judge
from zonecast.zone.policy import POLICY_FILE, Policy
from zonecast.zone.rrset import Zone
from zonecast.zone.zonefile import Parsed

# What of a policy says nothing of how a zone is judged, or is asked for zone by zone.
_APART = ("include", "publish", "origins", "zones")
# Facts of a zone with more RRsets would be larger than what the cache takes.
_MOST_RRSETS = LARGEST // 64


@cache
def judges() -> bytes:
    """What tells this program's reader and checks from any other version's: the modules' sizes
    and times, so that nobody has to remember to count a number up."""
    package = Path(__file__).parents[2]
    modules = [package / "options.py", package / "cli" / "checking" / "record.py"]
    modules += sorted((package / "zone").rglob("*.py"))
    dnspython = find_spec("dns")
    if dnspython is not None and dnspython.origin is not None:
        modules.append(Path(dnspython.origin).parent / "version.py")
    parts = [__version__, sys.version]
    for module in modules:
        found = module.stat()
        parts.append(f"{module.name} {found.st_size} {found.st_mtime_ns}")
    return _digest("\n".join(parts).encode())


def _digest(octets: bytes) -> bytes:
    return hashlib.blake2b(octets, digest_size=20).digest()


class Keys:
    """The names under which things are kept, each kind's its own."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._judges = judges()
        # What a zone's policy is made of, but for what is its own.
        shared = {f.name: getattr(policy, f.name) for f in fields(policy) if f.name not in _APART}
        self._shared = repr(shared).encode()

    def zone(self, origin: bytes, path: str, blob: str) -> bytes:
        """The key of one version of a zone file."""
        own = repr(self._policy.zones.get(origin)).encode()
        parts = (self._judges, self._shared, own, origin, os.fsencode(path))
        return _digest(b"\0".join((*parts, blob.encode("ascii"))))

    def across(self, zones: Iterable[tuple[bytes, Sources]]) -> bytes:
        """The key of what the rules across these zones, each with its own key, find."""
        parts = [key + repr(sorted(sources.items())).encode() for key, sources in zones]
        return _digest(b"across\0" + b"\0".join(parts))


class Before:
    """The zones of the version that another one is compared with."""

    def __init__(self, old: Files, new: Files, policy: Policy) -> None:
        self._old = old
        self._new = new
        same = old.paths and old.blob(POLICY_FILE) == new.blob(POLICY_FILE)
        self._policy = policy if same else old.policy_or(policy)

    @cached_property
    def _reading(self) -> Reading:
        return Reading(self._old.paths, self._old.read, self._policy, helpers=helpers())

    def differs(self, origin: bytes, path: str, sources: Iterable[str]) -> bool:
        """Whether this zone was there and was read from another file, or from other content in it
        and in what it includes."""
        if not self._old.paths or origin not in self._reading.holders:
            return False
        return self._reading.holders[origin] != path or any(
            self._old.blob(source) != self._new.blob(source) for source in sources
        )

    def zone(self, origin: bytes) -> Zone:
        """The zone as it was."""
        return self._reading.zone(origin).zone


class Zones(Mapping[bytes, ZoneFacts]):
    """The zones of `files`, by lower-cased origin; as a mapping, their facts. Nothing is read
    before it is asked for."""

    def __init__(
        self, files: Files, policy: Policy, kept: Cache, only: Callable[[str], bool] | None = None
    ) -> None:
        self.files = files
        self.policy = policy
        self.reading = Reading(files.paths, files.read, policy, only=only, helpers=helpers())
        self.keyed = Keys(policy)
        self._cache = kept
        self._facts: dict[bytes, ZoneFacts] = {}
        self._zone_keys: dict[bytes, bytes] = {}

    def __len__(self) -> int:
        return len(self.reading.holders)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.reading.holders)

    def __contains__(self, origin: object) -> bool:
        return origin in self.reading.holders

    def __getitem__(self, origin: bytes) -> ZoneFacts:
        found = self._facts.get(origin)
        if found is None:
            self.recall_facts([origin])
            found = self._facts.get(origin)
        if found is None:
            found = self.add(self.reading.zone(origin))
        return found

    def knows(self, origin: bytes) -> bool:
        """Whether the zone's facts are at hand."""
        return origin in self._facts

    def key(self, origin: bytes) -> bytes:
        """The key of the zone's version."""
        found = self._zone_keys.get(origin)
        if found is None:
            path = self.reading.holders[origin]
            found = self.keyed.zone(origin, path, self.files.blob(path) or "")
            self._zone_keys[origin] = found
        return found

    def recall(self, origins: Iterable[bytes]) -> dict[bytes, Outcome]:
        """What is known of these zones."""
        # A fault of placement lies in other files than those that an outcome depends on.
        by_key = {self.key(o): o for o in origins if o not in self.reading.faults}
        found = {}
        for key, octets in self._cache.get(by_key).items():
            outcome = decode_outcome(octets)
            if outcome is not None and self._holds(outcome.sources):
                found[by_key[key]] = outcome
        return found

    def _holds(self, sources: Sources) -> bool:
        return all(self.files.blob(path) == blob for path, blob in sources.items())

    def recall_facts(self, origins: Iterable[bytes]) -> None:
        """Look these zones' facts up in one go."""
        wanted = (o for o in origins if o not in self._facts and o not in self.reading.faults)
        by_key = {_facts_key(self.key(origin)): origin for origin in wanted}
        for key, octets in self._cache.get(by_key).items():
            found = decode_facts(octets)
            if found is not None and self._holds(found[0]):
                self._facts[by_key[key]] = found[1]

    def add(self, parsed: Parsed) -> ZoneFacts:
        """The facts of a zone that was read; they are kept."""
        origin = parsed.zone.origin.lower()
        if origin not in self._facts:
            facts = self._facts[origin] = extract(parsed, self.policy.zone(origin))
            sources = self._sources(parsed)
            if self._may_keep(parsed, sources) and len(parsed.zone.rrsets) <= _MOST_RRSETS:
                self._cache.put(_facts_key(self.key(origin)), encode_facts(sources, facts))
        return self._facts[origin]

    def judge(self, parsed: Parsed, before: Before | None) -> Outcome:
        """Judge a zone that was read; what was found is kept where that is the zone's alone."""
        origin = parsed.zone.origin.lower()
        sources = self._sources(parsed)
        step = before is not None and before.differs(origin, parsed.path, sources)
        old = before.zone(origin) if before is not None and step else None
        findings = judge(old, parsed, self.policy.zone(origin)).findings
        outcome = Outcome(sources, findings, signed_spans(parsed))
        if old is None and self._may_keep(parsed, sources):
            self._cache.put(self.key(origin), encode_outcome(outcome))
        return outcome

    def adopt(self, origin: bytes, outcome: bytes = b"", facts: bytes = b"") -> Outcome | None:
        """Take over what another process found in a zone's version; None where that is nothing."""
        found, decoded = decode_outcome(outcome), decode_facts(facts)
        if found is None or decoded is None:
            return None
        self._facts[origin] = decoded[1]
        if all(map(self.files.is_steady, found.sources)):
            self._cache.put(self.key(origin), outcome)
            self._cache.put(_facts_key(self.key(origin)), facts)
        return found

    def _sources(self, parsed: Parsed) -> Sources:
        paths = closure(parsed.path, self.files.paths, self.files.read)
        return {path: self.files.blob(path) for path in paths}

    def _may_keep(self, parsed: Parsed, sources: Sources) -> bool:
        return (
            parsed.zone.origin.lower() not in self.reading.faults
            and all(item.id != "unreadable" for item in parsed.findings)
            and all(map(self.files.is_steady, sources))
        )


def _facts_key(key: bytes) -> bytes:
    return b"facts\0" + key
