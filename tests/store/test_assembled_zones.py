"""A zone that is compiled while it comes in is what its RRsets compile to one by one."""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.errors import ChangesetError
from zonecast.protocol import transfer_in, transfer_shared
from zonecast.protocol.assembly import RUN_SIZE, AssembledZone, assemble
from zonecast.protocol.compiled import compile_zone
from zonecast.protocol.transfer_in import TransferError, TransferIn, WholeZone
from zonecast.protocol.transfer_part import carry_out
from zonecast.protocol.transfer_run import run_octets
from zonecast.store.runs import pack
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import SOA_KEY, RRset, Zone, make_rrset, node_of

ORIGIN = names.from_text("example.com.")
OWNERS = (
    "@", "a", "A.b", "b", "x.a.b", "c", "z.c", "*.c", "d.z.c", "e-e", "\\000.c", "\\001.c", "\\001",
)  # fmt: skip
HOSTS = ("ns.a.example.com.", "NS.a.example.com.", "b.example.com.", "host.example.net.", ".")
SIGNER = b"\x00\x01\x08\x02" + bytes(14) + ORIGIN + b"signature"


def _names(prefix: bytes = b"") -> st.SearchStrategy[bytes]:
    return st.sampled_from([prefix + names.from_text(host) for host in HOSTS])


def _octets(*sizes: int) -> st.SearchStrategy[bytes]:
    return st.sampled_from([bytes((n + 60,)) * size for n in range(6) for size in sizes])


