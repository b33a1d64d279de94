"""Octets that are no such record (RFC 3597 §5): other servers serve them, and so a zone with them can
be taken over and written; what cannot be served safely is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import ORIGIN, TOP, check, ids, places, read

from zonecast.zone import rdata as rd
from zonecast.zone.rrset import RRset, Zone
from zonecast.zone.zonefile.writer import zone_text

SERVED_ELSEWHERE = {
    "HTTPS 0 x alpn=h2": (rd.HTTPS, "0000 0178 00 0001 0003 026832"),
    "HTTPS 1 . no-default-alpn": (rd.HTTPS, "0001 00 0002 0000"),
    "SVCB 1 . ech=AEH+DQA9AA==": (rd.SVCB, "0001 00 0005 0007 0041fe0d003d00"),
    'URI 1 1 ""': (256, "0001 0001"),
    'CAA 0 a-b "x"': (rd.CAA, "00 03 612d62 78"),
    "LOC of version 1": (29, "01" + "00" * 15),
    "DS of a short digest": (rd.DS, "0001 08 02 00"),
}


@pytest.mark.parametrize("name", SERVED_ELSEWHERE)
def test_a_zone_with_it_is_written_and_read_again(name: str) -> None:
    rtype, digits = SERVED_ELSEWHERE[name]
    rdata = bytes.fromhex(digits)
    plain = read(TOP).zone
    odd = RRset(b"\x01a", rtype, 3600, (rdata,))
    zone = Zone(ORIGIN, {**plain.rrsets, odd.key: odd})
    parsed = read(zone_text(zone))
    assert parsed.zone.rrsets == zone.rrsets
    (found,) = parsed.findings
    assert (found.id, found.level) == ("malformed-rdata", "warning")
    assert rd.type_to_text(rtype) in found.message


def test_it_is_said_where_it_stands_and_with_what_else_is_wrong() -> None:
    text = f"{TOP}a 60 IN CAA \\# 4 00 01\n"
    assert places(read(f"{text}").findings) == [("syntax", 5, 13)], "its length is not as written"
    found = check(f"{TOP}a 60 IN HTTPS ( \\# 10 00010000 0200\n  000003 0000 )\n")
    assert ids(found)[0] == "syntax", "nor is this one's"
    found = check(f"{TOP}a 60 IN HTTPS ( \\# 7 0001\n  00 0002 0000 )\n")
    assert places(found) == [("malformed-rdata", 5, 17)]


@pytest.mark.parametrize(
    "record",
    [
        "A \\# 5 0102030405",
        "NS \\# 3 016100ff",
        "NS \\# 2 0161",
        "MX \\# 3 000a01",
        "MB \\# 0",
        "MINFO \\# 2 0001",
        "NXT \\# 1 01",
        "TXT \\# 0",
        "SOA \\# 2 0000",
        "NSEC \\# 4 00000100",
        "NSEC3 \\# 5 0100000000",
        "DNSKEY \\# 3 000000",
        "RRSIG \\# 2 0001",
        "TYPE63 \\# 3 000000",
        "HTTPS \\# 1 00",
        "HTTPS \\# 2 0001",
        "HTTPS \\# 4 0001c000",
        "SVCB \\# 3 000101",
        "CAA \\# 1 00",
        "CAA \\# 3 00ff61",
        "NAPTR \\# 7 00010001ff6161",
        "URI \\# 2 0",
        "URI \\# 1 0g",
        "URI \\# x 00",
        "URI \\# -1 00",
        "URI \\#",
        f"HTTPS \\# 259 0001{'3f' + '61' * 63}{'3f' + '61' * 63}{'3f' + '61' * 63}{'3f' + '61' * 63}00",
        "MD \\# 1 00",
    ],
)
def test_what_could_not_be_served_is_refused(record: str) -> None:
    found = read(f"{TOP}a {record}\n").findings
    assert [finding.level for finding in found] == ["error"]


@settings(max_examples=150, deadline=None)
@given(
    st.sampled_from([*rd.LAYOUTS, 20, 22, 27, 29, 37, 42, 43, 44, 45, 49, 52, 53, 55, 59, 61, 62,
                     63, 256, 257]),
    st.one_of(st.binary(max_size=12), st.binary(max_size=6).map(lambda octets: octets + b"\x00")),
)  # fmt: skip
def test_whatever_is_read_can_be_checked_and_is_as_it_was(rtype: int, rdata: bytes) -> None:
    text = f"{TOP}a TYPE{rtype} \\# {len(rdata)} {rdata.hex()}\n"
    check(text)
    for rrset in read(text).zone:
        if rrset.owner == b"\x01a":
            assert rrset.rdatas == (rdata,)
            assert all(len(name) <= 255 for name in rd.names(rtype, rdata))
