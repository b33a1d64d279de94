"""Both ways to read rdata, ours for plain types and dnspython's for every other, give the same
octets and refuse the same text."""

from __future__ import annotations

import ipaddress

from hypothesis import given, settings
from hypothesis import strategies as st
from zone_support import ORIGIN, TOP, read

from zonecast.zone import rdata as rd
from zonecast.zone.zonefile.plain import PLAIN
from zonecast.zone.zonefile.rdata import FAST, Names, RdataError, read_any

LABEL = st.text("abcXYZ019-_*", min_size=1, max_size=12)
ESCAPED = st.sampled_from(["a\\.b", "\\000", "\\255x", "\\@", "\\$", 'q\\"', "\\;"])
NAME = st.one_of(
    st.builds(
        lambda labels, dot: ".".join(labels) + dot,
        st.lists(LABEL | ESCAPED, min_size=1, max_size=5),
        st.sampled_from(["", "."]),
    ),
    st.sampled_from(["@", ".", "x" * 63, "x" * 64, "a..b", ".a", ("x" * 50 + ".") * 5, "*"]),
    st.sampled_from(['"a"', '"a.b."', 'a"b"', '""']),
)
NUMBER = st.one_of(
    st.integers(0, 65536).map(str), st.sampled_from(["-1", "+1", "1_0", "0x1", "65536", "00"])
)
IPV4 = st.one_of(
    st.integers(0, 2**32 - 1).map(lambda n: str(ipaddress.IPv4Address(n))),
    st.sampled_from(["1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.", "a.b.c.d"]),
)
IPV6 = st.one_of(
    st.integers(0, 2**128 - 1).map(lambda n: str(ipaddress.IPv6Address(n))),
    st.integers(0, 2**128 - 1).map(lambda n: ipaddress.IPv6Address(n).exploded.upper()),
    st.sampled_from(
        [
            "::",
            "::1",
            "1::",
            "fe80::1:0:0:2",
            "::ffff:192.0.2.1",
            "1:2:3:4:5:6:192.0.2.1",
            "1:2:3:4:5:6:7",
            ":::",
            "1::2::3",
            "12345::",
            "::g",
            "1:2:3:4:5:6:7:8:9",
            "::1.2.3",
            "192.0.2.1",
            ":1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:",
            "64:ff9b::192.0.2.256",
        ]
    ),
)
STRING = st.one_of(
    st.text("abc=~:/?019", min_size=1, max_size=20),
    st.sampled_from(['"a b;c()"', '""', '"\\"\\\\"', "\\000\\255", "a\\ b", '"' + "x" * 255 + '"']),
)
DIGEST = st.builds(
    lambda octets, upper: octets.hex().upper() if upper else octets.hex(),
    st.sampled_from([19, 20, 32, 48]).flatmap(lambda n: st.binary(min_size=n, max_size=n)),
    st.booleans(),
)
RDATA = st.one_of(
    st.tuples(
        st.just(rd.DS),
        st.builds(
            "{} {} {} {}".format,
            NUMBER,
            st.sampled_from(["8", "13", "256", "ECDSAP256SHA256"]),
            st.sampled_from(["0", "1", "2", "4", "9"]),
            st.one_of(DIGEST, DIGEST.map(lambda text: f"{text[:8]} {text[8:]}"), st.just("xy")),
        ),
    ),
    st.tuples(
        st.just(rd.CAA),
        st.builds(
            "{} {} {}".format,
            st.sampled_from(["0", "128", "256", "-1", "x"]),
            st.sampled_from(["issue", "ISSUE", "issue-wild", "tag0", "tag_0", "x" * 256]),
            STRING,
        ),
    ),
    st.tuples(st.just(rd.A), IPV4),
    st.tuples(st.just(rd.AAAA), IPV6),
    st.tuples(st.sampled_from([rd.NS, rd.CNAME, rd.PTR, rd.DNAME]), NAME),
    st.tuples(st.just(rd.MX), st.builds("{} {}".format, NUMBER, NAME)),
    st.tuples(st.just(rd.SRV), st.builds("{} {} {} {}".format, NUMBER, NUMBER, NUMBER, NAME)),
    st.tuples(
        st.sampled_from([rd.TXT, 99]), st.lists(STRING, min_size=1, max_size=4).map(" ".join)
    ),
)


@settings(max_examples=800, deadline=None)
@given(RDATA)
def test_both_read_the_same_octets(case: tuple[int, str]) -> None:
    rtype, text = case
    try:
        theirs: bytes | None = read_any(rtype, text, ORIGIN)
    except RdataError:
        theirs = None
    parsed = read(TOP + f"owner {rd.type_to_text(rtype)} {text}\n")
    mine = [rrset for rrset in parsed.zone if rrset.owner == b"\x05owner"]
    assert (mine[0].rdatas[0] if mine else None) == theirs
    assert bool(parsed.findings) == (theirs is None)


def test_the_fast_path_is_taken() -> None:
    """Without it the test above would compare dnspython with itself."""
    tried = []
    for rtype, text in ((rd.A, b"192.0.2.1"), (rd.MX, b"10 mail"), (rd.TXT, b"a b")):
        tried.append(FAST[rtype](text.split(), Names(ORIGIN)))
    assert tried[0] == bytes((192, 0, 2, 1))
    assert PLAIN[rd.CAA]([b"0", b"issue", b"ca.example"], Names(ORIGIN)) == b"\0\x05issueca.example"
    assert PLAIN[rd.DS]([b"1", b"8", b"1", b"ab" * 20], Names(ORIGIN))[:4] == b"\0\x01\x08\x01"
    assert set(FAST) >= {rd.A, rd.AAAA, rd.NS, rd.CNAME, rd.PTR, rd.MX, rd.TXT, rd.SRV}
