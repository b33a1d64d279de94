"""An opened parenthesis that is never closed takes the rest of the file with it: one finding, and
no line is read again and again to look for its end."""

from __future__ import annotations

import pytest
from zone_support import TOP, ids, places, read, records

MANY = 20_000


def test_lines_of_nothing_but_parentheses_are_one_error() -> None:
    parsed = read(TOP + "((((((\n" * MANY)
    assert places(parsed.findings) == [("syntax", 5, 1)]
    assert len(records(parsed)) == 2


def test_after_an_unclosed_quote_too() -> None:
    parsed = read(TOP + 'a TXT "x\n' + "((((((\n" * MANY)
    assert places(parsed.findings) == [("syntax", 5, 7), ("syntax", 6, 1)]


def test_the_quote_that_hides_the_closing_one_is_named() -> None:
    parsed = read(TOP + 'a TXT ( "x )\nb A 192.0.2.2\n')
    assert places(parsed.findings) == [("syntax", 5, 9)]
    assert "closing '\"'" in parsed.findings[0].message


def test_a_soa_in_what_is_not_read_is_not_missed() -> None:
    assert ids(read("$TTL 1h\na TXT ( x\n@ SOA ns h 1 2 3 4 5\n").findings) == ["syntax"]


@pytest.mark.parametrize(
    "line", ["a A (", 'a TXT "x', "a TXT x )", "a A x", "(a A x)", "$TTL (x)", '"', "a\\", ")"]
)
def test_reading_ends_at_the_bound_of_errors(line: str) -> None:
    parsed = read(TOP + f"{line}\n" * MANY)
    assert len(parsed.findings) == 1 or ids(parsed.findings)[-1] == "too-many-errors"
    assert len(parsed.findings) <= 101
