"""Catalogs as built and as believed (RFC 9432)."""

from __future__ import annotations

import pytest

from zonecast.protocol.catalog import (
    CatalogError,
    Listing,
    Member,
    build,
    member_label,
    members,
)
from zonecast.zone import rdata as rd
from zonecast.zone.names import from_text
from zonecast.zone.rrset import Zone, make_rrset

CATALOG = from_text("catalog.zonecast.invalid.")
A, B, C = (from_text(name) for name in ("a.example.", "B.Example.", "2.0.192.in-addr.arpa."))


def with_records(zone: Zone, *records: tuple[str, int, bytes]) -> Zone:
    rrsets = dict(zone.rrsets)
    for owner, rtype, rdata in records:
        name = from_text(owner + ".")[:-1]
        made = make_rrset(name, rtype, 0, [rdata])
        known = rrsets.get(made.key)
        rrsets[made.key] = made if known is None else made._replace(rdatas=(*known.rdatas, rdata))
    return Zone(zone.origin, rrsets)


def test_what_is_built_is_read_back() -> None:
    zone = build(CATALOG, [A, B, C, A], 7)
    assert zone.serial == 7
    assert members(zone) == {name.lower(): Member(member_label(name)) for name in (A, B, C)}
    assert zone.count() == 6
    assert members(build(CATALOG, [], 7)) == {}


def test_labels_are_stable_and_case_insensitive() -> None:
    assert member_label(A) == member_label(from_text("A.EXAMPLE."))
    assert member_label(A) == b"70b7387bf60a30e7ee180b2c116b0da4", "fleets know members by it"
    assert len({member_label(name) for name in (A, B, C)}) == 3


def test_nothing_new_is_published_for_nothing() -> None:
    old = build(CATALOG, [A, B], 7)
    assert build(CATALOG, [B, A], 8, old) is old
    assert build(CATALOG, [A], 8, old).serial == 8
    assert build(CATALOG, {A: Listing((b"fast",)), B: Listing()}, 8, old).serial == 8


def test_properties_are_read_back() -> None:
    listed = {A: Listing((b"fast", b"europe")), B: Listing(coo=C), C: Listing(reset="again")}
    assert members(build(CATALOG, listed, 7)) == {
        A: Member(member_label(A), (b"europe", b"fast")),
        B.lower(): Member(member_label(B), coo=C),
        C: Member(member_label(C, "again")),
    }
    assert member_label(C, "again") != member_label(C)


def test_what_is_unknown_is_ignored() -> None:
    label = member_label(A).decode()
    zone = with_records(
        build(CATALOG, [A], 7),
        (f"group.{label}.zones", rd.TXT, b"\x02no\x05thing"),
        (f"group.{label.upper()}.zones", rd.TXT, b""),
        (f"group.{label}.zones", rd.A, b"\x00\x00\x00\x00"),
        (f"coo.{label}.zones", rd.TXT, b"\x01x"),
        (f"primaries.ext.{label}.zones", rd.A, b"\x00\x00\x00\x00"),
        ("group.unlisted.zones", rd.TXT, b"\x04fast"),
        ("something.ext", rd.PTR, C),
        ("deep.er.zones", rd.PTR, C),
        ("zones", rd.PTR, C),
    )
    assert members(zone) == {A: Member(member_label(A))}


def test_the_members_of_others_keep_their_labels_and_names_have_no_case() -> None:
    """Pitfall: names have no case, in catalogs too."""
    zone = with_records(
        build(CATALOG, [], 7),
        ("Unique-1.ZONES", rd.PTR, B),
        ("GROUP.unique-1.zones", rd.TXT, b"\x04Fast"),
        ("Coo.uniQue-1.Zones", rd.PTR, from_text("Other.Catalog.invalid.")),
    )
    moving = from_text("other.catalog.invalid.")
    assert members(zone) == {B.lower(): Member(b"unique-1", (b"Fast",), moving)}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("no version", "no version"),
        ("version 1", "a version other"),
        ("two versions", "a version other"),
        ("two members under one label", "several members"),
        ("a member twice", "twice"),
        ("itself", "itself"),
        ("two owners to come", "several coo"),
    ],
)
def test_a_broken_catalog_is_ignored_whole(change: str, says: str) -> None:
    """Pitfall: a version that is not ours, or a member twice, must take nothing away."""
    zone = build(CATALOG, [A, B], 7)
    version = next(key for key, made in zone.rrsets.items() if made.rtype == rd.TXT)
    if change == "no version":
        del zone.rrsets[version]
    elif change == "version 1":
        zone.rrsets[version] = zone.rrsets[version]._replace(rdatas=(b"\x011",))
    elif change == "two versions":
        zone.rrsets[version] = zone.rrsets[version]._replace(rdatas=(b"\x012", b"\x013"))
    elif change == "two members under one label":
        zone = with_records(zone, (member_label(A).decode() + ".zones", rd.PTR, C))
    elif change == "a member twice":
        zone = with_records(zone, ("another.zones", rd.PTR, from_text("A.example.")))
    elif change == "itself":
        zone = with_records(zone, ("another.zones", rd.PTR, CATALOG))
    else:
        coo = f"coo.{member_label(A).decode()}.zones"
        zone = with_records(zone, (coo, rd.PTR, B), (coo, rd.PTR, C))
    with pytest.raises(CatalogError, match=says):
        members(zone)
