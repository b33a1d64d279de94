"""Whatever changesets a store was given, IXFR of the chain, condensed IXFR and AXFR end in the same
zone."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from transfer_support import BASE, ORIGIN, Record, ixfr_octets, question, soa, zone

from zonecast.protocol.compiled import read_transfer_records
from zonecast.protocol.condensing import Chain, Held, condense, shorten
from zonecast.protocol.transfer_in import Changesets, TransferIn, WholeZone
from zonecast.protocol.transfer_out import axfr_messages, ixfr_datagram, ixfr_messages
from zonecast.protocol.transfer_run import counted, read_run, stored_run
from zonecast.server.answering.pinned import PinnedZone
from zonecast.store.reader import Snapshot, ZonesReader
from zonecast.store.schema import prepare
from zonecast.store.writer import ZonesWriter
from zonecast.zone import rdata as rd
from zonecast.zone.changeset import Changeset, apply, diff
from zonecast.zone.rrset import SOA_KEY, Zone, make_rrset

# What makes a zone larger than a short history.
WEIGHT: Record = ("weight", "TXT", 60, " ".join([f'"{"x" * 250}"'] * 20))

# Few RRsets of few values, so that records come, go and come again; TTLs and the case of names
# differ.
SLOTS = [
    (("a", "A"), "A", ("192.0.2.1", "192.0.2.2", "192.0.2.3")),
    (("@", "@"), "MX", ("1 mail", "1 MAIL", "2 mail")),
    ((r"\000.b", r"\000.B"), "TXT", ("t", "T")),
]


@st.composite
def contents(draw: st.DrawFn) -> list[Record]:
    made: list[Record] = []
    for spellings, rtype, texts in SLOTS:
        owner, ttl = draw(st.sampled_from(spellings)), draw(st.sampled_from([60, 300]))
        chosen = draw(st.sets(st.sampled_from(texts)))
        values = {text if rtype == "TXT" else text.lower(): text for text in sorted(chosen)}
        made += [(owner, rtype, ttl, text) for text in values.values()]
    return made


histories = st.lists(contents(), min_size=2, max_size=6)


def tersely(old: Zone, new: Zone) -> Changeset:
    """What leads from one to the other, as a careless primary says it: what stays in an RRset is
    not named where its TTL changes, and TTLs of what is deleted are any."""
    full = diff(old, new)
    deleted, added = [], []
    for key in {r.key for r in full.deleted + full.added}:
        was, now = old.rrsets.get(key), new.rrsets.get(key)
        before = {rd.canonical(was.rtype, x): x for x in was.rdatas} if was else {}
        after = {rd.canonical(now.rtype, x): x for x in now.rdatas} if now else {}
        gone = [before[x] for x in before.keys() - after.keys()]
        come = [after[x] for x in after.keys() - before.keys()]
        if was and now and was.ttl != now.ttl and not come:
            gone, come = list(before.values()), list(after.values())
        if was and gone:
            deleted.append(make_rrset(was.owner, was.rtype, 0, gone))
        if now and come:
            added.append(make_rrset(now.owner, now.rtype, now.ttl, come))
    return full._replace(deleted=tuple(deleted), added=tuple(added))


class Direct:
    """A stored zone whose history is given in another way."""

    def __init__(self, stored: PinnedZone, chain: Callable[[int], Chain | None]) -> None:
        self.soa, self.runs, self.journal = stored.soa, stored.runs, chain


def receive(serial: int | None, messages: Iterator[bytes]) -> object:
    transfer = TransferIn(ORIGIN, 7, serial)
    *before, last = (transfer.feed(message) for message in messages)
    assert not any(before)
    return last


def arrived(version: Zone, source: PinnedZone | Direct) -> Zone:
    """What a secondary that has this version ends with after an IXFR."""
    assert version.serial is not None
    result = receive(version.serial, ixfr_messages(7, question("IXFR"), version.serial, source))
    return applied(version, result)


def applied(version: Zone, result: object) -> Zone:
    if isinstance(result, WholeZone):
        return result.zone
    assert isinstance(result, Changesets)
    for changeset in result.changesets:
        version = apply(version, changeset)
    return version


@contextmanager
def stored(changesets: list[Changeset]) -> Iterator[Snapshot]:
    """A real store that was given these changesets."""
    with tempfile.TemporaryDirectory() as directory:
        prepare(Path(directory))
        with closing(ZonesWriter(Path(directory))) as writer:
            for changeset in changesets:
                with writer.transaction(0.0) as transaction:
                    transaction.apply(changeset)
        with closing(ZonesReader(Path(directory))) as reader, reader.begin() as snapshot:
            yield snapshot


def known(held: Zone) -> dict[bytes, tuple[int, list[bytes]]]:
    """A zone's contents, in which the case of names does not count (RFC 4034 §6.2)."""
    return {
        key: (made.ttl, sorted(rd.canonical(made.rtype, one) for one in made.rdatas))
        for key, made in held.rrsets.items()
    }


