"""Master-file syntax (RFC 1035 §5.1): every way to write a record means the same record."""

from __future__ import annotations

import pytest
from zone_support import ORIGIN, TOP, added, places, read, records

WWW = ["www.example.com. 3600 IN A 192.0.2.2"]


@pytest.mark.parametrize(
    "text",
    [
        "www A 192.0.2.2\n",
        "www A 192.0.2.2",
        "www\tA\t192.0.2.2\r\n",
        "www 3600 IN A 192.0.2.2\n",
        "www IN 3600 A 192.0.2.2\n",
        "www in 1h a 192.0.2.2\n",
        "www 30m30M class1 a 192.0.2.2 ; comment\n",
        "www.example.com. A 192.0.2.2\n",
        "www TYPE1 192.0.2.2\n",
        "www TYPE1 \\# 4 C0000202\n",
        "www A \\# 4 C0000202\n",
        "www ( 3600\n  IN ; comment ( \n A\n) 192.0.2.2\n",
        "\\119ww A 192.0.2.2\n",
        "$ORIGIN com.\nwww.example A 192.0.2.2\n",
        "$ORIGIN www.example.com.\n@ A 192.0.2.2\n",
        "$origin www\n@ A 192.0.2.2\n",
        "$TTL 1\n$TTL 3600 ; one hour\nwww A 192.0.2.2\n",
        "\n; \xfc\xf6 in a comment\n \t\nwww A 192.0.2.2\n",
        "$GENERATE 2-2 www A 192.0.2.$\n",
    ],
)
def test_a_record_is_the_same_however_it_is_written(text: str) -> None:
    assert added(text) == WWW


def test_blank_owner_is_the_last_one() -> None:
    assert added("www A 192.0.2.2\n    A 192.0.2.3\n\tAAAA 2001:db8::1\n") == [
        "www.example.com. 3600 IN A 192.0.2.2",
        "www.example.com. 3600 IN A 192.0.2.3",
        "www.example.com. 3600 IN AAAA 2001:db8::1",
    ]


def test_strings_keep_quotes_escapes_and_utf8() -> None:
    (text,) = added('t TXT "a;b (c)" d\\"e \\000\\255 "\xfc" ""\n')
    assert text == 't.example.com. 3600 IN TXT "a;b (c)" "d\\"e" "\\000\\255" "\\195\\188" ""'


def test_type_word_as_owner_and_number_as_owner() -> None:
    assert added("A A 192.0.2.2\n300 A 192.0.2.3\nIN IN A 192.0.2.4\n") == [
        "300.example.com. 3600 IN A 192.0.2.3",
        "A.example.com. 3600 IN A 192.0.2.2",
        "IN.example.com. 3600 IN A 192.0.2.4",
    ]


def test_ttl_without_directive_is_the_last_written_else_the_minimum() -> None:
    soa = "@ SOA ns hostmaster 1 7200 3600 1209600 300\n"
    assert records(read(soa + "@ NS ns\nns 60 A 192.0.2.1\n A 192.0.2.2\n"))[:2] == [
        "example.com. 300 IN NS ns.example.com.",
        "ns.example.com. 60 IN A 192.0.2.1",
    ]
    assert records(read("@ 60" + soa[1:] + "@ NS ns\n")) == [
        "example.com. 60 IN NS ns.example.com."
    ]


def test_a_minimum_too_large_for_a_ttl_counts_as_0() -> None:
    soa = "@ SOA ns hostmaster 1 7200 3600 1209600 "
    assert read(f"{soa}2147483647\n@ NS ns\n").findings == []
    parsed = read(f"{soa}( 2147483648 )\n@ NS ns\nns A 192.0.2.1\n")
    assert places(parsed.findings) == [("ttl-too-large", 1, 43)]
    assert {rrset.ttl for rrset in parsed.zone} == {0}


def test_one_ttl_for_one_rrset_the_first() -> None:
    parsed = read(TOP + "a 60 A 192.0.2.2\na 61 A 192.0.2.3\na 62 A 192.0.2.4\n")
    assert places(parsed.findings) == [("ttl-mismatch", 6, 1)]
    assert {rrset.ttl for rrset in parsed.zone if rrset.owner == b"\x01a"} == {60}
    # With others between them too, where named and Knot take the last one.
    parsed = read(TOP + "a 60 A 192.0.2.2\nb A 192.0.2.2\na 61 A 192.0.2.3\n")
    (found,) = parsed.findings
    assert (found.id, found.position.line) == ("ttl-mismatch", 7)
    assert "60 of the first" in found.message
    assert {rrset.ttl for rrset in parsed.zone if rrset.owner == b"\x01a"} == {60}


