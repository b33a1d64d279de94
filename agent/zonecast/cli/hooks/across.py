"""What a hook says of a change beside its verdict: where the zones that it touches, and the others,
stop fitting together. Warnings always, for each zone stands for itself.

A hook must stay quick: other zones are known from what was kept of them, and few and small ones
are read; of the rest nothing is said.
"""

from __future__ import annotations

import os
import time

from zonecast.cli.checking.cache import Cache, cache_directory
from zonecast.cli.checking.zones import Zones
from zonecast.cli.hooks.judgement import Judgement
from zonecast.cli.revisions import Files
from zonecast.repository import Repository
from zonecast.zone.checks.across import check_across
from zonecast.zone.checks.zone_facts import ZoneFacts
from zonecast.zone.collection import linked
from zonecast.zone.findings import Finding, errors
from zonecast.zone.zonefile import Parsed

# How many zones that nothing is known of are read, and the most octets of each.
_READ, _SMALL = 20, 1 << 16
# RRsets of a touched zone, above which comparing it takes too long.
_MOST_RRSETS = 20_000
# With more zones than these, those that point at the touched ones are not looked for; nor is
# anything where more are touched.
_MOST_ZONES = 500

_UNKNOWN = ZoneFacts(
    b"", False, frozenset(), frozenset(), {}, {}, (), None, {}, frozenset(), {}, (), {}
)


class QuickZones(Zones):
    """Zones of which a few are read at the most."""

    left = _READ

    def __getitem__(self, origin: bytes) -> ZoneFacts:
        if not self.knows(origin):
            self.recall_facts([origin])
        if not self.knows(origin) and not self._may_read(origin):
            return _UNKNOWN._replace(origin=origin)
        return super().__getitem__(origin)

    def _may_read(self, origin: bytes) -> bool:
        self.left -= 1
        return self.left >= 0 and len(self.files.read(self.reading.holders[origin])) <= _SMALL


def warn_across(judgement: Judgement, before: Files, after: Files, repository: Repository) -> None:
    """Add to a judgement that refuses nothing what fits together no more in `after`, and symbolic
    links that were not there `before`."""
    if errors(judgement.findings):
        return
    policy = after.policy()
    judgement.beside += linked(after.links - before.links, policy)
    touched = [zone.parsed for zone in judgement.zones.values()]
    quick = all(len(parsed.zone.rrsets) <= _MOST_RRSETS for parsed in touched)
    if quick and 0 < len(touched) <= _MOST_ZONES:
        cache = Cache(cache_directory(repository, os.environ), time.time())
        zones = QuickZones(after, policy, cache)
        if len(zones) > 1:
            found = _across(touched, zones, QuickZones(before, before.policy_or(policy), cache))
            judgement.beside += [item._replace(level="warning") for item in found]
        cache.close()


def _across(touched: list[Parsed], zones: QuickZones, before: QuickZones) -> list[Finding]:
    """The findings across zones of those that were touched, and those of others that were not
    there before."""
    own = {zones.add(parsed).origin for parsed in touched}
    found = check_across(sorted(own), zones, zones.policy)
    if len(zones) <= _MOST_ZONES:
        zones.recall_facts(zones)
        others = {origin: zones[origin] for origin in zones if origin not in own}
        earlier = {origin: before[origin] for origin in own if origin in before}
        known = set(check_across(others, others | earlier, zones.policy))
        now = check_across(others, zones, zones.policy)
        found += [item for item in now if item not in known]
    return found
