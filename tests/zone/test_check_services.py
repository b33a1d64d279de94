"""CAA, digests and service records."""

from __future__ import annotations

import pytest
from zone_support import TOP, check, places


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("_25._tcp.ns TLSA 3 1 1 8fe6", "syntax"),
        (f"_25._tcp.ns TLSA 3 1 2 {'ab' * 32}", "syntax"),
        (f"x._smimecert SMIMEA 3 1 1 {'ab' * 31}", "syntax"),
        (f"ns SSHFP 1 1 {'ab' * 32}", "syntax"),
        (f"ns SSHFP 4 2 {'ab' * 20}", "syntax"),
        ('@ CAA 0 iodef "security@example.com"', "caa-syntax"),
        ('@ CAA 0 issue "ca_example"', "caa-syntax"),
        ('@ CAA 1 issue "ca.example.net"', "caa-syntax"),
        ('@ CAA 0 isue "ca.example.net"', "caa-syntax"),
        ("@ HTTPS 0 ns alpn=h2", "syntax"),
        ("@ HTTPS 1 . no-default-alpn", "syntax"),
        ("@ HTTPS 1 . mandatory=alpn", "syntax"),
        ("@ HTTPS 0 @", "svcb-alias"),
        ("@ HTTPS 0 ns\n@ HTTPS 1 . alpn=h2", "svcb-alias"),
        ("@ HTTPS 1 gone alpn=h2", "dangling-target"),
    ],
)
def test_finds(text: str, kind: str) -> None:
    ((found, line, _),) = places(check(f"{TOP}{text}\n"))
    assert (found, line) == (kind, 5)


@pytest.mark.parametrize(
    "text",
    [
        f"_25._tcp.ns TLSA 3 1 1 {'ab' * 32}\n_26._tcp.ns TLSA 3 0 0 308203",
        f"ns SSHFP 1 1 {'ab' * 20}\nns SSHFP 4 2 {'ab' * 32}",
        '@ CAA 0 issue "ca.example.net; account=23; policy=ev"\n@ CAA 128 issuewild ";"',
        '@ CAA 0 iodef "https://example.com/report"',
        "@ HTTPS 1 . alpn=h3,h2 mandatory=alpn\nns HTTPS 0 www.example.net.",
        "sub NS ns.example.net.\n@ SVCB 1 host.sub port=53",
    ],
)
def test_lets_pass(text: str) -> None:
    assert check(f"{TOP}{text}\n") == []