def test_case_of_owners_is_kept() -> None:
    assert added("WwW A 192.0.2.2\n") == ["WwW.example.com. 3600 IN A 192.0.2.2"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("www A 192.0.2\n", ("syntax", 5, 7)),
        ("www A 192.0.2.01\n", ("syntax", 5, 7)),
        ("www A\n", ("syntax", 5, 6)),
        ("www A 192.0.2.2 extra\n", ("syntax", 5, 17)),
        ("www A (192.0.2.2\n  extra )\n", ("syntax", 6, 3)),
        ("www AAAA 2001:db8\n", ("syntax", 5, 10)),
        ("www AAAA 1:2:3:4::5:6:7:8\n", ("syntax", 5, 10)),
        ("www\n", ("syntax", 5, 4)),
        ("www MX mail\n", ("syntax", 5, 12)),
        ("www MX 65536 mail\n", ("syntax", 5, 8)),
        ("www CAA 0 issue\n", ("syntax", 5, 9)),
        (" www A 192.0.2.2\n", ("unknown-type", 5, 2)),
        ("www AXFR x\n", ("unknown-type", 5, 5)),
        ("www CH A 192.0.2.2\n", ("bad-class", 5, 5)),
        ("www 1h30 A 192.0.2.2\n", ("syntax", 5, 5)),
        ("www 4294967296 A 192.0.2.2\n", ("syntax", 5, 5)),
        ("www 2147483648 A 192.0.2.2\n", ("ttl-too-large", 5, 5)),
        ("a..b A 192.0.2.2\n", ("bad-name", 5, 1)),
        ("x" * 64 + " A 192.0.2.2\n", ("bad-name", 5, 1)),
        ("b\xfc A 192.0.2.2\n", ("bad-name", 5, 1)),
        ("a CNAME b\xfc\n", ("bad-name", 5, 9)),
        ('www TXT "open\n', ("syntax", 5, 9)),
        ('"\xfc" TXT "open\n', ("syntax", 5, 9)),
        ("www TXT a\\\n", ("syntax", 5, 10)),
        ("www TXT \\256\n", ("syntax", 5, 9)),
        ("www TXT " + "x" * 256 + "\n", ("string-too-long", 5, 9)),
        ("www TXT" + (" " + "x" * 255) * 257 + "\n", ("rdata-too-long", 5, 1)),
        ("www A 192.0.2.2 )\n", ("syntax", 5, 17)),
        ("www A ( 192.0.2.2\n", ("syntax", 5, 7)),
        ("$NO such\n", ("syntax", 5, 1)),
        ("$TTL\n", ("syntax", 5, 5)),
        ("$ORIGIN a b\n", ("syntax", 5, 11)),
        ("$INCLUDE nowhere\n", ("include-failed", 5, 10)),
        ("$GENERATE 1-2\n", ("bad-generate", 5, 14)),
        ("$GENERATE 2-1 a$ A 192.0.2.$\n", ("bad-generate", 5, 11)),
        ("$GENERATE 0-999999 a$ A 192.0.2.1\n", ("bad-generate", 5, 11)),
        ("$GENERATE 255-256 a$ A 192.0.2.$\n", ("bad-generate", 5, 1)),
        ("www.example.org. A 192.0.2.2\n", ("out-of-zone", 5, 1)),
        ("ns A 192.0.2.1\n", ("duplicate-record", 5, 1)),
        ("sub SOA ns hostmaster 1 2 3 4 5\n", ("soa-not-at-apex", 5, 1)),
        ("@ SOA ns hostmaster 7 2 3 4 5\n", ("soa-multiple", 5, 1)),
        ("@ SOA ns hostmaster 4294967296 2 3 4 5\n", ("serial-too-large", 5, 21)),
        ("@ SOA ns hostmaster 7 2 3 4\n", ("syntax", 5, 28)),
    ],
)
def test_errors_name_line_and_column(text: str, place: tuple[str, int, int]) -> None:
    assert places(read(TOP + text).findings) == [place]


