"""Who has a member that several catalogs list (RFC 9432 §4.3.1, §5)."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.protocol.catalog import Member
from zonecast.protocol.catalog_owners import Owned, settle, too_many

A, B, C = b"\x01a\x00", b"\x01b\x00", b"\x01c\x00"
X, Y = b"\x01x\x00", b"\x01y\x00"
PLAIN = Member(b"1")


def test_the_first_catalog_keeps_what_a_second_lists() -> None:
    first = settle({}, {A: {X: PLAIN}})
    assert first.owned == {X: Owned(A, PLAIN)}
    both = settle(first.owned, {B: {X: PLAIN}, A: {X: PLAIN}})
    assert both.owned == first.owned, "B stands before A in the configuration and changes nothing"
    assert both.clashes == {(B, X): A}
    assert not both.removed
    assert not both.reset


def test_coo_alone_moves_nothing_and_with_the_new_listing_it_does() -> None:
    """Pitfall: two catalogs that list a zone: the old one has to give it away."""
    owned = {X: Owned(A, PLAIN)}
    leaving = Member(b"1", coo=B)
    announced = settle(owned, {A: {X: leaving}, B: {}})
    assert announced.owned[X].catalog == A
    moved = settle(announced.owned, {A: {X: leaving}, B: {X: PLAIN}})
    assert moved.owned[X].catalog == B
    assert not moved.reset, "the label is the same, so its data stays"
    assert not moved.clashes
    assert settle(moved.owned, {A: {}, B: {X: PLAIN}}) == moved, "the old catalog forgets it"


def test_a_move_under_another_label_resets() -> None:
    listed = {A: {X: Member(b"1", coo=B)}, B: {X: Member(b"2")}}
    moved = settle({X: Owned(A, PLAIN)}, listed)
    assert moved.owned[X].catalog == B
    assert moved.reset == {X}


def test_coo_counts_in_the_catalog_that_has_the_member_only() -> None:
    taking = settle({X: Owned(A, PLAIN)}, {A: {X: PLAIN}, B: {X: Member(b"1", coo=B)}})
    assert taking.owned[X].catalog == A


def test_coo_in_a_chain_and_in_a_circle() -> None:
    chain = {A: {X: Member(b"1", coo=B)}, B: {X: Member(b"1", coo=C)}, C: {X: PLAIN}}
    assert settle({X: Owned(A, PLAIN)}, chain).owned[X].catalog == C
    circle = {A: {X: Member(b"1", coo=B)}, B: {X: Member(b"1", coo=A)}}
    assert settle({X: Owned(A, PLAIN)}, circle).owned[X].catalog == A
    assert settle({X: Owned(B, PLAIN)}, circle).owned[X].catalog == B
    unknown = {A: {X: Member(b"1", coo=C)}}
    assert settle({X: Owned(A, PLAIN)}, unknown).owned[X].catalog == A


def test_a_member_that_its_catalog_drops_begins_anew_in_another() -> None:
    dropped = settle({X: Owned(A, PLAIN)}, {A: {}, B: {X: PLAIN}})
    assert dropped.owned[X].catalog == B
    assert dropped.reset == {X}, "without coo its data is not handed over (§5.3)"
    assert not dropped.removed


def test_another_label_resets_and_another_group_does_not() -> None:
    """Pitfall: a new label means that the zone begins anew."""
    listed = {A: {X: Member(b"2"), Y: Member(b"1", (b"fast",))}}
    found = settle({X: Owned(A, PLAIN), Y: Owned(A, PLAIN)}, listed)
    assert found.reset == {X}
    assert found.owned[Y].member.groups == (b"fast",)


def test_what_is_too_much_at_once() -> None:
    """Pitfall: a wiped catalog must not wipe a fleet."""

    def judge(has: int, loses: int, share: float = 0.3) -> tuple[int, int] | None:
        members = [b"%d" % number for number in range(has)]
        before = {name: Owned(A, PLAIN) for name in members} | {b"of another": Owned(B, PLAIN)}
        return too_many(A, before, {*members[:loses], b"of another"}, share, 10)

    assert judge(10, 3) is None
    assert judge(10, 4) == (4, 10)
    assert judge(100, 30) is None
    assert judge(100, 31) == (31, 100)
    assert judge(100, 100, 1.0) is None
    assert judge(9, 8) is None
    assert judge(9, 9) == (9, 9)
    assert judge(2, 2) == (2, 2)
    assert judge(1, 1) is None
    assert judge(0, 0) is None


members = st.builds(
    Member,
    st.sampled_from([b"1", b"2"]),
    st.sampled_from([(), (b"fast",)]),
    st.sampled_from([None, A, B, C]),
)
listings = st.fixed_dictionaries(
    {catalog: st.dictionaries(st.sampled_from([X, Y]), members) for catalog in (A, B, C)}
)


@settings(max_examples=100)
@given(st.lists(listings, min_size=1, max_size=6))
def test_each_member_has_one_owner_that_lists_it(versions: list[dict[bytes, dict]]) -> None:  # type: ignore[type-arg]
    owned: dict[bytes, Owned] = {}
    for listed in versions:
        found = settle(owned, listed)
        named = {name for members in listed.values() for name in members}
        assert found.owned.keys() == named, "served is what any catalog lists"
        assert found.removed == owned.keys() - named
        for name, one in found.owned.items():
            assert listed[one.catalog][name] == one.member
            was = owned.get(name)
            if was is None:
                assert name not in found.reset
            elif one.catalog != was.catalog and name not in found.reset:
                assert listed[was.catalog][name].coo is not None, "nothing is taken without leave"
        owned = found.owned
        again = settle(owned, listed)
        assert again.owned == owned
        assert not again.reset | again.removed
