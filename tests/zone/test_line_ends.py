"""Lines end in LF or CR LF; a carriage return or NUL elsewhere is named, never taken for a blank."""

from __future__ import annotations

import pytest
from zone_support import TOP, added, places, read


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r\r\n"])
def test_line_feeds_with_carriage_returns_before_them(end: str) -> None:
    parsed = read((TOP + 'a ( TXT\n "x" ) ; c\n').replace("\n", end))
    assert parsed.findings == []
    assert len(parsed.zone.rrsets) == 4


@pytest.mark.parametrize(
    ("line", "column"),
    [
        ("a A\r192.0.2.2", 4),
        ("a A 192.0.2.2\rb A 192.0.2.2", 14),
        ("a TXT x\ry", 8),
        ("\ra A 192.0.2.2", 1),
        ("a\x00b A 192.0.2.2", 2),
        ("a TXT x\x00", 8),
    ],
)
def test_control_characters_between_words_are_errors(line: str, column: int) -> None:
    parsed = read(f"{TOP}{line}\n")
    assert places(parsed.findings) == [("syntax", 5, column)]
    assert len(parsed.zone.rrsets) == 3


def test_in_strings_and_comments_they_are_what_they_are() -> None:
    assert added('a TXT "x\ry\x00" ; \r \x00\n') == [
        'a.example.com. 3600 IN TXT "x\\013y\\000"',
    ]


@pytest.mark.parametrize("first", ["", "; a comment\n", "\n"])
def test_carriage_returns_alone_are_named(first: str) -> None:
    parsed = read((first + TOP).replace("\n", "\r"))
    assert places(parsed.findings) == [("syntax", 1, 1)]
    assert "CR alone" in parsed.findings[0].message
