"""What a record's standard asks of its text: no more than named reads, and types of old."""

from __future__ import annotations

import pytest
from zone_support import TOP, added, places, read

from zonecast.zone import rdata as rd
from zonecast.zone.zonefile.writer import zone_text


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("a X25 abc", ("syntax", 5, 7)),
        ("a X25 123", ("syntax", 5, 7)),
        ("a APL 1:192.0.2.0/24 3:00/1", ("syntax", 5, 22)),
        ("a NSEC b", ("syntax", 5, 9)),
        ("a RRSIG A 8 2 1h 20300101000000 20200101000000 1 @ AAAA", ("syntax", 5, 15)),
        ("a SIG A 8 2 1h 20300101000000 20200101000000 1 @ AAAA", ("syntax", 5, 13)),
        ("a URI 10 1 http://x", ("syntax", 5, 12)),
        ("a TYPE3 \\# 1 00", ("unknown-type", 5, 3)),
        ("a MD b", ("unknown-type", 5, 3)),
        ("a MF b", ("unknown-type", 5, 3)),
        ("a MINFO b", ("syntax", 5, 10)),
    ],
)
def test_what_named_does_not_read_is_refused(line: str, place: tuple[str, int, int]) -> None:
    parsed = read(f"{TOP}{line}\n")
    assert places(parsed.findings) == [place]


@pytest.mark.parametrize(
    "line",
    [
        'a URI 10 1 "http://x"',
        "a APL 1:192.0.2.0/24 !2:::/0",
        "a APL",
        "a X25 311061700956",
        "a NSEC b A NSEC",
        "a TYPE256 \\# 5 000a000178",
        "a TYPE47 \\# 3 016100",
    ],
)
def test_what_named_reads_is_read(line: str) -> None:
    assert len(added(f"{line}\n")) == 1


@pytest.mark.parametrize("name", ["MB", "MG", "MR"])
def test_mail_types_of_old_are_read(name: str) -> None:
    assert added(f"a {name} b\n") == [f"a.example.com. 3600 IN {name} b.example.com."]


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("10 0 0 .", "0a0000"),
        ("10 1 0 192.0.2.1", "0a0100c0000201"),
        ("10 2 0 2001:db8::1", "0a020020010db8000000000000000000000001"),
        ("10 3 00 ( gw )", "0a0300026777076578616d706c6503636f6d00"),
    ],
)
def test_an_ipseckey_of_no_algorithm_has_no_key(text: str, digits: str) -> None:
    """RFC 4025 §2.4: there is none, and nothing stands for it."""
    zone = read(f"{TOP}a IPSECKEY {text}\n").zone
    (rrset,) = [rrset for rrset in zone if rrset.rtype == 45]
    assert rrset.rdatas == (bytes.fromhex(digits),)
    written = zone_text(zone)
    assert "\\#" not in written
    assert all(line == line.rstrip() for line in written.splitlines())
    assert read(written).zone.rrsets == zone.rrsets


@pytest.mark.parametrize("text", ["10 0 2 .", "10 1 0 gw", "10 0 0", "256 0 0 .", "10 0 0 . %"])
def test_any_other_ipseckey_has_all_its_parts(text: str) -> None:
    (found,) = read(f"{TOP}a IPSECKEY {text}\n").findings
    assert (found.id, found.position.line) == ("syntax", 5)


def test_minfo_is_two_names() -> None:
    parsed = read(TOP + "a MINFO b C.example.\na TYPE14 B c.example.\n")
    (found,) = parsed.findings
    assert found.id == "duplicate-record"  # the case of its names does not count
    (rrset,) = [rrset for rrset in parsed.zone if rrset.rtype == rd.MINFO]
    assert rrset.rdatas == (b"\x01b\x07example\x03com\0\x01C\x07example\0",)


@pytest.mark.parametrize(
    ("name", "number"), [("NXT", 30), ("A6", 38), ("TA", 32768), ("TYPE65280", 65280)]
)
def test_a_type_that_is_not_read_is_named_with_what_to_write(name: str, number: int) -> None:
    (found,) = read(f"{TOP}a {name} b\n").findings
    assert name in found.message
    assert f"TYPE{number} \\# " in found.remedy
    assert len(added(f"a TYPE{number} \\# 1 00\n")) == 1
