"""The safety rails: what counts as deleted and changed, and what a trailer allows."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.zone import names
from zonecast.zone.changeset import diff
from zonecast.zone.permits import Permit, Said
from zonecast.zone.policy import Floors, Rails
from zonecast.zone.rails import counted, rail_findings, removal_findings, stray_findings, tally
from zonecast.zone.zonefile import Parsed, read_zone

ORIGIN = names.from_text("example.com.")
HOSTS = [f"h{number} 300 A 192.0.2.{number}" for number in range(9)]
RAILS = Rails(max_delete=0.3, max_update=0.3)
OFF = Rails(max_delete=1.0, max_update=1.0, apex_ns=False, removal=False, rewrite=False)


def parsed(records: Iterable[str], ns: str = "ns1.example.net.") -> Parsed:
    lines = ["@ 300 SOA ns1.example.net. host 1 2 3 4 5", f"@ 300 NS {ns}", *records]
    text = "".join(f"{line}\n" for line in lines)
    return read_zone(text.encode(), path="example.com.zone", origin=ORIGIN, include=None)


def found(
    old: Parsed, new: Parsed, rails: Rails = RAILS, permit: Permit | None = None
) -> list[str]:
    """The ids of what the rails say."""
    step = diff(old.zone, new.zone)
    records = counted(old.zone)
    return [
        item.id
        for item in rail_findings(step, lambda: records, new, rails, lambda: permit or Permit())
    ]


# What becomes of the nine hosts (and the NS record, ten in all) → deleted, changed.
STEPS = {
    "nothing": (HOSTS, (0, 0)),
    "three less": (HOSTS[3:], (3, 0)),
    "three have another address": (
        [*HOSTS[3:], "h0 300 A 192.0.2.99", "h1 300 A 192.0.2.98", "h2 300 A 192.0.2.97"],
        (0, 3),
    ),
    "one becomes two": ([*HOSTS[1:], "h0 300 A 192.0.2.98", "h0 300 A 192.0.2.99"], (0, 1)),
    "one has another TTL": ([*HOSTS[1:], "h0 301 A 192.0.2.0"], (0, 1)),
    "another TTL and another record": (
        [*HOSTS[1:], "h0 9 A 192.0.2.0", "h0 9 A 192.0.2.9"],
        (0, 1),
    ),
    "another name is one gone": ([*HOSTS[1:], "hx 300 A 192.0.2.0"], (1, 0)),
    "another type is one gone": ([*HOSTS[1:], "h0 300 AAAA 2001:db8::1"], (1, 0)),
    "added": ([*HOSTS, *(f"x{number} 300 A 192.0.2.1" for number in range(99))], (0, 0)),
    "another case": ([host.replace("h", "H") for host in HOSTS], (0, 0)),
}


@pytest.mark.parametrize("what", STEPS)
def test_what_counts(what: str) -> None:
    records, expected = STEPS[what]
    assert tally(diff(parsed(HOSTS).zone, parsed(records).zone)) == expected


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([60, 300])), max_size=14
    ),
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(0, 4), st.sampled_from([60, 300])), max_size=14
    ),
)
def test_the_count_agrees_with_whole_zones_compared(
    old: list[tuple[int, int, int]], new: list[tuple[int, int, int]]
) -> None:
    """Against the slow definition: each owner's records before and after, side by side."""

    def contents(records: list[tuple[int, int, int]]) -> tuple[Parsed, dict[int, set[int]], dict]:
        ttls: dict[int, int] = {}
        for host, _, ttl in records:
            ttls.setdefault(host, ttl)  # one RRset has one TTL, the first one's
        hosts: dict[int, set[int]] = {}
        for host, number, _ in records:
            hosts.setdefault(host, set()).add(number)
        lines = [f"h{host} {ttls[host]} A 192.0.2.{number}" for host, number, _ in records]
        return parsed(lines), hosts, ttls

    before, was, old_ttls = contents(old)
    after, now, new_ttls = contents(new)
    deleted = changed = 0
    for host, numbers in was.items():
        lost = len(numbers - now.get(host, set()))
        gained = len(now.get(host, set()) - numbers)
        changed += min(lost, gained)
        deleted += max(lost - gained, 0)
        if old_ttls[host] != new_ttls.get(host):
            changed += len(numbers & now.get(host, set()))
    assert tally(diff(before.zone, after.zone)) == (deleted, changed)


