"""`zonecast import` from BIND, Knot and NSD: every record as it was, in a file that a person reads."""

from __future__ import annotations

from pathlib import Path

import pytest
from agents import KEY, Secret, axfr, run
from import_support import import_zones, records_in
from real_primaries import ZONE, real_primary
from transfer_support import BASE

# What a signed zone has besides, as others made it.
SIGNED = """\
@ DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0dxCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==
@ RRSIG DNSKEY 13 2 300 20370101000000 20200101000000 1 example.com. c2lnbmF0dXJl
@ NSEC a NS SOA RRSIG NSEC DNSKEY TYPE65400
@ RRSIG NSEC 13 2 60 20370101000000 20200101000000 1 example.com. c2lnbmF0dXJl
@ CDS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
@ TYPE65400 \\# 5 0d00010000
sub DS 1 13 2 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
"""
TEXT = (
    "$ORIGIN example.com.\n$TTL 300\n@ IN SOA ns1 host\\.master 2026112101 3600 600 86400 300\n"
    + "".join(f"{owner} {ttl} IN {rtype} {text}\n" for owner, rtype, ttl, text in BASE)
    + """\
quo\\"te 60 TXT "a \\"b\\" \\\\ ; \\000\\255" "" UPPER
dot\\.ted.Mixed 60 A 192.0.2.7
nul\\000octet 60 AAAA ::ffff:192.0.2.7
web HTTPS 1 . alpn=h2 ipv4hint=192.0.2.80
n NAPTR 100 10 "u" "E2U+sip" "!^.*$!sip:info@example.com!" .
u TYPE65280 \\# 4 0a000001
@ 86400 CAA 0 issue "ca.example.net"
loc LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0m 10000m 10m
"""
    + SIGNED
)


@pytest.mark.parametrize("server", ["named", "knotd", "nsd"])
def test_every_record_comes_and_the_file_is_right(
    server: str, tmp_path: Path, secret: Secret
) -> None:
    tree = tmp_path / "tree"
    key = ("--key-file", str(secret.path), "--key", KEY)
    with real_primary(server, tmp_path / server, secret) as primary:
        primary.publish(TEXT, 2026112101)
        served = axfr("127.0.0.1", primary.port, ZONE, secret.keyring)
        at = ("--axfr", f"127.0.0.1:{primary.port}", "--into", str(tree))
        done = import_zones(tmp_path, *at, *key, ZONE)
        assert done.returncode == 0, done.stderr
        assert "serial 2026112101" in done.stdout
        text = (tree / "example.com.zone").read_text("ascii")
        assert records_in(text) == records_in(served.to_text(relativize=False))
        again = import_zones(tmp_path, *at, *key, ZONE)
        assert (again.returncode, again.stderr) == (0, "")
        assert "holds it already" in again.stdout
        refused = import_zones(tmp_path, *at, "--into", str(tmp_path / "none"), ZONE)
        assert refused.returncode in (1, 3), "this server wants the key"
        assert not list((tmp_path / "none").iterdir())
    assert text.startswith("$ORIGIN example.com.\n$TTL 300\n@  ")
    lines = text.splitlines()
    assert "2026112101 ; serial" in lines[3]
    [www] = [line for line in lines if line.lower().startswith("www ")]
    assert www.lower().split() == ["www", "in", "cname", "ns1"], "some servers keep no case"
    run(
        [
            "named-checkzone",
            "-q",
            "-i",
            "none",
            "-k",
            "ignore",
            ZONE,
            str(tree / "example.com.zone"),
        ]
    )
