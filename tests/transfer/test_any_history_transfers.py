"""Whatever changes a zone saw, IXFR, AXFR and IXFR in AXFR form all end in the same zone."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_support import BASE, ORIGIN, DictSource, Record, content, question, zone

from zonecast.protocol.transfer_in import Changesets, TransferIn, UpToDate, WholeZone
from zonecast.protocol.transfer_out import axfr_messages, ixfr_messages
from zonecast.zone.changeset import apply, diff
from zonecast.zone.rrset import Zone

owners = st.sampled_from(["@", "a", "b", "A.b", "*.b", "sub", "x.sub", r"odd\.label", r"\000\001"])
addresses = st.tuples(
    owners,
    st.just("A"),
    st.sampled_from([60, 300]),
    st.integers(1, 5).map(lambda n: f"192.0.2.{n}"),
)
texts = st.tuples(
    owners, st.just("TXT"), st.just(60), st.text("abAB", min_size=1, max_size=3).map('"{}"'.format)
)
mails = st.tuples(
    owners, st.just("MX"), st.just(60), st.sampled_from(["10 a", "10 mail.example.net.", "20 b"])
)


def one_ttl(records: list[Record]) -> list[Record]:
    """The first TTL of each owner and type is all of its records'."""
    ttls: dict[tuple[str, str], int] = {}
    return [
        (owner, rtype, ttls.setdefault((owner.lower(), rtype), ttl), text)
        for owner, rtype, ttl, text in dict.fromkeys(records)
    ]


versions = st.lists(
    st.lists(st.one_of(addresses, texts, mails), max_size=8).map(one_ttl), min_size=1, max_size=5
)

# What makes a zone larger than any history here, which would be answered with the zone instead.
WEIGHT: list[Record] = [("weight", "TXT", 60, " ".join([f'"{"x" * 250}"'] * 20))]


def receive(serial: int | None, messages: list[bytes]) -> object:
    transfer = TransferIn(ORIGIN, 7, serial)
    results = [transfer.feed(message) for message in messages]
    assert results[:-1] == [None] * (len(results) - 1)
    return results[-1]


@settings(max_examples=80, deadline=None)
@given(versions, st.integers(0, 4), st.sampled_from([1, 4294967293]))
def test_every_way_gives_the_same_zone(
    contents: list[list[Record]], start: int, first_serial: int
) -> None:
    history: list[Zone] = [
        zone((first_serial + number) % 2**32, [*BASE[:1], *WEIGHT, *records])
        for number, records in enumerate(contents)
    ]
    start = min(start, len(history) - 1)
    newest, ours = history[-1], history[start]
    changesets = [diff(old, new) for old, new in itertools.pairwise(history)]
    source = DictSource(newest, changesets)

    whole = receive(None, list(axfr_messages(7, question("AXFR"), source)))
    assert isinstance(whole, WholeZone)
    assert content(whole.zone) == content(newest)

    assert ours.serial is not None
    increment = receive(ours.serial, list(ixfr_messages(7, question("IXFR"), ours.serial, source)))
    if start == len(history) - 1:
        assert isinstance(increment, UpToDate)
        return
    assert isinstance(increment, Changesets)
    version = ours
    for changeset in increment.changesets:
        version = apply(version, changeset)
    assert content(version) == content(newest)

    without_journal = DictSource(newest)
    fallback = receive(
        ours.serial, list(ixfr_messages(7, question("IXFR"), ours.serial, without_journal))
    )
    assert isinstance(fallback, WholeZone)
    assert content(fallback.zone) == content(newest)