def test_the_share_is_of_the_published_zone_from_ten_records_on() -> None:
    """Pitfall: more than 30 % of a zone's records deleted or changed, in zones of ten and more,
    is stopped; the thresholds are policy."""
    old = parsed(HOSTS)
    assert counted(old.zone) == 10
    assert found(old, parsed(HOSTS[3:])) == [], "exactly 30 %"
    assert found(old, parsed(HOSTS[4:])) == ["mass-delete"]
    assert found(parsed(HOSTS[:8]), parsed([])) == [], "nine records are too few to say"
    quicker = [host.replace("300", "60") for host in HOSTS]
    assert found(old, parsed(quicker)) == ["mass-update"]
    both = [*quicker[:5], "new 60 A 192.0.2.1"]
    assert found(old, parsed(both)) == ["mass-delete", "mass-update"]
    assert found(old, parsed(both), OFF) == []
    assert found(old, parsed([]), Rails(1.0, 1.0)) == []
    assert found(old, parsed(HOSTS[1:]), Rails(0.0, 0.0)) == ["mass-delete"]


def test_what_signing_makes_anew_does_not_count() -> None:
    signature = "{0} 300 RRSIG A 8 3 300 20300101000000 {1} 1 example.com. AAAA"
    chain = "{0} 300 NSEC3 1 0 1 {1} 0123456789ABCDEFGHIJKLMNOPQRSTUV A"
    hash32 = "0123456789abcdefghijklmnopqrstu"

    def signed(when: str, salt: str) -> Parsed:
        records = list(HOSTS)
        records += [signature.format(f"h{number}", when) for number in range(9)]
        records += [chain.format(f"{hash32}{number}", salt) for number in range(9)]
        return parsed(records)

    old = signed("20260101000000", "aa")
    assert counted(old.zone) == 10
    assert found(old, signed("20260201000000", "bb")) == []
    assert found(old, parsed(HOSTS[4:])) == ["mass-delete"]


def test_name_servers_are_compared_as_a_set() -> None:
    """Pitfall: another NS set at the apex is stopped."""
    old = parsed([*HOSTS, "@ 300 NS ns2.example.net."])
    other = parsed(["@ 300 NS NS1.example.net.", *HOSTS], ns="Ns2.Example.net.")
    assert found(old, other) == []
    slower = parsed([*HOSTS, "@ 300 NS ns2.example.net."])
    for key, rrset in list(slower.zone.rrsets.items()):
        if rrset.rtype == 2:
            slower.zone.rrsets[key] = rrset._replace(ttl=60)
    assert found(old, slower) == [], "another TTL"
    new = parsed([*HOSTS, "@ 300 NS ns3.example.net."])
    (stopped,) = rail_findings(
        diff(old.zone, new.zone), lambda: 11, new, RAILS, lambda: Permit("c" * 40)
    )
    assert stopped.id == "apex-ns-change"
    assert "without ns2.example.net., with ns3.example.net." in stopped.message
    assert str(stopped.position) == "example.com.zone:2:1"
    delegated = parsed([*HOSTS, "@ 300 NS ns2.example.net.", "sub 300 NS ns9.example.net."])
    assert found(old, delegated) == [], "a zone cut below is no apex"
    assert found(old, new, Rails(apex_ns=False)) == []


def test_a_new_zone_passes() -> None:
    new = parsed(HOSTS)
    step = diff(None, new.zone)
    assert rail_findings(step, lambda: 0, new, RAILS, Permit) == []


def said(*values: str, changes: Iterable[str] = ("example.com.", "example.org.")) -> Permit:
    """What commits that change these zones say in their trailers."""
    origins = {names.from_text(zone) for zone in changes}
    return Permit("c" * 40, tuple(Said(value, origins.__contains__) for value in values))