RDATA = {
    rd.A: _octets(4),
    rd.AAAA: _octets(16),
    rd.NS: _names(),
    rd.CNAME: _names(),
    rd.MX: _names(b"\x00\x41"),
    rd.SRV: _names(b"\x00\x41\x00\x01\x00\x02"),
    rd.TXT: _octets(3, 7, RUN_SIZE // 2),
    rd.DS: _octets(36),
    rd.DNAME: _names(),
    rd.NSEC: _names().map(lambda name: name + b"\x00\x01\x40"),
    rd.NSEC3: _octets(40),
    rd.RRSIG: st.sampled_from(
        [rtype.to_bytes(2, "big") + SIGNER for rtype in (rd.A, rd.NS, rd.NSEC3)]
    ),
    65280: _octets(0, 1, 5),
}


@st.composite
def zones(draw: st.DrawFn, *, owners: tuple[str, ...] = OWNERS, least: int = 0) -> Zone:
    soa = make_rrset(b"", rd.SOA, 3600, [b"\x01h" + ORIGIN + b"\x01H" + ORIGIN + bytes(20)])
    rrsets = {SOA_KEY: soa}
    places = st.tuples(st.sampled_from(owners), st.sampled_from(sorted(RDATA)))
    for name, rtype in draw(st.lists(places, min_size=least, max_size=least + 16)):
        owner = names.from_text(name, ORIGIN)[: -len(ORIGIN)]
        if draw(st.integers(0, 9)) == 0:
            owner = owner.upper()
        ttl = draw(st.sampled_from([60, 300, 86400]))
        rdatas = draw(st.lists(RDATA[rtype], min_size=1, max_size=3))
        if rtype == rd.RRSIG:  # what it covers makes a signature another RRset
            rdatas = rdatas[:1]
        made = make_rrset(owner, rtype, ttl, rdatas)
        rrsets[made.key] = made
    return Zone(ORIGIN, rrsets)


def check(found: AssembledZone, zone: Zone) -> None:
    assert list(found.answers()) == sorted(compile_zone(zone).items())
    nodes: dict[bytes, dict[bytes, RRset]] = {}
    for key, rrset in zone.rrsets.items():
        if key != SOA_KEY:
            nodes.setdefault(node_of(key), {})[key] = rrset
    assert found.runs == list(pack(nodes, 0))
    assert found.records == zone.count()
    assert found.zone() == zone


def split(zone: Zone) -> tuple[RRset, list[RRset]]:
    soa = zone.soa
    assert soa is not None
    return soa, [rrset for rrset in zone if rrset is not soa]


@settings(max_examples=150, deadline=None)
@given(zones())
def test_from_rrsets(zone: Zone) -> None:
    soa, others = split(zone)
    check(assemble(ORIGIN, soa, others), zone)


class Message:
    """An AXFR message with every name compressed that may be, its case kept."""

    def __init__(self) -> None:
        self.octets = bytearray(12)
        self.places: dict[bytes, int] = {}
        self.count = 0
        self.name(ORIGIN)
        self.octets += struct.pack(">HH", rd.AXFR, 1)

    def name(self, name: bytes) -> None:
        for suffix in names.suffixes(name)[:-1]:
            if suffix in self.places:
                self.octets += (0xC000 | self.places[suffix]).to_bytes(2, "big")
                return
            if len(self.octets) < 0x4000:
                self.places[suffix] = len(self.octets)
            self.octets += suffix[: suffix[0] + 1]
        self.octets.append(0)

    def add(self, owner: bytes, rtype: int, ttl: int, rdata: bytes) -> None:
        self.count += 1
        self.name(owner + ORIGIN)
        self.octets += struct.pack(">HHIH", rtype, 1, ttl, 0)
        start = len(self.octets)
        position = 0
        for kind, begin, end in rd.fields(rtype, rdata):
            if kind == "N":
                self.octets += rdata[position:begin]
                self.name(rdata[begin:end])
                position = end
        self.octets += rdata[position:]
        self.octets[start - 2 : start] = (len(self.octets) - start).to_bytes(2, "big")

    def finish(self) -> bytes:
        return struct.pack(">HHHHHH", 7, 0x8400, 1, self.count, 0, 0) + self.octets[12:]


def messages(records: list[tuple[bytes, int, int, bytes]], size: int) -> Iterator[bytes]:
    for start in range(0, len(records), size):
        made = Message()
        for record in records[start : start + size]:
            made.add(*record)
        yield made.finish()


def receive(records: list[tuple[bytes, int, int, bytes]], size: int) -> WholeZone:
    transfer = TransferIn(ORIGIN, 7, None)
    result = None
    for message in messages(records, size):
        assert result is None
        result = transfer.feed(message)
    assert isinstance(result, WholeZone)
    return result


@settings(max_examples=150, deadline=None)
@given(zones(), st.integers(1, 30), st.sampled_from(("", "shuffled", "twice")), st.randoms())
def test_from_messages(zone: Zone, size: int, order: str, chance: random.Random) -> None:
    soa, others = split(zone)
    rows = [(r.owner, r.rtype, r.ttl, rdata) for r in others for rdata in r.rdatas]
    if order == "shuffled":
        # The first of several equal records gives the case that is kept: whose, is open then.
        chance.shuffle(rows)
        kept = {(r.key, rd.canonical(r.rtype, rdata)) for r in others for rdata in r.rdatas}
        assert len(kept) == len(rows)
    elif order == "twice":
        rows += rows
    ends = [(b"", rd.SOA, soa.ttl, soa.rdatas[0])]
    result = receive([*ends, *rows, *ends], size)
    check(result.contents, zone)
    assert result.zone == zone


class Later:
    """What a helper will have read, if it does not fail."""

    def __init__(self, task: bytes, chance: random.Random) -> None:
        self.task = task
        self.chance = chance

    def ready(self) -> bool:
        return self.chance.random() < 0.5

    def wait(self) -> bytes:
        return b"" if self.chance.random() < 0.1 else carry_out(self.task)


class Helpers:
    """Helpers without processes of their own, busy at times."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.asked = 0

    def start(self, task: bytes) -> Later | None:
        self.asked += 1
        return None if self.chance.random() < 0.2 else Later(task, self.chance)


def outcome(stream: list[bytes], helpers: Helpers | None, stretch: int) -> WholeZone | str | None:
    """The zone that comes of a stream, or what was said of it; None where nothing came."""
    transfer = TransferIn(ORIGIN, 7, None, None, helpers)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transfer_in, "SHARED_FROM", 0)
        patch.setattr(transfer_shared, "STRETCH", stretch)
        try:
            for message in stream:
                result = transfer.feed(message)
        except TransferError as error:
            return str(error)
    assert result is None or isinstance(result, WholeZone)
    return result


# Enough below the apex for a stretch to reach from one name there to another.
wide_zones = zones(
    owners=(*OWNERS, *(f"{letter}.{up}" for letter in "ab" for up in "fghijkl")), least=20
)

Rows = list[tuple[bytes, int, int, bytes]]


def records_of(zone: Zone, order: str, chance: random.Random) -> Rows:
    soa, others = split(zone)
    rows = [(r.owner, r.rtype, r.ttl, rdata) for r in others for rdata in r.rdatas]
    if order == "exchanged" and len(rows) > 1:
        one, other = chance.sample(range(len(rows)), 2)
        rows[one], rows[other] = rows[other], rows[one]
    end = (b"", rd.SOA, soa.ttl, soa.rdatas[0])
    return [end, *rows, end]


@settings(max_examples=150, deadline=None)
@given(
    wide_zones,
    st.integers(4, 12),
    st.integers(1, 400),
    st.sampled_from(("", "exchanged")),
    st.randoms(),
)
def test_from_messages_that_others_read(
    zone: Zone, size: int, stretch: int, order: str, chance: random.Random
) -> None:
    stream = list(messages(records_of(zone, order, chance), size))
    alone, shared = (outcome(stream, by, stretch) for by in (None, Helpers(chance)))
    assert isinstance(alone, WholeZone)
    assert isinstance(shared, WholeZone)
    one, other = alone.contents, shared.contents
    # Where others read, runs end elsewhere.
    assert other._replace(runs=[]) == one._replace(runs=[])
    together = [b"".join(run_octets(run) for _, run in each.runs) for each in (one, other)]
    assert together[0] == together[1]
    assert shared.zone == zone


@settings(max_examples=150, deadline=None)
@given(wide_zones, st.integers(4, 12), st.integers(1, 400), st.data(), st.randoms())
def test_what_is_wrong_is_said_whoever_reads(
    zone: Zone, size: int, stretch: int, data: st.DataObject, chance: random.Random
) -> None:
    stream = list(messages(records_of(zone, "", chance), size))
    which = data.draw(st.integers(0, len(stream) - 1))
    place = data.draw(st.integers(0, len(stream[which]) - 1))
    other = data.draw(st.integers(0, 255))
    stream[which] = stream[which][:place] + bytes((other,)) + stream[which][place + 1 :]
    alone, shared = (outcome(stream, by, stretch) for by in (None, Helpers(chance)))
    if isinstance(shared, WholeZone):
        assert isinstance(alone, WholeZone)
        assert shared.zone == alone.zone
    else:
        # A stretch that is not full waits for its end, and with it what is wrong there.
        assert shared in (alone, None)
        assert shared is not None or not isinstance(alone, WholeZone)


def test_records_of_one_rrset_get_the_last_ones_ttl() -> None:
    soa, _ = split(Zone(ORIGIN, {SOA_KEY: RRset(b"", rd.SOA, 60, (ORIGIN + ORIGIN + bytes(20),))}))
    ends = [(b"", rd.SOA, soa.ttl, soa.rdatas[0])]
    rows = [(b"\x01a", rd.A, ttl, bytes(3) + bytes((n,))) for n, ttl in enumerate((60, 60, 300))]
    result = receive([*ends, *rows, *ends], 30)
    (found,) = (r for r in result.zone if r.rtype == rd.A)
    assert found.ttl == 300
    assert found.rdatas == tuple(row[3] for row in rows)
    check(result.contents, result.zone)


def test_signatures_count_where_an_rrset_fits_into_no_message() -> None:
    soa = (b"", rd.SOA, 60, ORIGIN + ORIGIN + bytes(20))
    texts = [(b"\x01a", rd.TXT, 60, bytes((n,)) + bytes(7999)) for n in range(7)]
    signature = rd.TXT.to_bytes(2, "big") + bytes(16) + ORIGIN
    over = [(b"\x01a", rd.RRSIG, 60, signature + bytes((n,)) + bytes(3999)) for n in range(3)]
    receive([soa, *texts, *over[:1], soa], 3)
    with pytest.raises(
        TransferError, match=r"the TXT RRset of a with its signatures, .* fits into"
    ):
        receive([soa, *texts, *over, soa], 3)
    alone = [(b"\x01a", rd.RRSIG, 60, signature + bytes(65000))]
    with pytest.raises(TransferError, match=r"the RRSIG RRset of a, .* fits"):
        receive([soa, *alone, soa], 1)


def test_what_the_apex_hides_is_hidden_whoever_reads() -> None:
    """A DNAME at the apex that goes on for longer than what is read before others help."""
    soa = (b"", rd.SOA, 60, ORIGIN + ORIGIN + bytes(20))
    apex = [(b"", rd.DNAME, 60, b"\x01x\x07example\x00")]
    apex += [(b"", rd.TXT, 60, b"\x01" + bytes((n,))) for n in range(40)]
    hosts = [(bytes((1, 97 + n)), rd.A, 60, bytes(4)) for n in range(20)]
    stream = list(messages([soa, *apex, *hosts, soa], 3))
    alone, shared = outcome(stream, None, 1), outcome(stream, Helpers(random.Random(1)), 1)
    assert isinstance(alone, WholeZone)
    assert isinstance(shared, WholeZone)
    assert list(shared.contents.answers()) == list(alone.contents.answers())


def test_an_rrset_that_fits_into_no_message_ends_the_transfer() -> None:
    soa = (b"", rd.SOA, 60, ORIGIN + ORIGIN + bytes(20))
    rows = [(b"\x01a", rd.TXT, 60, struct.pack(">HB", n, 252) * 8 + bytes(8000)) for n in range(9)]
    said = "the TXT RRset of {}, [0-9]+ octets, fits into no message; keep it below 64000 octets"
    with pytest.raises(TransferError, match=said.format("a")):
        receive([soa, *rows, soa], 5)
    for owner, shown in ((b"\x01a\x01b", "a.b"), (b"", "@")):
        big = make_rrset(owner, rd.TXT, 60, [bytes(65000)])
        with pytest.raises(ChangesetError, match=said.format(shown)):
            assemble(ORIGIN, RRset(b"", rd.SOA, 60, (soa[3],)), [big])
