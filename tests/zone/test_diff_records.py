"""What a diff says is all that changed and nothing else, in canonical order."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import TOP, read

from zonecast.zone.changeset import diff
from zonecast.zone.differences import Field, differences, removal

_OWNERS = ("@", "a", "b.a", "*", "z")
_RRSETS = st.dictionaries(
    st.tuples(st.sampled_from(_OWNERS), st.sampled_from(["A", "TXT"])),
    st.tuples(st.sampled_from([60, 61]), st.sets(st.integers(1, 4), min_size=1)),
    max_size=8,
)

Contents = dict[tuple[str, str], tuple[int, set[int]]]
Records = dict[tuple[str, str, str], int]


def _text(contents: Contents) -> str:
    return TOP + "".join(
        f"{owner} {ttl} {rtype} {'192.0.2.' if rtype == 'A' else ''}{number}\n"
        for (owner, rtype), (ttl, numbers) in contents.items()
        for number in numbers
    )


def _records(contents: Contents) -> Records:
    return {
        (
            "example.com." if owner == "@" else f"{owner}.example.com.",
            rtype,
            f"192.0.2.{number}" if rtype == "A" else f'"{number}"',
        ): ttl
        for (owner, rtype), (ttl, numbers) in contents.items()
        for number in numbers
    }


@settings(max_examples=60)
@given(_RRSETS, _RRSETS)
def test_all_that_changed_and_nothing_else(before: Contents, after: Contents) -> None:
    old, new = _records(before), _records(after)
    found = differences(diff(read(_text(before)).zone, read(_text(after)).zone))
    said = {
        kind: {(item.owner, item.rtype, item.rdata) for item in found if item.kind == kind}
        for kind in ("delete", "add", "ttl", "soa")
    }
    assert said == {
        "delete": old.keys() - new.keys(),
        "add": new.keys() - old.keys(),
        "ttl": {key for key in old.keys() & new.keys() if old[key] != new[key]},
        "soa": set(),
    }
    assert len(found) == sum(map(len, said.values()))
    for item in found:
        key = (item.owner, item.rtype, item.rdata)
        assert item.ttl == (old if item.kind == "delete" else new)[key]
        assert item.old_ttl == (old[key] if item.kind == "ttl" else None)


def test_the_order_is_canonical_and_what_was_there_comes_first() -> None:
    before = read(TOP + "a A 192.0.2.9\na A 192.0.2.10\na TXT x\nb.a A 192.0.2.1\n").zone
    after = read(TOP + "Z A 192.0.2.1\na 5 A 192.0.2.9\na 5 A 192.0.2.1\n* A 192.0.2.1\n").zone
    assert [f"{item.kind} {item.owner} {item}" for item in differences(diff(before, after))] == [
        "add *.example.com. 3600 IN A 192.0.2.1",
        "delete a.example.com. 3600 IN A 192.0.2.10",
        "ttl a.example.com. 5 IN A 192.0.2.9 (TTL was 3600)",
        "add a.example.com. 5 IN A 192.0.2.1",
        'delete a.example.com. 3600 IN TXT "x"',
        "delete b.a.example.com. 3600 IN A 192.0.2.1",
        "add Z.example.com. 3600 IN A 192.0.2.1",
    ]


def test_a_soa_is_a_record_only_where_its_zone_comes_or_goes() -> None:
    zone = read(TOP).zone
    assert [item.rtype for item in differences(diff(None, zone))] == ["NS", "SOA", "A"]
    assert {item.kind for item in removal(diff(None, zone))} == {"delete"}
    raised = read(TOP.replace("2026112101 7200", "2026112102 7201")).zone
    (item,) = differences(diff(zone, raised))
    assert item.kind == "soa"
    assert item.fields == (Field("refresh", 7200, 7201),)
    assert str(item) == "IN SOA refresh 7200 → 7201"
