"""A zone written as a file: it reads back as it was, and a person can read it."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zonecast.errors import RejectedError
from zonecast.zone import names
from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, Zone, make_rrset
from zonecast.zone.zonefile import read_zone
from zonecast.zone.zonefile.writer import zone_text

ORIGINS = [names.from_text(text) for text in ("example.com.", "Example.COM.", ".", "a\\.b\\000.")]

label = st.one_of(
    st.sampled_from([b"a", b"B", b"*", b"_tcp", b"@", b"$", b"\\", b'"', b"1", b"IN", b"\x00"]),
    st.binary(min_size=1, max_size=8),
    st.binary(min_size=63, max_size=63),
).map(lambda octets: bytes((len(octets),)) + octets)
owner = st.lists(label, max_size=3).map(b"".join).filter(lambda octets: len(octets) < 240)
string = st.binary(max_size=12).map(lambda octets: bytes((len(octets),)) + octets)
u16 = st.integers(0, 65535).map(lambda number: number.to_bytes(2, "big"))
u32 = st.integers(0, 2**32 - 1).map(lambda number: number.to_bytes(4, "big"))
some = st.binary(min_size=1, max_size=20)


@st.composite
def name(draw: st.DrawFn) -> bytes:
    """A name at or below one of the origins, or anywhere."""
    found = draw(owner) + draw(st.sampled_from([*ORIGINS, names.ROOT]))
    return found if len(found) <= 255 else names.ROOT


def joined(*parts: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    return st.tuples(*parts).map(b"".join)


def octets(size: int) -> st.SearchStrategy[bytes]:
    return st.binary(min_size=size, max_size=size)


BITMAP = st.sampled_from([b"\x00\x01\x40", b"\x00\x06\x40\x01\x00\x00\x00\x03\x01\x01\x40"])
# Well-formed rdata of each type that comes in zones; what stands in a field may be anything.
RDATA: dict[int, st.SearchStrategy[bytes]] = {
    rd.A: octets(4),
    rd.AAAA: octets(16),
    rd.NS: name(),
    rd.CNAME: name(),
    rd.PTR: name(),
    rd.DNAME: name(),
    rd.MB: name(),
    rd.MINFO: joined(name(), name()),
    rd.MX: joined(u16, name()),
    rd.AFSDB: joined(u16, name()),
    rd.SRV: joined(octets(6), name()),
    rd.RP: joined(name(), name()),
    rd.TXT: st.lists(string, min_size=1, max_size=4).map(b"".join),
    13: joined(string, string),  # HINFO
    99: st.lists(string, min_size=1, max_size=2).map(b"".join),  # SPF
    rd.NAPTR: joined(octets(4), string, string, string, name()),
    29: st.just(struct.pack(">BBBBIII", 0, 0x12, 0x16, 0x13, 2**31 + 5000, 2**31 - 700, 10**7)),
    37: joined(octets(5), some),  # CERT
    rd.DS: joined(u16, st.sampled_from([b"\x08\x02", b"\x0d\xfd"]), octets(32)),
    44: st.just(b"\x04\x02" + bytes(range(32))),  # SSHFP
    45: joined(st.sampled_from([b"\x0a\x00\x00", b"\x0a\x01\x00\xc0\x00\x02\x01", b"\x0a\x00\x02"]), st.binary(max_size=9)),  # IPSECKEY
    rd.RRSIG: joined(st.just(b"\x00\x01\x08\x02"), u32, u32, u32, u16, name(), some),
    rd.NSEC: joined(name(), BITMAP),
    rd.DNSKEY: joined(u16, st.just(b"\x03\x0d"), some),
    rd.NSEC3: joined(st.just(b"\x01\x01\x00\x05\x02\xab\xcd\x14"), octets(20), BITMAP),
    rd.NSEC3PARAM: st.just(b"\x01\x00\x00\x05\x00"),
    52: joined(st.just(b"\x03\x01\x00"), some),  # TLSA
    rd.SVCB: joined(u16, name()),
    rd.HTTPS: joined(u16, name(), st.sampled_from([b"", b"\x00\x01\x00\x03\x02h2", b"\xff\x01\x00\x03\x00\"\\"])),
    rd.CAA: joined(st.sampled_from([b"\x00\x05issue", b"\x80\x03tbs"]), st.binary(max_size=12)),
    256: joined(u16, u16, some),  # URI
    1234: st.binary(max_size=20),
    65280: st.binary(max_size=20),
}  # fmt: skip


@st.composite
def zone(draw: st.DrawFn) -> Zone:
    origin = draw(st.sampled_from(ORIGINS))
    soa = joined(name(), name(), u32, u32, u32, u32, u32)
    made = [RRset(b"", rd.SOA, draw(st.integers(0, 2**31 - 1)), (draw(soa),))]
    for _ in range(draw(st.integers(0, 8))):
        rtype = draw(st.sampled_from([*RDATA]))
        at = draw(owner)
        at = at if len(at + origin) <= 255 else b""
        rdatas = draw(st.lists(RDATA[rtype], min_size=1, max_size=3))
        ttl = draw(st.sampled_from([0, 60, 3600, 3600, 2**31 - 1]))
        made.append(make_rrset(at, rtype, ttl, rdatas))
    return Zone(origin, {rrset.key: rrset for rrset in made})


@settings(max_examples=60, deadline=None)
@given(zone())
def test_it_reads_back_as_it_was(wanted: Zone) -> None:
    text = zone_text(wanted)
    assert text.isascii()
    read = read_zone(text.encode(), path="x.zone", origin=wanted.origin, include=None)
    assert [str(finding) for finding in read.findings] == []
    assert read.zone.rrsets == wanted.rrsets


def test_a_person_can_read_it() -> None:
    text = """\
