"""Whatever a file holds, reading and judging it ends in findings with a place, never in an
exception."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import ORIGIN, TOP, read

from zonecast.errors import ConfigError
from zonecast.zone.gate import judge
from zonecast.zone.policy import Policy

PIECES = st.sampled_from(
    [
        b"@",
        b"ns",
        b"A",
        b"TXT",
        b"SOA",
        b"MX",
        b"CAA",
        b"TYPE65534",
        b"RRSIG",
        b"SVCB",
        b"LOC",
        b"192.0.2.1",
        b"::1",
        b"60",
        b"1h",
        b"IN",
        b"CH",
        b"\\#",
        b"4",
        b"00",
        b".",
        b"..",
        b"\\",
        b"(",
        b")",
        b'"',
        b";",
        b" ",
        b"\t",
        b"\n",
        b"\r\n",
        b"\r",
        b"\x00",
        b"\xff",
        b"\xc3\xbc",
        b"$ORIGIN ",
        b"$TTL ",
        b"$INCLUDE ",
        b"$GENERATE ",
        b"0-9",
        b"${0,3,n}",
        b"$",
        b"\\000",
    ]
)
TEXT = st.one_of(st.binary(max_size=200), st.lists(PIECES, max_size=40).map(b"".join))


@settings(max_examples=250, deadline=None)
@given(TEXT, st.booleans())
def test_any_octets_are_read_and_judged(content: bytes, after_top: bool) -> None:
    parsed = read(TOP.encode() + content if after_top else content, {"A": "@ A 192.0.2.1\n"})
    verdict = judge(read(TOP).zone, parsed, Policy().zone(ORIGIN))
    lines = (TOP.encode() + content).count(b"\n") + 1
    for finding in verdict.findings:
        assert 0 <= finding.position.line <= lines
        assert finding.message
    if parsed.zone.soa is None:
        assert not verdict.ok


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.binary(max_size=100),
        st.lists(
            st.sampled_from(
                [
                    "include",
                    "[serial]",
                    "mode",
                    "=",
                    '"fix"',
                    "\n",
                    "[zone.x]",
                    "[checks]",
                    "[",
                    "]",
                    "rails",
                    ".",
                    "max-delete",
                    "1.0",
                    "{",
                    "}",
                    '"*"',
                    '"off"',
                    "origins",
                    "true",
                ]
            ),
            max_size=20,
        ).map(lambda parts: " ".join(parts).encode()),
    )
)
def test_any_policy_is_read_or_refused(content: bytes) -> None:
    said = "zonecast.toml is fine"
    try:
        Policy.from_toml(content, "zonecast.toml").zone(ORIGIN)
    except ConfigError as error:
        said = str(error)
    assert said.startswith("zonecast.toml")
