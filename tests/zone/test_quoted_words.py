"""Quotes make a character-string; what is none is never read with them (as named has it)."""

from __future__ import annotations

import pytest
from zone_support import TOP, added, read

NOT_STRINGS = [
    'a "A" 192.0.2.2',
    'a "300" A 192.0.2.2',
    'a 300 "IN" A 192.0.2.2',
    '$TTL "300"',
    '$ORIGIN "b"',
    'a PTR "host.example."',
    'a DNAME "x"',
    'a CNAME "x"',
    'a NS "x"',
    'a ( PTR "host.example." )',
    'a MX 10 "ns"',
    'a MX "10" ns',
    '@ SOA ns hostmaster "2026112101" 7200 3600 1209600 300',
    'a A "192.0.2.2"',
    'a AAAA "2001:db8::1"',
    'a SRV "1" 1 1 ns',
    'a RP "b" "c"',
    'a NAPTR 1 1 "u" "x" "" "."',
    'a CAA 0 "issue" x',
    'a CAA 0 "issue" "x"',
    'a DS "1" 8 2 0000000000000000000000000000000000000000000000000000000000000000',
    'a TXT \\# 2 "0161"',
]
STRINGS = [
    'a TXT "x" y',
    'a SPF "v=spf1 -all"',
    'a HINFO "x" "y"',
    'a X25 "311061700956"',
    'a ISDN "1"',
    'a GPOS "1" "1" "1"',
    'a NAPTR 1 1 "u" "x" "" .',
    'a CAA 0 issue "x"',
    'a URI 10 1 "http://x"',
    'a SVCB 1 . alpn="h2"',
    'a HTTPS 1 . alpn="h2"',
    '"a" A 192.0.2.2',
]


@pytest.mark.parametrize("line", NOT_STRINGS)
def test_a_quoted_word_that_is_no_string_is_refused(line: str) -> None:
    parsed = read(f"{TOP}{line}\n")
    (found,) = parsed.findings
    assert (found.id, found.level, found.position.line) == ("syntax", "error", 5)
    assert line[found.position.column - 1] == '"'
    assert len(parsed.zone.rrsets) == 3


@pytest.mark.parametrize("line", STRINGS)
def test_strings_may_be_quoted(line: str) -> None:
    assert len(added(f"{line}\n")) == 1