def test_reader_goes_on_after_an_error() -> None:
    parsed = read(TOP + "a A x\nb A (\n  x ; wrong\n)\nc A 192.0.2.2\nd NOPE\n")
    assert places(parsed.findings) == [
        ("syntax", 5, 5),
        ("syntax", 7, 3),
        ("unknown-type", 10, 3),
    ]
    assert "c.example.com. 3600 IN A 192.0.2.2" in records(parsed)


def test_number_of_errors_is_bounded() -> None:
    found = read(TOP + "a A x\n" * 1000).findings
    assert len(found) == 101
    assert found[-1].id == "too-many-errors"


def test_number_of_warnings_is_bounded_and_the_rest_counted() -> None:
    found = read(TOP + "a.org. A 192.0.2.1\n" * 1000).findings
    assert len(found) == 21
    assert "980 more" in found[-1].message


def test_a_file_that_is_not_utf8_is_refused_with_its_line() -> None:
    parsed = read(TOP.encode() + b"; caf\xe9\na A 192.0.2.2\n")
    assert places(parsed.findings) == [("not-utf8", 5, 6)]


def test_byte_order_mark_is_skipped_and_said() -> None:
    parsed = read(b"\xef\xbb\xbf" + TOP.encode())
    assert places(parsed.findings) == [("byte-order-mark", 1, 1)]
    assert parsed.serial_span == ("zones/example.com.zone", 33, 43)
    assert records(parsed) == records(read(TOP))


def test_no_soa_no_owner_no_ttl() -> None:
    assert places(read("$TTL 60\n@ NS ns\n").findings) == [("soa-missing", 0, 0)]
    assert places(read(" A 192.0.2.1\n" + TOP).findings) == [("no-owner", 1, 2)]
    assert places(read("ns A 192.0.2.1\n" + TOP).findings) == [("no-ttl", 1, 4)]


def test_soa_error_is_not_also_a_missing_soa() -> None:
    assert places(read("$TTL 60\n@ SOA ns hostmaster 1 x 3 4 5\n").findings) == [("syntax", 2, 23)]


def test_origin_that_disagrees_with_the_file_is_named() -> None:
    text = "$ORIGIN example.org.\n" + TOP
    assert places(read(text).findings) == [("origin-mismatch", 1, 9)]


def test_origin_of_the_parent_with_a_relative_soa_is_fine() -> None:
    text = "$TTL 60\n$ORIGIN com.\nexample SOA ns.example h.example 1 2 3 4 5\n NS ns.example\n"
    assert read(text).findings == []


@pytest.mark.parametrize(
    "text",
    [
        "@ SOA ns hostmaster 2026112101 7200 3600 1209600 300\n",
        "@ SOA ns hostmaster ( ; serial 99\r\n\t 2026112101 ; (\r\n 7200 3600 1209600 300 )\r\n",
        "; \xfc 2026112101\n@ IN SOA ( ns hostmaster\n2026112101 2h 1h 2w 5m)\n",
    ],
)
def test_the_serials_digits_are_placed(text: str) -> None:
    content = ("$TTL 3600\n" + text + "@ NS ns\nns A 192.0.2.1\n").encode()
    parsed = read(content)
    assert parsed.zone.serial == 2026112101
    assert parsed.serial_span is not None
    path, start, end = parsed.serial_span
    assert path == "zones/example.com.zone"
    changed = content[:start] + b"7" + content[end:]
    assert read(changed).zone.serial == 7
    assert records(read(changed)) == records(parsed)


def test_positions_of_rrsets_and_single_records() -> None:
    parsed = read(TOP + "a A 192.0.2.3\na A 192.0.2.2\n")
    key, rrset = next((k, r) for k, r in parsed.zone.rrsets.items() if r.owner == b"\x01a")
    assert parsed.position(key).line == 5
    assert [parsed.position(key, rdata).line for rdata in rrset.rdatas] == [6, 5]
    assert str(parsed.position(b"no such key")) == "zones/example.com.zone"


def test_root_and_reverse_zones() -> None:
    root = read("$TTL 60\n. SOA ns. h. 1 2 3 4 5\n NS ns.\nns A 192.0.2.1\n", origin=b"\x00")
    assert root.findings == []
    assert records(root)[0] == ". 60 IN NS ns."
    assert ORIGIN not in root.zone.rrsets