@settings(max_examples=50, deadline=None)
@given(histories, st.booleans(), st.sampled_from([1, 4294967293]), st.booleans())
def test_every_way_gives_the_same_zone(
    history: list[list[Record]], careless: bool, first: int, heavy: bool
) -> None:
    weight = [WEIGHT] if heavy else []
    versions = [
        zone((first + number) % 2**32, [*BASE[:1], *weight, *found])
        for number, found in enumerate(history)
    ]
    step = tersely if careless else diff
    steps = [step(old, new) for old, new in itertools.pairwise(versions)]
    newest = known(versions[-1])
    with stored([diff(None, versions[0]), *steps]) as snapshot:
        ref = snapshot.zones[ORIGIN]
        pinned = PinnedZone(snapshot, ref)
        assert all(run == counted(run.octets) for run in pinned.runs())
        whole = receive(None, axfr_messages(7, question("AXFR"), pinned))
        assert isinstance(whole, WholeZone)
        assert known(whole.zone) == newest
        for version in versions[:-1]:
            assert version.serial is not None
            chain = snapshot.journal(ref, version.serial)
            assert chain is not None
            condensed = Held((condense(chain),))
            chosen = pinned.journal(version.serial)
            assert chosen is not None
            assert chosen.octets == min(chain.octets, condensed.octets)
            for way in (chain, condensed, chosen):
                source = Direct(pinned, lambda _, way=way: way)
                assert known(arrived(version, source)) == newest
            assert known(arrived(version, pinned)) == newest
            datagram = ixfr_datagram(7, question("IXFR"), version.serial, pinned, 65535)
            assert known(applied(version, receive(version.serial, iter([datagram])))) == newest


def texts(octets: bytes) -> list[str]:
    return [f"{owner!r} {rtype} {ttl}" for owner, rtype, ttl, _ in read_transfer_records(octets)]


def chain_of(*history: list[Record]) -> Held:
    versions = [zone(serial, [*BASE[:1], *found]) for serial, found in enumerate(history, 1)]
    with stored([diff(old, new) for old, new in itertools.pairwise([None, *versions])]) as snapshot:
        chain = snapshot.journal(snapshot.zones[ORIGIN], 1)
        assert chain is not None
        return Held(chain)


def test_what_came_and_went_is_not_mentioned() -> None:
    there: list[Record] = [("www", "A", 60, "192.0.2.1")]
    challenge: list[Record] = [("_acme-challenge", "TXT", 60, "token")]
    condensed = condense(chain_of(there, there + challenge, there, there + challenge, there))
    assert texts(condensed) == ["b'' 6 300", "b'' 6 300"]
    again = condense(chain_of(there, [], there))
    assert texts(again) == ["b'' 6 300", "b'' 6 300"]


def test_a_changed_ttl_takes_all_records_of_its_rrset() -> None:
    """Pitfall: one record with another TTL changes its whole RRset."""
    pair: list[Record] = [("www", "A", 60, "192.0.2.1"), ("www", "A", 60, "192.0.2.2")]
    slower: list[Record] = [(owner, rtype, 300, text) for owner, rtype, _, text in pair]
    condensed = condense(chain_of(pair, pair[:1], slower))
    www = [line for line in texts(condensed) if "www" in line]
    assert www == [r"b'\x03www' 1 60"] * 2 + [r"b'\x03www' 1 300"] * 2


def test_a_chain_is_left_alone_where_nothing_is_gained_or_it_is_long() -> None:
    one = chain_of([], [("www", "A", 60, "192.0.2.1")])
    assert shorten(one) is one
    many: list[Record] = [(f"h{n}", "TXT", 60, '"' + "x" * 250 + '"') for n in range(2000)]
    long = chain_of([], many, [])
    assert shorten(long) is long
    assert len(condense(long)) < 200


def test_the_zone_goes_where_the_changes_are_larger() -> None:
    many: list[Record] = [(f"h{n}", "A", 60, "192.0.2.1") for n in range(30)]
    small, large = zone(1, many), zone(2, BASE[:1])
    with stored([diff(None, small), diff(small, large)]) as snapshot:
        pinned = PinnedZone(snapshot, snapshot.zones[ORIGIN])
        result = receive(1, ixfr_messages(7, question("IXFR"), 1, pinned))
        assert isinstance(result, WholeZone)
        assert result.zone.rrsets[SOA_KEY] == soa(2)
    with stored([diff(None, zone(0, BASE[:1])), diff(zone(0, BASE[:1]), small)]) as snapshot:
        pinned = PinnedZone(snapshot, snapshot.zones[ORIGIN])
        # What is left out may be less than the changes' own SOAs take.
        assert isinstance(receive(0, ixfr_messages(7, question("IXFR"), 0, pinned)), WholeZone)


def test_a_run_from_before_there_were_counts_is_counted() -> None:
    for octets in (b"", ixfr_octets(diff(zone(1, BASE[:1]), zone(2, BASE)))):
        run = counted(octets)
        assert read_run(octets) == run
        assert read_run(stored_run(*run)) == run