$ORIGIN example.com.
$TTL 3600
@                  IN SOA   ns1 hostmaster (
                            7          ; serial
                            7200       ; refresh
                            900        ; retry
                            1209600    ; expire
                            300 )      ; negative answers
                   IN NS    ns.example.net.
                   IN NS    ns1
                60 IN A     192.0.2.1
                60 IN RRSIG A 13 2 60 20370101000000 20200101000000 1 example.com. c2ln
                   IN TXT   "a \\"b\\"" ""

_sip._tcp          IN SRV   1 2 5060 www
ns1                IN A     192.0.2.53
                   IN AAAA  2001:db8::53
www                IN CNAME @
"""
    read = read_zone(text.encode(), path="x.zone", origin=ORIGINS[0], include=None)
    assert read.findings == []
    assert zone_text(read.zone) == text


def test_each_spelling_of_an_owner_is_kept() -> None:
    """A type's RRset has its own; a blank owner would be the one before."""
    text = b"$TTL 1\n@ SOA a b 1 2 3 4 5\n@ NS a\nWWW A 192.0.2.1\nwww TXT x\n"
    zone = read_zone(text, path="x.zone", origin=ORIGINS[0], include=None).zone
    read = read_zone(zone_text(zone).encode(), path="x", origin=ORIGINS[0], include=None).zone
    assert {rrset.owner for rrset in read} == {b"", b"\x03WWW", b"\x03www"}


def test_what_no_file_can_hold_is_refused_by_name() -> None:
    """MD is obsolete and read by nobody; this A has five octets."""
    soa = RRset(b"", rd.SOA, 1, (b"\x00\x00" + bytes(20),))
    for rtype, rdata, name in ((rd.MD, b"\x00", "MD"), (rd.A, b"12345", "A")):
        zone = Zone(ORIGINS[0], {r.key: r for r in (soa, RRset(b"\x01a", rtype, 1, (rdata,)))})
        with pytest.raises(RejectedError, match=rf"a\.example\.com\.: a {name} record"):
            zone_text(zone)