# A trailer's value → may example.com be mass-deleted, may example.org?
TRAILERS = {
    "mass-delete": (True, True),
    "Mass-Delete": (True, True),
    "mass-delete example.com": (True, False),
    "mass-delete example.com.": (True, False),
    "mass-delete EXAMPLE.com, example.org": (True, True),
    "mass-update, mass-delete": (True, True),
    "mass-update mass-delete example.org": (False, True),
    "mass-delete mass-update example.org": (False, True),
    "mass-delete example.com mass-update": (True, False),
    "mass-update example.com mass-delete": (True, True),
    "mass-update": (False, False),
    "mass-delete ex..ample": (False, False),
    "mass-delete example.com not": (False, False),
    "mass-delete approved.": (False, False),
    "mass-deletion": (False, False),
    "not mass-delete": (False, False),
    "mass-delete not": (False, False),
    "example.com mass-delete": (False, False),
    "all": (False, False),
    "example.com": (False, False),
    "": (False, False),
}


@pytest.mark.parametrize("value", TRAILERS)
def test_a_trailer_allows_what_it_names(value: str) -> None:
    permit = said(value)
    zones = (names.from_text("Example.com."), names.from_text("example.org."))
    assert tuple(permit.allows("mass-delete", zone) for zone in zones) == TRAILERS[value]


def test_trailers_add_up_and_a_slip_in_one_is_told() -> None:
    both = said("mass-delete example.com", "mass-delete example.org", changes=())
    assert both.allows("mass-delete", names.from_text("example.org."))
    assert not both.allows("mass-delete", names.from_text("example.net."))
    wider = said("mass-delete example.com", "mass-delete", changes=("example.net.",))
    assert wider.allows("mass-delete", names.from_text("EXAMPLE.net."))
    assert not wider.allows("mass-delete", names.from_text("example.org."))
    assert "those that its own commit changes" in wider.remedy("mass-delete", ORIGIN)
    slip = said("mass-deletion")
    assert "'mass-deletion' is neither" in slip.remedy("mass-delete", ORIGIN)
    (warning,) = stray_findings(said("mass-delete", "not mass-delete"))
    assert "'Zonecast-Allow: not mass-delete' allows nothing: 'not' is" in str(warning)
    assert not said("history-rewritten").allows("history-rewritten", ORIGIN)


def test_floors_tighten_a_policy_and_protect_zones() -> None:
    floors = Floors(0.5, 0.1, ("removal",), (ORIGIN,))
    assert Floors.from_table(floors.table()) == floors
    assert floors.over(OFF) == Rails(0.5, 0.1, apex_ns=False, removal=True, rewrite=False)
    assert floors.over(Rails(0.2, 0.0)) == Rails(0.2, 0.0)
    new = parsed([], ns="ns2.example.net.")
    step = diff(parsed([*HOSTS, "x 300 TXT x"]).zone, new.zone)
    strict = Floors(0.5, 1.0, ("apex-ns", "removal"))
    said = rail_findings(step, lambda: 11, new, OFF, Permit, strict)
    assert [item.id for item in said] == ["mass-delete", "apex-ns-change"]
    assert "more than the 50 % that the agent's configuration allows" in said[0].message
    assert "which the agent's configuration stops" in said[1].message
    for item in rail_findings(step, lambda: 11, new, Rails(0.5), Permit, strict):
        assert "the agent's configuration" not in item.message
    approved = Permit("c" * 40, (), approved=True)
    (stopped,) = removal_findings(ORIGIN, "a.zone", OFF, floors, approved)
    assert stopped.id == "zone-protected"
    other = names.from_text("other.example.")
    assert removal_findings(other, "a.zone", OFF, floors, approved) == []
    (stopped,) = removal_findings(other, "a.zone", OFF, floors, Permit())
    assert stopped.message.endswith("which the agent's configuration stops and not the policy")
    assert stopped.id == "zone-removed"
    assert "--trailer 'Zonecast-Allow: zone-removed other.example.'" in stopped.remedy
