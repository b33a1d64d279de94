"""Streams that look odd and are right."""

from __future__ import annotations

from transfer_support import ORIGIN, at_serial, content, message, rrset, soa, wire, zone

from zonecast.protocol.transfer_in import Changesets, TransferIn, UpToDate, WholeZone
from zonecast.zone.changeset import apply
from zonecast.zone.rrset import SOA_KEY

A1 = rrset("a", "A", 300, "192.0.2.1")
A2 = rrset("a", "A", 300, "192.0.2.2")
S1, S2, S3 = (wire(soa(serial)) for serial in (1, 2, 3))


def feed(serial: int | None, *messages: bytes) -> object:
    transfer = TransferIn(ORIGIN, 7, serial)
    for one in messages[:-1]:
        assert transfer.feed(one) is None
    return transfer.feed(messages[-1])


def test_lone_soa_not_greater_than_ours_is_up_to_date() -> None:
    for ours in (2, 3):
        result = feed(ours, message(S2, "IXFR"))
        assert isinstance(result, UpToDate)
        assert result.soa == soa(2)


def test_lone_greater_soa_only_begins_an_ixfr() -> None:
    rest = [*S1, *wire(A1), *S2, *wire(A2), *S2]
    result = feed(1, message(S2, "IXFR"), message(rest, "IXFR"))
    assert isinstance(result, Changesets)
    assert [c.new_serial for c in result.changesets] == [2]
    assert result.changesets[0].deleted == (A1,)
    assert result.changesets[0].added == (A2,)


def test_axfr_form_may_show_in_the_second_message() -> None:
    result = feed(1, message(S2, "IXFR"), message([*wire(A1), *S2], "IXFR"))
    assert isinstance(result, WholeZone)
    assert set(result.zone.rrsets) == {SOA_KEY, A1.key}


def test_two_equal_soas_are_an_empty_zone() -> None:
    for serial, kind in ((None, "AXFR"), (1, "IXFR")):
        result = feed(serial, message([*S2, *S2], kind))
        assert isinstance(result, WholeZone)
        assert list(result.zone.rrsets) == [SOA_KEY]


def test_any_order_and_duplicates_of_an_axfr() -> None:
    wanted = zone(2)
    records = wire(*(made for made in wanted if made.key != SOA_KEY))
    result = feed(None, message([*S2, *records[::-1], *records, *S2]))
    assert isinstance(result, WholeZone)
    assert content(result.zone) == content(wanted)


def test_later_messages_without_question() -> None:
    bare = [record.replace(b"\xc0\x0c", ORIGIN) for record in [*wire(A1), *S2]]
    result = feed(None, message(S2), message(bare, repeat=0))
    assert isinstance(result, WholeZone)


def test_records_outside_the_zone_are_left_out() -> None:
    stranger = wire(rrset("x", "A", 300, "192.0.2.9"))[0].replace(b"\xc0\x0c", b"\x03org\x00")
    result = feed(None, message([*S2, stranger, *wire(A1), *S2]))
    assert isinstance(result, WholeZone)
    assert set(result.zone.rrsets) == {SOA_KEY, A1.key}


def test_an_added_record_may_change_its_rrsets_ttl() -> None:
    old = zone(1, [("a", "A", 300, "192.0.2.1")])
    come = rrset("a", "A", 60, "192.0.2.2")
    result = feed(1, message([*S2, *S1, *S2, *wire(come), *S2], "IXFR"))
    assert isinstance(result, Changesets)
    new = apply(old, result.changesets[0])
    assert content(new) == content(
        zone(2, [("a", "A", 60, "192.0.2.1"), ("a", "A", 60, "192.0.2.2")])
    )


def test_changesets_follow_each_other_and_may_be_empty() -> None:
    stream = [*S3, *S1, *S2, *S2, *S3, *S3]
    result = feed(1, message(stream, "IXFR"))
    assert isinstance(result, Changesets)
    held = zone(1)
    for changeset in result.changesets:
        held = apply(held, changeset)
    assert content(held) == content(at_serial(zone(1), 3))


def test_names_written_compressed_anywhere() -> None:
    """Our answers, repacked by dnspython with its own compression, read the same."""
    import dns.message
    import dns.rrset

    wanted = zone(2)
    plain = message([*S2, *wire(*(m for m in wanted if m.key != SOA_KEY)), *S2])
    parsed = dns.message.from_wire(plain, one_rr_per_rrset=True)
    result = feed(None, parsed.to_wire())
    assert isinstance(result, WholeZone)
    assert content(result.zone) == content(wanted)
