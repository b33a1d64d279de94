"""Where fuzzing starts: real zone files and queries, and the words that they are made of."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from answering import starts
from targets import BIG, SEPARATOR, TOP

PROJECT = Path(__file__).resolve().parents[2]
_SHARED = PROJECT.parent / "shared" / "data"
_LARGEST = 8192

WORDS = (
    b"@", b".", b"..", b"*", b"\\", b"(", b")", b'"', b";", b" ", b"\t", b"\n", b"\r\n", b"\r",
    b"\x00", b"\xff", b"\xc3\xbc", b"\xef\xbb\xbf", b"\\000", b"\\255", b"\\256", b"\\.", b"\\#",
    b"IN", b"CH", b"A", b"AAAA", b"NS", b"MX", b"TXT", b"SOA", b"CNAME", b"DNAME", b"CAA", b"SVCB",
    b"HTTPS", b"RRSIG", b"NSEC", b"NSEC3", b"DS", b"CDS", b"ZONEMD", b"LOC", b"NAPTR", b"NSAP",
    b"APL", b"WKS", b"TLSA", b"SSHFP", b"TYPE65534", b"CLASS1", b"192.0.2.1", b"2001:db8::1", b"0",
    b"1", b"60", b"1h", b"1w2d", b"4294967295", b"4294967296", b"99999999999", b"\\# 4 00000000",
    b"$ORIGIN ", b"$TTL ", b"$INCLUDE a.inc", b"$GENERATE ", b"0-9", b"1-3/2", b"${0,3,n}", b"$",
    b"alpn=h2", b"key65535=", b"v=spf1 ", b"v=DKIM1; p=", b"v=DMARC1; p=none", b"zonecast: ignore=",
    # of packets
    b"\xc0\x0c", b"\xc0\xff", b"\x00\x01", b"\x00\xfb", b"\x00\xff", b"\x00\xfa\x00\xff",
    b"\x00\x00\x29\x04\xd0", b"\x00\x0a\x00\x08", b"\x00\x0a\x00\x18", b"\x00\x1c\x00\x0a\x00\x18",
    b"\x03www\x07example\x00", b"\x01*", b"\xff\xff", b"\x80\x00",
    b"a" * 63, b"a" * 64, b"a." * 130, SEPARATOR,
)  # fmt: skip

POLICIES = (
    b'include = ["**/*.zone"]\npublish = "each-zone"\n[serial]\nmode = "fix"\npolicy = "date"\n',
    b'[origins]\n"zones/example.com.zone" = "example.com."\n[checks]\n"*" = "warning"\n',
    b'[rails]\nmax-delete = 0.3\n[zone."example.com"]\nserial.mode = "managed"\n',
)

# What a version of the big file loses, and what comes in its place.
EDITED = (
    (b"", b"new A 192.0.2.9\n"),
    (b"host7 A 10.0.0.7\n", b""),
    (b"one\n   two9 )", b"\n one )"),
    (b"  MX 10 mail ; of host20 (\n", b"  MX 20 mail\n"),
    (b"h30.sub IN CNAME host30", b"h30.sub IN CNAME host31"),
)


def _edit(old: bytes, new: bytes) -> bytes:
    """One edit as `targets.increment` reads it."""
    place = BIG.index(old) if old else len(BIG)
    return place.to_bytes(2, "big") + bytes((len(old), len(new))) + new


@cache
def zones() -> tuple[bytes, ...]:
    """Zone files: the sample repository's and, where they are, other people's; none is large."""
    places = [PROJECT / "sample-zones-repo", _SHARED / "zones", _SHARED / "lint" / "zones"]
    found = [TOP, TOP + b"$INCLUDE a.inc" + SEPARATOR + b"www A 192.0.2.2\n"]
    for place in places:
        for file in sorted(place.rglob("*")):
            if file.is_file() and ".git" not in file.parts and file.stat().st_size < _LARGEST:
                found.append(file.read_bytes())
    return tuple(found)


def inputs(target: str) -> list[bytes]:
    """What a target is given first."""
    if target == "policy":
        return list(POLICIES)
    if target == "packet":
        return starts()
    if target == "increment":
        return [_edit(b"2026112101", b"2026112102") + _edit(*each) for each in EDITED]
    if target == "hook":
        rest = (b"", b"www A 192.0.2.2\n", POLICIES[0])
        return [SEPARATOR.join((zone, *rest)) for zone in zones()]
    if target == "merge":
        return [SEPARATOR.join((zone, zone, zone)) for zone in zones()]
    return list(zones())
